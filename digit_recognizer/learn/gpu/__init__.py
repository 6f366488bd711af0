"""Training on graphics cards: whole epochs of several folds at a time, by Keras on JAX."""
