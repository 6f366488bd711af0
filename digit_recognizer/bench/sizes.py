"""How much `make bench` measures.

What always holds: the quick size runs the same code as the full one, with fewer contenders and
without training to an accuracy.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    rounds: int  # measurements for each median
    steps: int  # batches that each process trains in one turn
    predicted: int  # images that each process predicts in one turn
    contenders: tuple[str, ...]
    side: int  # of the square matrices in the timed product
    rows: int  # of the training data that are read, and used by a whole command
    growth: tuple[int, ...]  # rows of the whole commands that show growth
    reach_seconds: float  # time limit for training to an accuracy; 0: not measured


FULL = Sizes(
    rounds=5,
    steps=10,
    predicted=5_000,
    contenders=("ours", "ours in one process", "stock", "stock with XLA", "pytorch"),
    side=2_048,
    rows=42_000,
    growth=(10_000, 42_000, 168_000),
    reach_seconds=300,
)
QUICK = Sizes(
    rounds=3,
    steps=4,
    predicted=2_000,
    contenders=("ours", "stock", "pytorch"),
    side=2_048,
    rows=10_000,
    growth=(5_000, 20_000),
    reach_seconds=0,
)
