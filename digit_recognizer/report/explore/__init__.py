"""What the data look like, as one page."""
