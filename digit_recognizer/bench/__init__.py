"""How fast this machine reads, trains and predicts, compared with stock Keras and PyTorch.

In: the bundled sample, and full-size data if there are any. Out: one table. What always holds:
everything that is compared is measured in one run, each contender in its own process (TensorFlow's
settings belong to a process). The contenders take turns, so a machine that slows down slows all of
them.
"""
