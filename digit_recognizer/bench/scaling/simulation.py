"""The trainings of a line-up on any number of workers, second by second.

In: how long each fold trains, how many workers there are, what everything beside training costs.
Out: when each fold begins and ends, and when the command does. What always holds: a worker trains
one fold at a time, folds are handed out in their order to whoever is free, and the caller writes
one result at a time.
"""

import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """What a line-up takes beside its training, in seconds and bytes."""

    start: float  # of the command: imports, reading, asking in which precision to train
    process: float  # of a process that trains: Python, TensorFlow
    saving: float  # of a fold's result, by the caller
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
    workers: int  # that there are

    @property
    def busy(self) -> float:
        """The part of all workers' time in which they train."""
        return sum(span.ended - span.begun for span in self.spans) / (self.workers * self.seconds)


def simulate(folds: list[float], workers: int, costs: Costs) -> Outcome:
    """Train the folds, of so many seconds each, on the workers."""
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
    """Return when the digits are with each worker.

    The caller sends them to the scheduler, which sends them to one worker; then each that has them
    passes them on to one that has not.
    """
    hop = costs.digits / costs.bandwidth
    arrivals = [costs.start + 2 * hop]
    while len(arrivals) < workers:
        later = arrivals[-1] + hop
        arrivals += [later] * min(len(arrivals), workers - len(arrivals))
    return arrivals
