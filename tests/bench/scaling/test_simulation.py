"""The simulation, compared with values by hand and with bounds for any folds."""

import itertools
import random

import pytest

from digit_recognizer.bench.scaling.simulation import Costs, simulate

FREE = Costs(start=0, process=0, saving=0)


def test_three_folds_on_two_workers() -> None:
    outcome = simulate([10, 10, 4], 2, FREE)
    assert [(span.worker, span.begun, span.ended) for span in outcome.spans] == [
        (0, 0, 10),
        (1, 0, 10),
        (0, 10, 14),
    ]
    assert outcome.seconds == 14
    assert outcome.busy == pytest.approx(24 / 28)


def test_costs_besides_training() -> None:
    costs = Costs(start=3, process=2, saving=1)
    # 3 to start; on the one worker 2 + 10 and 2 + 10; the first is saved meanwhile, the second not.
    assert simulate([10, 10], 1, costs).seconds == 3 + 12 + 12 + 1
    # Both end at the same time, and the caller writes one after the other.
    assert simulate([10, 10], 2, costs).seconds == 3 + 12 + 2
    kept = Costs(start=3, process=2, saving=1, process_serves_on=True)
    assert simulate([10, 10], 1, kept).seconds == 3 + 2 + 10 + 10 + 1


def test_the_digits_are_passed_from_worker_to_worker() -> None:
    costs = Costs(start=0, process=0, saving=0, digits=100, bandwidth=100)
    outcome = simulate([10.0] * 8, 8, costs)
    # Two hops to the first worker; then one more has them, then two more, then four.
    assert [span.begun for span in outcome.spans] == [2, 3, 4, 4, 5, 5, 5, 5]
    # They are not sent to a worker that has nothing to train.
    assert simulate([10.0], 8, costs).seconds == 12


def test_bounds_that_hold_for_any_folds() -> None:
    draw = random.Random(0)
    for _ in range(200):
        folds = [draw.uniform(1, 100) for _ in range(draw.randint(1, 20))]
        workers = draw.randint(1, 25)
        outcome = simulate(folds, workers, FREE)
        work = sum(folds)
        assert outcome.seconds >= max(*folds, work / workers) - 1e-9
        # The upper bound for giving folds to the next free worker (Graham, 1966).
        assert outcome.seconds <= work / workers + max(folds)
        assert outcome.busy == pytest.approx(work / workers / outcome.seconds)
        spans = sorted(outcome.spans, key=lambda span: (span.worker, span.begun))
        for before, after in itertools.pairwise(spans):
            assert before.worker != after.worker or before.ended <= after.begun
        assert simulate(folds, len(folds) + 5, FREE).seconds == max(folds)
