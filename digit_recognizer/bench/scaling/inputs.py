"""The measured values that the simulation starts from.

In: nothing. Out: numbers. What always holds: each was measured on two cores with bfloat16 in
hardware, as its comment says; an assumed value is marked as one.
"""

from dataclasses import dataclass

from digit_recognizer.bench.scaling.simulation import Costs
from digit_recognizer.experiments.named import EXPERIMENTS

IMAGES, TEST_IMAGES = 42_000, 28_000


@dataclass(frozen=True)
class Training:
    """One fold of an experiment, trained by a process of one thread beside another one."""

    name: str
    images_per_second: float
    rest: float  # seconds for a fold besides training: building, predicting

    @property
    def folds(self) -> int:
        return EXPERIMENTS[self.name].folds

    @property
    def passes(self) -> int:
        """How many images it is shown in all epochs together."""
        return IMAGES * (self.folds - 1) // self.folds * EXPERIMENTS[self.name].epochs

    @property
    def seconds(self) -> float:
        return self.passes / self.images_per_second + self.rest


# Speed and rest: means over the folds' `facts` in done.json, on two cores of an AMD EPYC with
# AVX512-BF16, of the runs of docs/performance.md with seed 0.
TRAININGS = {
    training.name: training
    for training in (
        Training("stages-short", images_per_second=3_714, rest=6.9),
        Training("stages", images_per_second=3_001, rest=7.9),
        Training("stages-long", images_per_second=3_069, rest=8.1),
        Training("stages-stretched", images_per_second=3_035, rest=8.0),
    )
}

# `make bench`: a command's imports 0.5 s, reading from the cache 0.05 s. The rest by
# `.venv/bin/python scripts/scaling.py --measure`.
HERE = Costs(start=0.55, process=4.5, saving=0.13, process_serves_on=True)
CLUSTER = Costs(
    start=0.55 + 0.7 + 4.5,  # importing Dask; a process that finds the fastest precision
    process=4.5,
    saving=0.13,
    digits=(IMAGES + TEST_IMAGES) * 28 * 28 + IMAGES,
    result=2.0e6,
    bandwidth=125e6,  # assumed: 1 Gbit/s between any two machines
)
