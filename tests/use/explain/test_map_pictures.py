"""What a map looks like, and what is said of it."""

import numpy as np
import pytest

from digit_recognizer.use.explain.map_pictures import describe, mark, paint

IMAGE = np.zeros((28, 28), np.uint8)
IMAGE[4:24, 10:18] = 200


def make_map(upper: float, lower: float) -> np.ndarray:
    values = np.zeros((28, 28), np.float32)
    values[4:10, 10:18], values[18:24, 10:18] = upper, lower
    return values


def test_for_is_blue_against_orange_and_the_rest_of_the_digit_grey() -> None:
    pixels = paint(make_map(2.0, -2.0), IMAGE).astype(int)
    red, blue = pixels[..., 0], pixels[..., 2]
    assert (blue[4:10, 10:18] > red[4:10, 10:18] + 100).all()
    assert (red[18:24, 10:18] > blue[18:24, 10:18] + 100).all()
    silent = pixels[12, 12]
    assert silent[0] == silent[1] == silent[2] == 70
    assert not pixels[0].any(), "paper stays black"


def test_more_is_brighter_and_the_scale_is_the_map_s_own() -> None:
    weak, strong = make_map(0.5, 1.0), make_map(50, 100)
    assert np.array_equal(paint(weak, IMAGE), paint(strong, IMAGE))
    blue = paint(weak, IMAGE)[..., 2].astype(int)
    assert blue[20, 12] > blue[6, 12] > blue[12, 12]


def test_a_map_that_says_nothing_is_the_digit_in_grey() -> None:
    pixels = paint(np.zeros((28, 28), np.float32), IMAGE)
    assert pixels.max() == 70
    assert describe(np.zeros((28, 28), np.float32)) == "nothing is for or against it"


def test_hidden_ink_is_told_apart_and_the_rest_as_it_was() -> None:
    window = np.zeros((28, 28), bool)
    window[3:8, 8:13] = True
    marked = mark(IMAGE, window)
    assert np.array_equal(marked[~window], np.repeat(IMAGE[~window][:, None], 3, axis=1))
    assert len(set(marked[5, 11].tolist())) == 3
    assert not marked[3, 8].any(), "there was no ink"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (make_map(3, 0), "100 % is for it, about the upper part"),
        (make_map(0, -3), "100 % against it, about the lower part"),
        (
            make_map(3, -1),
            "75 % is for it, about the upper part; 25 % against it, about the lower part",
        ),
        (np.eye(28, dtype=np.float32), "100 % is for it, about the middle"),
        (np.fliplr(np.triu(np.ones((28, 28)), 20)), "100 % is for it, about the upper left"),
    ],
)
def test_words_say_how_much_and_where(values: np.ndarray, told: str) -> None:
    assert describe(values) == told
