"""The process that trains trials, one fold after another, as it is told.

In: lines of JSON, first the data and the machine, then one for each fold. Out: lines of JSON: the
progress, the held-out error rate of each epoch, at the end which images are wrong. What always
holds: after each epoch it waits for the answer whether to continue, and it ends when its caller
ends.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from digit_recognizer.data.dataset import load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.text import from_dict
from digit_recognizer.learn.backend import choose_precision
from digit_recognizer.learn.gpu.engine import compiled_programs
from digit_recognizer.learn.gpu.worker import find_fast_precision, train_fold
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, Workspace

# Held-out images scored after each epoch: with these, sampling noise is smaller than that of
# training.
_CURVE_IMAGES = 5_000
_TELL_EVERY = 0.2  # seconds


class _PrunedError(Exception):
    """The trial was pruned."""


class _Orders:
    """The caller's orders; this process ends when the caller is gone."""

    def __init__(self, lines: IO[str]) -> None:
        self._orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()

    def next(self) -> dict[str, Any]:
        return self._orders.get()

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            self._orders.put(json.loads(line))
        os._exit(0)


class _Reporter:
    """Called by the training after every batch and epoch."""

    def __init__(self, orders: _Orders, answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers
        self._images = 0
        self._told = 0.0

    def __call__(self, news: dict[str, Any]) -> None:
        self._images += news.get("images", 0)
        if "epoch" in news:
            rate = 1 - news["held_out_accuracy"]
            tell(self._answers, images=self._images, epoch=news["epoch"], rate=rate)
            if not self._orders.next()["go_on"]:
                raise _PrunedError
        elif time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            tell(self._answers, images=self._images)


def tell(answers: IO[str], **facts: Any) -> None:
    print(json.dumps(facts), file=answers, flush=True)


def main() -> None:
    # Ctrl-C reaches every process of the terminal; only the caller handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Output of libraries must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    orders = _Orders(sys.stdin)
    setting = orders.next()
    workspace = Workspace(Path(setting["root"]))
    train = load_train(workspace)
    assert train.labels is not None
    nothing_else = np.empty((0, 28, 28), np.uint8)
    threads = setting["threads"]
    fit: Callable[..., FoldResult] = fit_fold
    if setting["on_gpu"]:
        fit = partial(train_fold, cache=compiled_programs(workspace))
    while True:
        order = orders.next()
        if order.get("asks") == "precision":
            tell(answers, precision=_find_precision(setting))
            continue
        experiment = from_dict(order["experiment"])
        folds = assign_folds(train.labels, experiment.folds, experiment.seed)
        data = FoldData(train.images, train.labels, folds, nothing_else)
        reporter = _Reporter(orders, answers)
        try:
            result = fit(
                experiment,
                order["fold"],
                data,
                threads,
                reporter,
                order["precision"],
                _CURVE_IMAGES,
            )
            tell(answers, over=_judge(result, data))
        except _PrunedError:
            tell(answers, over=None)
        except ProjectError as error:  # these values diverge, or there is no such network
            tell(answers, over=None, failed=str(error))


def _find_precision(setting: dict[str, Any]) -> str:
    return find_fast_precision() if setting["on_gpu"] else choose_precision(setting["threads"])


def _judge(result: FoldResult, data: FoldData) -> dict[str, Any]:
    rows = np.flatnonzero(data.folds == result.fold)
    wrong = rows[result.oof.argmax(axis=1) != data.labels[rows]]
    return {"wrong": wrong.tolist(), "images": result.facts["images_trained"]}


if __name__ == "__main__":
    main()
