"""One page that explains predictions: maps of the ink for and against a digit, and their limits."""
