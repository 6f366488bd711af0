"""From a picture file's bytes to the 28x28 that networks know, and from CSV rows to the same."""
