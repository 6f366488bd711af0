"""An exponential moving average of everything that a model has learnt.

In: a model, after each step. Out: the same model with averaged weights. The statistics of batch
normalisation are averaged with the weights: left behind, they would belong to other weights.
"""

from typing import Any


class WeightAverage:
    def __init__(self, model: Any, decay: float) -> None:
        from keras import ops

        self._as_array = ops.convert_to_numpy
        # Dropout's random state is among the model's variables too, as whole numbers.
        self._variables = [v for v in model.variables if str(v.dtype).startswith("float")]
        self._averages = [self._as_array(v).copy() for v in self._variables]
        self._decay = decay
        self._steps = 0

    def update(self) -> None:
        # A short memory at first, so that the random start is soon forgotten.
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for average, variable in zip(self._averages, self._variables, strict=True):
            average *= decay
            average += (1 - decay) * self._as_array(variable)

    def apply(self) -> None:
        for average, variable in zip(self._averages, self._variables, strict=True):
            variable.assign(average)
