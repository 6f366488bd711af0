"""How much `make bench` measures.

What always holds: the quick size takes the same paths as the full one, but for those that train
to an accuracy, with fewer contenders.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    rounds: int  # measurements of each figure that is a median
    steps: int  # batches that each of a contender's processes trains in one turn
    predicted: int  # images that each of them predicts in one turn
    contenders: tuple[str, ...]
    side: int  # of the square matrices whose product is timed
    rows: int  # of the training part that is read, and trained on by a whole command
    growth: tuple[int, ...]  # rows of the whole commands that are compared
    reach_seconds: float  # after which a contender's way to an accuracy is given up; 0: no such way


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
