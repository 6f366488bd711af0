"""The optional package: it is there and works, or the reason why not is told."""

import sys
from pathlib import Path

import pytest

from digit_recognizer.use.explain.expected_gradients import find_obstacle


@pytest.fixture
def _no_shap(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "shap" or name.startswith("shap.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("_no_shap")
def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    assert find_obstacle() == "The package shap is not installed."


@pytest.mark.usefixtures("_no_shap")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("raise ImportError('Numba needs NumPy 2.1 or less')", "Numba needs NumPy 2.1 or less"),
        ("import a_library_that_is_missing", "lacks a_library_that_is_missing"),
    ],
)
def test_what_is_installed_but_does_not_load_is_told_with_the_reason(
    statement: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shap.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    reason = find_obstacle()
    assert reason is not None
    assert told in reason


def test_where_it_is_installed_nothing_is_in_the_way() -> None:
    pytest.importorskip("shap")
    assert find_obstacle() is None
