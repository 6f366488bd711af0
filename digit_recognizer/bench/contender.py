"""A contender's process: `python -m digit_recognizer.bench.contender`, with a task on stdin.

In: a task, and a line for each turn. Out: the answers that `turns.py` describes, and nothing else
on stdout.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from digit_recognizer.bench import ours, pytorch, stock
from digit_recognizer.bench.turns import Task, Turns, time_of
from digit_recognizer.learn.backend import configure

_PRECISIONS = ("float32", "bfloat16")


def multiply(task: Task, turns: Turns) -> None:
    """Time the product of two square matrices, which shows the machine's peak speed."""
    configure(task.threads)
    from keras import ops, random

    matrices = {
        precision: ops.cast(random.uniform((task.side, task.side)), precision)
        for precision in _PRECISIONS
    }

    def take_product(matrix: Any) -> None:
        # Reading one value waits until the whole product is computed.
        float(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))

    for matrix in matrices.values():
        take_product(matrix)
    turns.take()
    while True:
        turns.take(**{name: time_of(lambda m=m: take_product(m)) for name, m in matrices.items()})  # type: ignore[misc]


ROLES: dict[str, Callable[[Task, Turns], None]] = {
    "train ours": ours.train,
    "train stock": stock.train,
    "train stock with XLA": stock.train_with_xla,
    "train pytorch": pytorch.train,
    "predict ours": ours.predict,
    "predict stock": stock.predict,
    "predict stock with XLA": stock.predict_with_xla,
    "predict pytorch": pytorch.predict,
    "multiply": multiply,
    "reach by the whole training": ours.reach_by_length,
    "reach by epochs": ours.reach_by_epochs,
    "reach by the Keras example": stock.reach_by_epochs,
}


def main() -> None:
    # Output of libraries must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = Task(**json.loads(sys.stdin.readline()))
    turns = Turns(sys.stdin, answers)
    ROLES[task.role](task, turns)
    turns.tell({"over": True})


if __name__ == "__main__":
    main()
