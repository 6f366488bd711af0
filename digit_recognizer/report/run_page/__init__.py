"""The page of one run: what it scores, where it errs, how it came about, how to repeat it."""
