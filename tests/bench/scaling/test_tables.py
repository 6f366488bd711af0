"""docs/scaling.md has the tables of `make scaling`, which agree with measurements."""

import pytest

from digit_recognizer.bench.scaling.inputs import HERE, TRAININGS
from digit_recognizer.bench.scaling.simulation import simulate
from digit_recognizer.bench.scaling.tables import make_tables
from tests.commands import PROJECT


def test_the_document_has_the_tables() -> None:
    document = (PROJECT / "docs/scaling.md").read_text()
    tables = list(make_tables())
    assert len(tables) == 3
    for table in tables:
        assert table in document, f"`make scaling` says otherwise:\n{table}"


@pytest.mark.parametrize(("name", "measured"), [("stages-short", 162), ("stages", 533)])
def test_two_cores_take_the_measured_time(name: str, measured: float) -> None:
    """`make train LINEUP=quick` and `make train`, nothing else running (docs/performance.md)."""
    training = TRAININGS[name]
    outcome = simulate([training.seconds] * training.folds, 2, HERE)
    assert outcome.seconds == pytest.approx(measured, rel=0.05)
