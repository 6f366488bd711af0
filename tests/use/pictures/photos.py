"""Photo-like pictures of ten kinds, made from 28x28 digits, as the bytes of files.

What always holds: the same digit, kind and number give the same bytes. A digit is drawn large with
sharp edges, placed somewhere on a sheet, lit, photographed and saved.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

Generator = np.random.Generator


def make_photo(digit: np.ndarray, kind: str, number: int) -> bytes:
    """Return a picture file of a digit (28, 28) uint8, white on black."""
    generator = np.random.default_rng([number, list(KINDS).index(kind)])
    return KINDS[kind](digit, generator)


# --- drawing ------------------------------------------------------------------------------


def draw(digit: np.ndarray, side: int, turn: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """Return how much of each pixel is ink, 0..1; the digit's box has `side` pixels."""
    whole = round(side * 28 / 20)
    smooth = np.asarray(Image.fromarray(digit).convert("F").resize((whole, whole), Image.BICUBIC))
    if turn or tilt:
        radians = np.deg2rad(turn)
        cosine, sine = np.cos(radians), np.sin(radians)
        matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[1, 0], [tilt, 1]])
        middle = np.full(2, (whole - 1) / 2)
        smooth = ndimage.affine_transform(smooth, matrix, middle - matrix @ middle, order=1)
    return _sharpen(smooth / 255, whole)


def _sharpen(smooth: np.ndarray, whole: int) -> np.ndarray:
    """Turn the soft edges of an enlarged digit into the edges of a pen's stroke, two pixels wide.

    A pixel counts as ink if it is darker than its surroundings, so that loops stay open.
    """
    around = ndimage.gaussian_filter(smooth, 1.5 * whole / 28, truncate=2)
    slope = max(whole / 28 / 2, 1)
    return np.clip((smooth + 1.5 * (smooth - around) - 0.45) * slope + 0.5, 0, 1)


def redraw(digit: np.ndarray, side: int, pen: float) -> np.ndarray:
    """Draw the digit again along the middle of its strokes, with a pen `pen` pixels wide."""
    fine = draw(digit, 200) > 0.5
    middle = Image.fromarray(_thin_out(fine).astype(np.float32))
    whole = round(side * 28 / 20)
    line = np.asarray(middle.resize((whole, whole), Image.BICUBIC)) > 0.2
    return np.clip(pen / 2 + 0.5 - ndimage.distance_transform_edt(~line), 0, 1)


def _thin_out(ink: np.ndarray) -> np.ndarray:
    """Thin every stroke to a line (by the rules of Zhang and Suen)."""
    ink = np.pad(ink, 1)
    while True:
        before = ink.sum()
        for first, second in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            around = np.stack([np.roll(ink, move, (0, 1)) for move in _AROUND])
            neighbours = around.sum(axis=0)
            steps = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
            loose = (neighbours >= 2) & (neighbours <= 6) & (steps == 1)
            ink = ink & ~(
                loose & ~around[list(first)].all(axis=0) & ~around[list(second)].all(axis=0)
            )
        if ink.sum() == before:
            return ink[1:-1, 1:-1]


# Directions of the eight neighbours, starting from above.
_AROUND = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))


def thicken(ink: np.ndarray, pixels: float) -> np.ndarray:
    """Return strokes that are `pixels` wider on each side."""
    return np.clip(pixels + 0.5 - ndimage.distance_transform_edt(ink <= 0.5), 0, 1)


def place(ink: np.ndarray, height: int, width: int, generator: Generator) -> np.ndarray:
    """Return a sheet with the drawing at a random place, with a margin around it."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sheet = np.zeros((height, width))
    margin = round(0.04 * min(height, width))
    top = generator.integers(margin, height - len(ink) - margin + 1)
    left = generator.integers(margin, width - ink.shape[1] - margin + 1)
    sheet[top : top + len(ink), left : left + ink.shape[1]] = ink
    return sheet


def choose_sizes(
    generator: Generator, sides: tuple[int, int], share: tuple[float, float] = (0.35, 0.75)
) -> tuple[int, int, int]:
    """Return the height and width of a sheet, within `sides`, and the side of the digit on it."""
    height, width = (int(side) for side in generator.integers(*sides, 2))
    return height, width, round(generator.uniform(*share) * min(height, width))


def draw_somewhere(
    digit: np.ndarray,
    generator: Generator,
    sides: tuple[int, int],
    share: tuple[float, float] = (0.35, 0.75),
    **how: float,
) -> np.ndarray:
    """Return a sheet of random size with the digit, as it is, at a random place."""
    height, width, side = choose_sizes(generator, sides, share)
    return place(draw(digit, side, **how), height, width, generator)


# --- light, camera and file ------------------------------------------------------


def colour(ink: np.ndarray, paper: tuple[int, ...], pen: tuple[int, ...]) -> np.ndarray:
    """Return the sheet in red, green and blue, 0..255."""
    return ink[..., None] * np.array(pen, float) + (1 - ink[..., None]) * np.array(paper, float)


def light(sheet: np.ndarray, generator: Generator, darkest: float) -> np.ndarray:
    """Light the sheet from one side."""
    rows, columns = _places(sheet)
    angle = generator.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * rows + np.sin(angle) * columns
    bulge = (rows - generator.uniform(0, 1)) ** 2 + (columns - generator.uniform(0, 1)) ** 2
    fall = slope - slope.min() + 0.5 * bulge
    return sheet * (1 - (1 - darkest) * fall / fall.max())[..., None]


def shade(sheet: np.ndarray, generator: Generator, darkness: float) -> np.ndarray:
    """Add a shadow with a soft edge, as of a hand or a phone."""
    rows, columns = _places(sheet)
    angle = generator.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (rows - 0.5) + np.sin(angle) * (columns - 0.5)
    edge = 1 / (
        1 + np.exp(-(across - generator.uniform(-0.2, 0.2)) / generator.uniform(0.01, 0.05))
    )
    return sheet * (1 - darkness * edge)[..., None]


def grain(sheet: np.ndarray, generator: Generator, strength: float) -> np.ndarray:
    return sheet + generator.normal(0, strength, sheet.shape[:2])[..., None]


def speckle(sheet: np.ndarray, generator: Generator, count: int, radius: float) -> np.ndarray:
    """Add specks of dirt."""
    sheet = sheet.copy()
    reach = int(radius) + 1
    disc = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1])
    for _ in range(count):
        row, column = generator.integers(0, np.array(sheet.shape[:2]) - 2 * reach)
        near = sheet[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        near[disc < generator.uniform(0.5, 1) * radius] *= generator.uniform(0.2, 0.7)
    return sheet


def _places(sheet: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.ogrid[: sheet.shape[0], : sheet.shape[1]]
    return rows / sheet.shape[0], columns / sheet.shape[1]


def save(sheet: np.ndarray, form: str = "jpeg", **options: object) -> bytes:
    buffer = io.BytesIO()
    pixels = np.clip(np.round(sheet), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


# --- the ten kinds ------------------------------------------------------------------------------

WHITE, BLACK = (250, 250, 248), (25, 25, 30)


def _scan(digit: np.ndarray, generator: Generator) -> bytes:
    """A scan: large, clean, the digit anywhere."""
    return save(
        colour(draw_somewhere(digit, generator, (800, 2000), (0.2, 0.7)), WHITE, BLACK), "png"
    )


def _chalk(digit: np.ndarray, generator: Generator) -> bytes:
    """Light on dark: chalk on a board that was wiped."""
    ink = draw_somewhere(digit, generator, (500, 1200))
    dust = ndimage.gaussian_filter(generator.normal(0, 1, ink.shape), 12) * 40
    return save(
        grain(colour(0.85 * ink, (45, 70, 60), (240, 240, 230)) + dust[..., None], generator, 8)
    )


def _noisy(digit: np.ndarray, generator: Generator) -> bytes:
    """A phone in bad light: noise, and JPEG of quality 30."""
    sheet = colour(draw_somewhere(digit, generator, (400, 1000)), (170, 165, 155), (60, 60, 75))
    blurred = ndimage.gaussian_filter(sheet, (1.5, 1.5, 0))
    return save(grain(blurred, generator, 22), quality=30)


def _uneven(digit: np.ndarray, generator: Generator) -> bytes:
    """Light from one side and a shadow across."""
    sheet = colour(draw_somewhere(digit, generator, (600, 1400)), (235, 230, 220), (40, 40, 60))
    lit = shade(light(sheet, generator, 0.4), generator, 0.4)
    return save(grain(lit, generator, 4), quality=80)


def _coloured(digit: np.ndarray, generator: Generator) -> bytes:
    """Coloured paper, coloured pen."""
    papers = [(250, 225, 120), (240, 170, 190), (170, 215, 240), (180, 230, 170), (205, 175, 135)]
    pens = [(30, 50, 160), (160, 25, 40), (20, 90, 50), (90, 30, 110), (70, 60, 60)]
    ink = draw_somewhere(digit, generator, (400, 1200))
    sheet = colour(ink, papers[generator.integers(5)], pens[generator.integers(5)])
    return save(grain(light(sheet, generator, 0.75), generator, 3), quality=70)


def _turned(digit: np.ndarray, generator: Generator) -> bytes:
    """Slightly rotated and tilted."""
    turn, tilt = generator.uniform(-12, 12), generator.uniform(-0.12, 0.12)
    ink = draw_somewhere(digit, generator, (500, 1200), (0.3, 0.6), turn=turn, tilt=tilt)
    return save(grain(light(colour(ink, WHITE, (30, 40, 120)), generator, 0.7), generator, 5))


def _transparent(digit: np.ndarray, generator: Generator) -> bytes:
    """A PNG with a transparent background."""
    ink = draw_somewhere(digit, generator, (300, 800), (0.4, 0.8))
    sheet = colour(np.ones_like(ink), WHITE, (20, 20, 20))
    return save(np.dstack([sheet, 255 * ink]), "png")


def _thin(digit: np.ndarray, generator: Generator) -> bytes:
    """A ballpoint on a large photograph."""
    height, width, side = choose_sizes(generator, (1200, 2000))
    ink = place(redraw(digit, side, generator.uniform(6, 14)), height, width, generator)
    sheet = colour(ink, (225, 222, 215), (50, 60, 130))
    return save(grain(light(sheet, generator, 0.6), generator, 5), quality=75)


def _thick(digit: np.ndarray, generator: Generator) -> bytes:
    """A felt-tip."""
    height, width, side = choose_sizes(generator, (400, 1000), (0.35, 0.65))
    ink = place(thicken(draw(digit, side), side / 28), height, width, generator)
    return save(
        grain(light(colour(ink, WHITE, (30, 30, 35)), generator, 0.7), generator, 4), quality=60
    )


def _desk(digit: np.ndarray, generator: Generator) -> bytes:
    """A sheet with lines, its edge, the desk beside it, and dirt."""
    ink = draw_somewhere(digit, generator, (700, 1400), (0.3, 0.55))
    height, width = ink.shape
    sheet = colour(ink, (238, 236, 228), (35, 35, 60))
    spacing = round(0.09 * height)
    for row in range(spacing, height, spacing):
        sheet[row : row + max(height // 500, 1)] *= (0.8, 0.85, 0.95)
    sheet = speckle(sheet, generator, 12, 0.004 * min(height, width))
    # The desk, where there is no ink, and the shadow of the sheet's edge.
    empty = np.flatnonzero(~ink.any(axis=0))
    free = int(np.argmax(np.diff(np.append(empty, width + 1)) > 1)) if len(empty) else 0
    desk = int(0.8 * empty[free])
    sheet[:, :desk] = (120, 80, 50)
    sheet[:, max(desk - 1, 0) : desk + 3] *= 0.6
    lit = light(sheet, generator, 0.65)
    return save(grain(ndimage.gaussian_filter(lit, (1, 1, 0)), generator, 5), quality=70)


KINDS: dict[str, Callable[[np.ndarray, Generator], bytes]] = {
    "scan": _scan,
    "chalk": _chalk,
    "noisy": _noisy,
    "uneven": _uneven,
    "coloured": _coloured,
    "turned": _turned,
    "transparent": _transparent,
    "thin": _thin,
    "thick": _thick,
    "desk": _desk,
}
