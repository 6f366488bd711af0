"""A contender's process: `python -m digit_recognizer.bench.contender`, with a task on stdin.

In: a task, and a line for each turn. Out: the answers of `turns.py`, and nothing else on stdout.
"""

import json
import os
import sys
from collections.abc import Callable

from digit_recognizer.bench import ours, peak, pytorch, stock
from digit_recognizer.bench.turns import Task, Turns

ROLES: dict[str, Callable[[Task, Turns], None]] = {
    "train ours": ours.train,
    "train stock": stock.train,
    "train stock with XLA": stock.train_with_xla,
    "train pytorch": pytorch.train,
    "predict ours": ours.predict,
    "predict stock": stock.predict,
    "predict stock with XLA": stock.predict_with_xla,
    "predict pytorch": pytorch.predict,
    "multiply": peak.multiply,
    "reach by the whole training": ours.reach_by_length,
    "reach by epochs": ours.reach_by_epochs,
    "reach by the Keras example": stock.reach_by_epochs,
}


def main() -> None:
    # Whatever a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = Task(**json.loads(sys.stdin.readline()))
    turns = Turns(sys.stdin, answers)
    ROLES[task.role](task, turns)
    turns.tell({"over": True})


if __name__ == "__main__":
    main()
