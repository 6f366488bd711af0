"""The learning rate at every step."""

from digit_recognizer.experiments.experiment import Experiment

_PEAK = 0.25  # the part of the training after which the triangle has its tip
_START = 0.1  # what the triangle begins with, as a part of its tip; it ends at nothing


def learning_rate(experiment: Experiment, epoch: int, step: int, steps_per_epoch: int) -> float:
    """Return the rate for the step'th batch (from 0) of the epoch (from 0)."""
    highest = experiment.learning_rate
    if experiment.schedule == "exponential":
        return float(highest * experiment.decay_per_epoch**epoch)
    if experiment.schedule == "triangular":
        done = (epoch + (step + 1) / (steps_per_epoch + 1)) / experiment.epochs
        if done < _PEAK:
            return highest * (_START + (1 - _START) * done / _PEAK)
        return highest * (1 - done) / (1 - _PEAK)
    return highest
