"""From picture files and CSV rows to 28x28 images as the networks know them."""
