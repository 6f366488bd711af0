"""An exponential moving average of a model's weights and statistics.

In: a model, after each step. Out: the same model with averaged weights. The statistics of batch
normalisation are averaged with the weights: left behind, they would belong to other weights.
"""

from typing import Any

EVERY = 4  # steps


class WeightAverage:
    def __init__(self, model: Any, decay: float) -> None:
        from keras import ops

        self._as_array = ops.convert_to_numpy
        # Dropout's random state is among the model's variables too, as whole numbers.
        self._variables = [v for v in model.variables if str(v.dtype).startswith("float")]
        self.averages = [self._as_array(v).copy() for v in self._variables]
        self.steps = 0
        self._decay = decay

    def update(self) -> None:
        # Fetching the weights takes as long as a twentieth of a step; now and then is enough.
        self.steps += 1
        if self.steps % EVERY:
            return
        # A short memory at first, so that the random start is soon forgotten.
        updates = self.steps // EVERY
        decay = min(self._decay**EVERY, (1 + updates) / (10 + updates))
        for average, variable in zip(self.averages, self._variables, strict=True):
            average *= decay
            average += (1 - decay) * self._as_array(variable)

    def apply(self) -> None:
        if self.steps < EVERY:
            return  # too few steps for an average: what was learnt stays
        for average, variable in zip(self.averages, self._variables, strict=True):
            variable.assign(average)
