"""How alike two maps are called."""

import math

import numpy as np
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


def test_it_is_scipys_on_the_ink() -> None:
    from scipy.stats import spearmanr

    other = np.round(MAP + GENERATOR.normal(size=(28, 28)), 1)
    ink = IMAGE > 0
    assert correlate(MAP, other, IMAGE) == pytest.approx(spearmanr(MAP[ink], other[ink])[0])


def test_paper_has_no_say() -> None:
    changed = np.where(IMAGE == 0, 100.0, MAP)
    assert correlate(changed, MAP, IMAGE) == pytest.approx(1)


def test_a_map_without_an_order_agrees_with_nothing() -> None:
    assert math.isnan(correlate(MAP, np.zeros((28, 28)), IMAGE))
    assert math.isnan(correlate(MAP, MAP, np.zeros((28, 28), np.uint8)))
    assert middle_of(np.array([math.nan, 0.2, 0.4, 0.9])) == 0.4
    assert math.isnan(middle_of(np.array([math.nan])))
