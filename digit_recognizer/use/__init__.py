"""What a trained line-up is good for beyond the CSV.

It imports nothing that trains unless a run is opened: an exported file is enough for `recognizer`,
`pictures` and `serve`, without TensorFlow.
"""
