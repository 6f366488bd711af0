"""The highest arithmetic speed of this machine: the product of two square matrices.

In: a task with the matrices' side. Out: turns, each with the seconds in float32 and in bfloat16.
"""

from typing import Any

from digit_recognizer.bench.turns import Task, Turns, time_of
from digit_recognizer.learn.backend import configure

PRECISIONS = ("float32", "bfloat16")


def multiply(task: Task, turns: Turns) -> None:
    configure(task.threads)
    from keras import ops, random

    matrices = {
        precision: ops.cast(random.uniform((task.side, task.side)), precision)
        for precision in PRECISIONS
    }

    def take_product(matrix: Any) -> None:
        # The corner's value is there only when the whole product is.
        float(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))

    for matrix in matrices.values():
        take_product(matrix)
    turns.take()
    while True:
        turns.take(**{name: time_of(lambda m=m: take_product(m)) for name, m in matrices.items()})  # type: ignore[misc]
