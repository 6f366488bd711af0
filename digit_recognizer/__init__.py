"""A pipeline for Kaggle's Digit Recognizer: CSV in, out-of-fold estimate, submission.csv out."""
