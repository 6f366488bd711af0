"""One page on what decided: maps of the ink for and against a digit, and their limits."""
