"""How fast this machine reads, trains and predicts, beside stock Keras and PyTorch.

In: nothing but the bundled sample, and full-size data where there are any. Out: one table. What
always holds: whatever is compared is measured in one run, each contender in a process of its own
(TensorFlow's settings are a process's), and they take turns, so that a machine which slows down
slows all of them down.
"""
