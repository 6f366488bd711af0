"""How long line-ups would take on other machines, as tables in Markdown.

In: nothing. Out: text. What always holds: docs/scaling.md contains exactly these tables.
"""

from collections.abc import Iterator, Sequence

from digit_recognizer.bench.scaling.inputs import CLUSTER, HERE, TRAININGS, Training
from digit_recognizer.bench.scaling.simulation import Outcome, simulate
from digit_recognizer.experiments.named import LINEUPS
from digit_recognizer.pages.markdown import format_table
from digit_recognizer.scores import format_percent

_PLANNED = ("quick", "standard", "best")
_WORKERS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 100)
_SEEDS = (1, 2, 4, 8, 16)


def make_tables() -> Iterator[str]:
    yield _compare_machines()
    yield _count_workers()
    yield _count_seeds()


def _members(lineup: str) -> list[Training]:
    return [TRAININGS[name] for name in LINEUPS[lineup]]


def _folds(lineup: str) -> list[float]:
    return [each.seconds for each in _members(lineup) for _ in range(each.folds)]


def _compare_machines() -> str:
    rows: list[tuple[str, ...]] = [
        ("line-up", "folds", "1 core", "2 cores", "16 cores", "100 workers")
    ]
    for lineup in _PLANNED:
        folds = _folds(lineup)
        described = " + ".join(f"{each.folds} of {each.seconds:.0f} s" for each in _members(lineup))
        rows.append(
            (
                f"`{lineup}`",
                described,
                *(_clock(simulate(folds, cores, HERE)) for cores in (1, 2, 16)),
                _clock(simulate(folds, 100, CLUSTER)),
            )
        )
    return _format(rows)


def _count_workers() -> str:
    rows = [("workers", *(f"`{lineup}`: time, speed-up, busy" for lineup in _PLANNED))]
    for workers in _WORKERS:
        cells = []
        for lineup in _PLANNED:
            folds = _folds(lineup)
            outcome, alone = simulate(folds, workers, CLUSTER), simulate(folds, 1, CLUSTER)
            speed_up = alone.seconds / outcome.seconds
            cells.append(f"{_clock(outcome)}, {speed_up:.1f}, {format_percent(outcome.busy)}")
        rows.append((f"{workers}", *cells))
    return _format(rows)


def _count_seeds() -> str:
    rows = [("seeds of `best`", "folds", "time on 100 workers", "busy")]
    for seeds in _SEEDS:
        folds = _folds("best") * seeds
        outcome = simulate(folds, 100, CLUSTER)
        rows.append(
            (f"{seeds}", f"{len(folds)}", _clock(outcome), f"{format_percent(outcome.busy)}")
        )
    return _format(rows)


def _clock(outcome: Outcome) -> str:
    minutes, seconds = divmod(round(outcome.seconds), 60)
    return f"{minutes} min {seconds:02} s"


def _format(rows: Sequence[tuple[str, ...]]) -> str:
    return format_table(rows, range(1, len(rows[0])))
