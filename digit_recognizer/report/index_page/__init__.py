"""The page of all runs: which is best, whether that is luck, and what blends are made of."""
