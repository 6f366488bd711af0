"""What a map looks like, and its description."""

import numpy as np
import pytest

from digit_recognizer.use.explain.map_pictures import describe, mark, paint

IMAGE = np.zeros((28, 28), np.uint8)
IMAGE[4:24, 10:18] = 200


def make_map(upper: float, lower: float) -> np.ndarray:
    values = np.zeros((28, 28), np.float32)
    values[4:10, 10:18], values[18:24, 10:18] = upper, lower
    return values


def test_ink_for_the_digit_is_blue_against_it_orange_and_the_rest_grey() -> None:
    pixels = paint(make_map(2.0, -2.0), IMAGE).astype(int)
    red, blue = pixels[..., 0], pixels[..., 2]
    assert (blue[4:10, 10:18] > red[4:10, 10:18] + 100).all()
    assert (red[18:24, 10:18] > blue[18:24, 10:18] + 100).all()
    silent = pixels[12, 12]
    assert silent[0] == silent[1] == silent[2] == 70
    assert not pixels[0].any(), "empty pixels stay black"


def test_larger_values_are_brighter_and_each_map_has_its_own_scale() -> None:
    weak, strong = make_map(0.5, 1.0), make_map(50, 100)
    assert np.array_equal(paint(weak, IMAGE), paint(strong, IMAGE))
    blue = paint(weak, IMAGE)[..., 2].astype(int)
    assert blue[20, 12] > blue[6, 12] > blue[12, 12]


def test_an_empty_map_is_the_digit_in_grey() -> None:
    pixels = paint(np.zeros((28, 28), np.float32), IMAGE)
    assert pixels.max() == 70
    assert describe(np.zeros((28, 28), np.float32)) == "no ink counts for or against it"


def test_hidden_ink_has_another_colour_and_the_rest_is_unchanged() -> None:
    window = np.zeros((28, 28), bool)
    window[3:8, 8:13] = True
    marked = mark(IMAGE, window)
    assert np.array_equal(marked[~window], np.repeat(IMAGE[~window][:, None], 3, axis=1))
    assert len(set(marked[5, 11].tolist())) == 3
    assert not marked[3, 8].any(), "there was no ink"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (make_map(3, 0), "100 % counts for it, mostly in the upper part"),
        (make_map(0, -3), "100 % against it, mostly in the lower part"),
        (
            make_map(3, -1),
            "75 % counts for it, mostly in the upper part; "
            "25 % against it, mostly in the lower part",
        ),
        (np.eye(28, dtype=np.float32), "100 % counts for it, mostly in the middle"),
        (
            np.fliplr(np.triu(np.ones((28, 28)), 20)),
            "100 % counts for it, mostly in the upper left",
        ),
    ],
)
def test_the_description_says_how_much_and_where(values: np.ndarray, told: str) -> None:
    assert describe(values) == told
