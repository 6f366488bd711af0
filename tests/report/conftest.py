"""What the tests of reports share."""

from collections.abc import Iterator

import pytest

from digit_recognizer.experiments.named import LINEUPS


@pytest.fixture(autouse=True, scope="package")
def _line_up_of_two() -> Iterator[None]:
    """A line-up of two runs, whatever the real one may have come to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LINEUPS, "standard", ("stages", "stages-light"))
        yield
