"""Training on Kaggle's own machines: one script there and back.

In: a line-up. Out: a folder that Kaggle takes as a kernel, and its runs in `runs/`. What always
holds: the script holds this project's code and nothing else of the person's, and what comes back is
checked like what was trained here.
"""
