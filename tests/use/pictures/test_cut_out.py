"""A digit is cut out as in MNIST, wherever and however it is on the picture."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits

from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.use.pictures.cut_out import cut_out, find_digit
from digit_recognizer.use.pictures.read import PictureError, read_picture
from tests.use.pictures.photos import KINDS, draw, make_photo

DIGITS = enlarge(load_digits().images[:40] / 16)


def draw_six(side: int = 200, thickness: int = 16) -> np.ndarray:
    """Draw a 6 of straight strokes, dark on white."""
    grey = np.full((side, side), 255, np.float32)
    top, middle, bottom = side // 5, side // 2, 4 * side // 5
    left, right = side // 4, 3 * side // 4
    grey[top:bottom, left : left + thickness] = 20
    grey[middle:bottom, right - thickness : right] = 20
    for edge in (middle, bottom - thickness):
        grey[edge : edge + thickness, left:right] = 20
    return grey


def save(grey: np.ndarray, kind: str, **options: object) -> bytes:
    contents = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(contents, kind, **options)
    return contents.getvalue()


def measure(image: np.ndarray) -> tuple[int, tuple[float, float]]:
    """Return the longest side of the ink, and its centre of mass."""
    rows, columns = np.nonzero(image > 25)
    return max(np.ptp(rows), np.ptp(columns)) + 1, ndimage.center_of_mass(image)


def is_alike(one: np.ndarray, other: np.ndarray) -> bool:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_becomes_a_centred_digit(kind: str) -> None:
    for number, digit in enumerate(DIGITS[:4]):
        image = cut_out(read_picture(make_photo(digit, kind, number)))
        longest, centre = measure(image)
        assert image.shape == (28, 28) and image.dtype == np.uint8
        assert 18 <= longest <= 20
        assert max(abs(place - 13.75) for place in centre) < 1.1
        assert image[0].max() == image[:, 0].max() == 0


def test_an_image_of_mnist_form_is_not_changed_and_its_negative_is_inverted() -> None:
    for digit in DIGITS:
        if measure(digit)[0] < 18:
            continue  # a narrow box: not in that form
        assert np.array_equal(cut_out(digit.astype(np.float32)), digit)
        assert np.array_equal(cut_out(255 - digit.astype(np.float32)), digit)


def test_dark_on_light_and_light_on_dark_give_the_same_digit() -> None:
    six = draw_six()
    assert is_alike(cut_out(six), cut_out(255 - six))


@pytest.mark.parametrize("side", [40, 100, 400, 1500])
def test_size_does_not_matter(side: int) -> None:
    assert is_alike(cut_out(draw_six(side, round(side * 16 / 200))), cut_out(draw_six(200)))


def test_place_does_not_matter() -> None:
    moved = np.full((500, 400), 255, np.float32)
    moved[10:210, 190:390] = draw_six()
    assert is_alike(cut_out(moved), cut_out(draw_six()))


def test_a_shadow_does_not_matter() -> None:
    light = np.linspace(1, 0.4, 200)[None] * np.linspace(1, 0.7, 200)[:, None]
    assert is_alike(cut_out(draw_six() * light), cut_out(draw_six()))


def test_a_thin_pen_is_as_visible_as_a_thick_one() -> None:
    thin = cut_out(draw_six(1000, 6))
    assert thin.max() > 200
    assert is_alike(thin, cut_out(draw_six(1000, 100))) or (thin > 100).sum() > 40


def test_specks_are_left_out_and_a_separate_stroke_is_kept() -> None:
    six = draw_six()
    speckled = six.copy()
    speckled[185:188, 10:13] = 20
    assert is_alike(cut_out(speckled), cut_out(six))
    barred = draw_six()
    barred[70:80, 50:66] = 255  # a gap in the vertical stroke
    assert is_alike(cut_out(barred), cut_out(six))


def test_of_two_digits_the_larger_is_used_and_the_other_is_reported() -> None:
    both = np.full((220, 500), 255, np.float32)
    both[10:210, 10:210] = draw_six()
    both[60:180, 330:450] = draw_six(120, 10)
    found = find_digit(both)
    assert found.others == 1
    assert is_alike(found.image, cut_out(draw_six()))
    assert find_digit(draw_six()).others == 0


def lay(six: np.ndarray, height: int, width: int, around: float = 255) -> np.ndarray:
    """Put the six into the middle of a larger picture."""
    larger = np.full((height, width), around, np.float32)
    top, left = (height - len(six)) // 2, (width - six.shape[1]) // 2
    larger[top : top + len(six), left : left + six.shape[1]] = six
    return larger


def test_a_printed_box_around_the_digit_is_ignored() -> None:
    form = lay(draw_six(), 400, 400)
    for edge in (90, 306):
        form[edge : edge + 4, 90:310] = 0
        form[90:310, edge : edge + 4] = 0
    assert is_alike(cut_out(form), cut_out(draw_six()))


def test_a_line_longer_than_the_digit_is_ignored() -> None:
    underlined = lay(draw_six(), 400, 500)
    underlined[330:333, 60:440] = 0
    assert is_alike(cut_out(underlined), cut_out(draw_six()))


def test_on_a_sheet_on_a_dark_table_the_digit_is_found() -> None:
    sheet = lay(draw_six(), 400, 500)
    assert is_alike(cut_out(lay(sheet, 480, 600, around=70)), cut_out(draw_six()))


def test_pencil_is_found_beside_a_black_table() -> None:
    pencil = 255 - (255 - draw_six()) / 3
    beside = np.hstack([np.full((400, 80), 5, np.float32), lay(pencil, 400, 500)])
    assert is_alike(cut_out(beside), cut_out(draw_six()))


@pytest.mark.parametrize("turns", range(4))
def test_a_digit_that_touches_the_edge_is_read(turns: int) -> None:
    for digit in DIGITS[:10]:
        drawn = 255 - 235 * np.pad(draw(digit, 200), 60)
        rows = np.flatnonzero((np.rot90(drawn, turns) < 128).any(axis=1))
        touching = np.rot90(np.rot90(drawn, turns)[rows[0] :], -turns)
        assert is_alike(cut_out(touching), cut_out(drawn))
        assert is_alike(cut_out(255 - touching), cut_out(drawn))


@pytest.mark.parametrize(
    "empty",
    [
        np.full((100, 80), 255, np.float32),
        np.zeros((100, 80), np.float32),
        np.full((1, 1), 128, np.float32),
        np.random.default_rng(0).normal(200, 4, (300, 300)).astype(np.float32),
        np.linspace(255, 90, 200)[None].repeat(200, 0).astype(np.float32),
    ],
    ids=["white", "black", "one pixel", "noise", "shadow"],
)
def test_an_empty_picture_is_reported(empty: np.ndarray) -> None:
    with pytest.raises(PictureError):
        cut_out(empty)


def test_pictures_are_rotated_as_their_exif_data_say() -> None:
    six = draw_six()
    turned = np.rot90(six)  # as stored; orientation 6: rotate by a quarter to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = read_picture(save(turned, "JPEG", quality=95, exif=exif.tobytes()))
    assert is_alike(cut_out(upright), cut_out(six))
    assert not is_alike(cut_out(read_picture(save(turned, "JPEG"))), cut_out(six))


@pytest.mark.parametrize("colour", [0, 255])
def test_ink_on_a_transparent_background_is_found_whatever_its_colour(colour: int) -> None:
    six = draw_six()
    layers = np.full((*six.shape, 2), colour, np.uint8)
    layers[..., 1] = 255 - six.astype(np.uint8)
    contents = io.BytesIO()
    Image.fromarray(layers, "LA").save(contents, "PNG")
    assert is_alike(cut_out(read_picture(contents.getvalue())), cut_out(six))


def test_sixteen_bits_and_palettes_are_read() -> None:
    six = draw_six()
    deep = io.BytesIO()
    Image.fromarray((six * 257).astype(np.uint16)).save(deep, "PNG")
    palette = io.BytesIO()
    Image.fromarray(six.astype(np.uint8)).convert("P").save(palette, "GIF")
    for contents in (deep, palette):
        assert is_alike(cut_out(read_picture(contents.getvalue())), cut_out(six))


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (save(draw_six(), "JPEG")[:600], "damaged or cut off"),
        (save(draw_six(), "PNG")[:300], "damaged or cut off"),
    ],
)
def test_other_files_are_refused_in_one_sentence(contents: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        read_picture(contents)


def test_a_picture_that_is_too_large_is_refused_by_its_header() -> None:
    small = save(draw_six(), "PNG")
    # Width and height stand at 16 to 24; the checksum of the header follows at 29.
    header = small[12:16] + (50_000).to_bytes(4) * 2 + small[24:29]
    huge = small[:12] + header + zlib.crc32(header).to_bytes(4) + small[33:]
    with pytest.raises(PictureError, match="too large"):
        read_picture(huge)
