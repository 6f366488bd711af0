"""How similar two maps are."""

import math

import numpy as np
import pandas as pd
import pytest

from digit_recognizer.use.explain.agreement import correlate, middle_of

GENERATOR = np.random.default_rng(0)
IMAGE = GENERATOR.integers(0, 3, (28, 28)).astype(np.uint8)
MAP = GENERATOR.normal(size=(28, 28))


def test_only_the_order_counts() -> None:
    assert correlate(MAP, MAP, IMAGE) == pytest.approx(1)
    assert correlate(MAP, np.exp(MAP), IMAGE) == pytest.approx(1)
    assert correlate(MAP, -(MAP**3), IMAGE) == pytest.approx(-1)
    assert abs(correlate(MAP, GENERATOR.normal(size=(28, 28)), IMAGE)) < 0.2


def test_it_is_the_correlation_of_ranks_on_the_ink_and_ties_share_a_rank() -> None:
    other = np.round(MAP + GENERATOR.normal(size=(28, 28)), 1)
    ink = IMAGE > 0
    ranks = [pd.Series(each[ink]).rank() for each in (MAP, other)]
    assert correlate(MAP, other, IMAGE) == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_empty_pixels_do_not_count() -> None:
    changed = np.where(IMAGE == 0, 100.0, MAP)
    assert correlate(changed, MAP, IMAGE) == pytest.approx(1)


def test_a_constant_map_has_no_correlation() -> None:
    assert math.isnan(correlate(MAP, np.zeros((28, 28)), IMAGE))
    assert math.isnan(correlate(MAP, MAP, np.zeros((28, 28), np.uint8)))
    assert middle_of(np.array([math.nan, 0.2, 0.4, 0.9])) == 0.4
    assert math.isnan(middle_of(np.array([math.nan])))
