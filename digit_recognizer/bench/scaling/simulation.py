"""Simulates the training of a line-up on any number of workers.

In: the seconds of each fold, the number of workers, the costs besides training. Out: when each fold
starts and ends, and when the command ends. What always holds: a worker trains one fold at a time,
folds are given in their order to the next free worker, and the caller writes one result at a time.
"""

import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """The costs of a line-up besides training, in seconds and bytes."""

    start: float  # of the command: imports, reading, finding the precision
    process: float  # start of a process that trains: Python, TensorFlow
    saving: float  # writing a fold's result, by the caller
    digits: float = 0  # bytes, to each worker that trains
    result: float = 0  # bytes, from each fold
    bandwidth: float = float("inf")  # bytes a second, of each machine
    process_serves_on: bool = False  # whether the next fold trains in the same process


@dataclass(frozen=True)
class Span:
    worker: int
    begun: float
    ended: float


@dataclass(frozen=True)
class Outcome:
    seconds: float  # until the command ends
    spans: tuple[Span, ...]  # of the folds, in their order
    workers: int  # all of them, idle ones included

    @property
    def busy(self) -> float:
        """The part of the workers' time in which they train."""
        return sum(span.ended - span.begun for span in self.spans) / (self.workers * self.seconds)


def simulate(folds: list[float], workers: int, costs: Costs) -> Outcome:
    """Train folds that take these seconds on the workers."""
    arrivals = _arrivals(min(workers, len(folds)), costs)
    free = [(arrival, worker) for worker, arrival in enumerate(arrivals)]
    heapq.heapify(free)
    spans = []
    for seconds in folds:
        since, worker = heapq.heappop(free)
        is_first = since == arrivals[worker]
        begun = since + (costs.process if is_first or not costs.process_serves_on else 0)
        spans.append(Span(worker, begun, begun + seconds))
        heapq.heappush(free, (begun + seconds, worker))
    saved = 0.0
    for ended in sorted(span.ended for span in spans):
        saved = max(saved, ended + costs.result / costs.bandwidth) + costs.saving
    return Outcome(saved, tuple(spans), workers)


def _arrivals(workers: int, costs: Costs) -> list[float]:
    """Return when each worker has the digits.

    The caller sends them to the scheduler, which sends them to one worker. Then each worker that
    has them sends them to one that does not.
    """
    hop = costs.digits / costs.bandwidth
    arrivals = [costs.start + 2 * hop]
    while len(arrivals) < workers:
        later = arrivals[-1] + hop
        arrivals += [later] * min(len(arrivals), workers - len(arrivals))
    return arrivals
