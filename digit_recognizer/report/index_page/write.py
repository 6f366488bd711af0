"""Write `reports/index.html`: all runs, and how they compare.

In: findings. Out: one HTML file. What always holds: the page needs nothing outside itself but the
pages that it leads to, and says wherever it shows a part only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.compete.public_score import difference_in_errors, draw_scatter
from digit_recognizer.data.dataset import Digits
from digit_recognizer.pages.page import find_links, render
from digit_recognizer.pages.pictures import as_svg, digit_uri, png_uri
from digit_recognizer.report.index_page import wording
from digit_recognizer.report.index_page.blends import BlendAnalysis
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.report.index_page.figures import draw_time_against_errors
from digit_recognizer.report.index_page.findings import Findings
from digit_recognizer.report.index_page.pairs import MOST, Pair
from digit_recognizer.report.run_page.write import name_page
from digit_recognizer.workspace import Workspace, write_file

_PAGE = "index.html"
_TEMPLATE = Path(__file__).with_name(_PAGE)
# Tiles make the page big: of each side of a pair, and of the images that all members get wrong.
_PAIR_TILES, _OVERLAP_TILES = 12, 60


@dataclass(frozen=True)
class Tile:
    uri: str
    alt: str
    row: int  # in train.csv, the first being 1
    label: int
    said: list[tuple[str, int, bool]]  # who, which digit, whether that is wrong


def write_index(workspace: Workspace, findings: Findings) -> Path:
    """Write the page; run pages that are there by now are linked."""
    path = workspace.reports / _PAGE
    write_file(path, _render(workspace, findings).encode())
    return path


def _render(workspace: Workspace, findings: Findings) -> str:
    pictures = _Pictures(findings.field.train)
    data = {each.data for each in findings.field.candidates}
    time_plot, is_numbered = _draw_time(findings.timed)
    both = [each for each in findings.submissions if each.out_of_fold]
    return render(
        _TEMPLATE,
        links=find_links(workspace.reports, _PAGE),
        findings=findings,
        any_published=any(each.published for each in findings.field.candidates),
        several_data=len(data) > 1,
        address_of=lambda candidate: _find_page(workspace, candidate),
        most=MOST,
        pair_tiles=_PAIR_TILES,
        matrix=_arrange(findings.pairs, len(findings.compared)),
        tiles_of=lambda pair: pictures.of_pair(pair, findings.compared),
        overlap_tiles=_OVERLAP_TILES,
        tiles_of_blend=pictures.of_blend,
        time_plot=time_plot,
        is_numbered=is_numbered,
        score_plot=png_uri(draw_scatter(both)) if both else None,
        standing_of=_difference_of,
        words=wording,
    )


def _find_page(workspace: Workspace, candidate: Candidate) -> str | None:
    if candidate.is_lineup:
        return None
    name = name_page(candidate.name)
    return quote(name) if (workspace.reports / name).exists() else None


def _arrange(pairs: list[Pair], size: int) -> list[list[Pair | None]]:
    """Return the pairs as a square in which both ways lead to the same one."""
    square: list[list[Pair | None]] = [[None] * size for _ in range(size)]
    for pair in pairs:
        square[pair.first][pair.second] = square[pair.second][pair.first] = pair
    return square


def _draw_time(timed: list[Candidate]) -> tuple[str | None, bool]:
    """Return the drawing, and whether its points are numbered."""
    if len(timed) < 2:
        return None, False
    told = "; ".join(
        f"{each.name}: {each.seconds / 60:.1f} minutes, {each.score.errors} wrong" for each in timed
    )
    figure, is_numbered = draw_time_against_errors(timed)
    return as_svg(figure, f"Time of training against errors. {told}"), is_numbered


def _difference_of(entry: Entry) -> float | None:
    score, public = entry.out_of_fold, entry.public_score
    return None if score is None or public is None else difference_in_errors(score, public)


class _Pictures:
    """Tiles; each image is encoded once, however many tiles show it."""

    def __init__(self, train: Digits | None) -> None:
        self._train = train
        self._uris: dict[int, str] = {}

    def of_pair(self, pair: Pair, compared: list[Candidate]) -> list[Tile]:
        first, second = compared[pair.first], compared[pair.second]
        return [
            self._make(row, [first, second])
            for rows, wrong in (
                (pair.comparison.only_first_wrong, first),
                (pair.comparison.only_second_wrong, second),
            )
            for row in _surest(rows, wrong)[:_PAIR_TILES]
        ]

    def of_blend(self, analysis: BlendAnalysis) -> list[Tile]:
        tiles = []
        for row in analysis.all_wrong[:_OVERLAP_TILES]:
            votes, counts = np.unique(analysis.votes[:, row], return_counts=True)
            said = [
                (f"{count} of {len(analysis.votes)} say", int(vote), True)
                for vote, count in zip(votes, counts, strict=True)
            ]
            tiles.append(self._tile(int(row), said))
        return tiles

    def _make(self, row: int, candidates: list[Candidate]) -> Tile:
        said = []
        for each in candidates:
            assert each.predictions
            digit = int(each.predictions.digits[row])
            said.append((each.name, digit, bool(each.predictions.wrong[row])))
        return self._tile(row, said)

    def _tile(self, row: int, said: list[tuple[str, int, bool]]) -> Tile:
        assert self._train is not None and self._train.labels is not None
        if row not in self._uris:
            self._uris[row] = digit_uri(self._train.images[row])
        label = int(self._train.labels[row])
        return Tile(self._uris[row], f"a {label}", row + 1, label, said)


def _surest(rows: np.ndarray, candidate: Candidate) -> list[int]:
    """Return rows in the order of how sure the candidate was."""
    assert candidate.predictions
    confidence: Any = candidate.predictions.confidence[rows]
    return [int(row) for row in rows[np.argsort(-confidence, kind="stable")]]
