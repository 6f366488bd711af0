"""Uses of a trained line-up beside the submission: predict, serve a page, explain, export.

Training code is imported only when a run is opened: with an exported file, `recognizer`, `pictures`
and `serve` work without TensorFlow.
"""
