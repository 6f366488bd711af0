"""Write `reports/explain.html`: which ink decided for which digit, and what that does not show.

In: findings. Out: one HTML file, and its main points on the terminal. What always holds: the same
runs give the same bytes, and whatever could not be computed is named.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.pages.page import find_links, print_points, render
from digit_recognizer.pages.pictures import digit_uri
from digit_recognizer.use.explain import map_pictures
from digit_recognizer.use.explain.agreement import draw_agreement, middle_of
from digit_recognizer.use.explain.choose import Chosen
from digit_recognizer.use.explain.examine import OCCLUSION, SHAP, WINDOW, Answer, Explanation
from digit_recognizer.use.explain.findings import Findings, find_explanations, name_networks
from digit_recognizer.use.explain.gradients import SAMPLES, TOLERANCE
from digit_recognizer.use.explain.wording import list_main_points
from digit_recognizer.workspace import Workspace, sweep_temporaries, write_file

_PAGE = "explain.html"
_REMEDY = "make explain SHAP=1"  # installs the package first
_TEMPLATE = Path(__file__).with_name(_PAGE)


@dataclass(frozen=True)
class Picture:
    uri: str
    alt: str
    method: str
    total: float | None  # where a sum has a meaning


@dataclass(frozen=True)
class Question:
    words: str
    answer: Answer
    pictures: list[Picture]


@dataclass(frozen=True)
class Case:
    """One image with all its maps."""

    chosen: Chosen
    uri: str
    alt: str
    networks: str  # their names
    spot_uri: str | None
    explanation: Explanation
    questions: list[Question]


def write_explanations(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> None:
    started = time.perf_counter()
    findings = find_explanations(workspace, lineup, experiments, console)
    page = render_page(findings, find_links(workspace.reports, _PAGE)).encode()
    path = workspace.reports / _PAGE
    sweep_temporaries(workspace.reports)
    write_file(path, page)
    print_points(list_main_points(findings), console)
    if findings.obstacle:
        console.print(f"- {escape(findings.obstacle)} To get that column: {_REMEDY}")
    console.print(
        f"Written: {escape(workspace.show(path))}, {len(page) / 1e6:.1f} MB in "
        f"{time.perf_counter() - started:.0f} s."
    )


def render_page(findings: Findings, links: list[tuple[str, str]]) -> str:
    explanations = findings.explanations
    pairs = list(explanations[0].agreements())
    agreements = {
        pair: np.array([each.agreements()[pair] for each in explanations]) for pair in pairs
    }
    untrained = {
        method: np.array(alike).reshape(-1, 2) for method, alike in findings.untrained.items()
    }
    return render(
        _TEMPLATE,
        links=links,
        findings=findings,
        points=list_main_points(findings),
        hardest=[_show(findings, each) for each in findings.hardest],
        typical=[_show(findings, each) for each in findings.typical],
        methods=list(findings.untrained),
        has_shap=SHAP in findings.untrained,
        remedy=_REMEDY,
        window=WINDOW,
        samples=SAMPLES,
        tolerance=TOLERANCE,
        colours={"for": map_pictures.FOR, "against": map_pictures.AGAINST},
        largest_difference=max(each.difference for each in explanations),
        turned=[each.chosen.row for each in explanations if each.changes_prediction],
        pairs=pairs,
        medians={pair: middle_of(alike) for pair, alike in agreements.items()},
        untrained_medians={
            method: (middle_of(alike[:, 0]), middle_of(alike[:, 1]))
            for method, alike in untrained.items()
        },
        agreement_plot=_draw(
            {f"{one},\n{other}": alike for (one, other), alike in agreements.items()},
            len(findings.hardest),
            "Rank correlation of two methods' maps",
        ),
        untrained_plot=_draw(
            {method: alike[:, 0] for method, alike in untrained.items()},
            len(findings.hardest),
            "Rank correlation of trained and untrained networks' maps",
        ),
    )


def _show(findings: Findings, explanation: Explanation) -> Case:
    chosen, spot = explanation.chosen, explanation.spot
    return Case(
        chosen,
        digit_uri(explanation.image),
        f"row {chosen.row}, labelled {chosen.label}, predicted {chosen.predicted}",
        name_networks(findings.selection.names, explanation.folds),
        digit_uri(map_pictures.mark(explanation.image, spot.window)) if spot else None,
        explanation,
        [_ask(explanation, answer) for answer in explanation.answers],
    )


def _ask(explanation: Explanation, answer: Answer) -> Question:
    asked = "Why" if answer.digit == explanation.chosen.predicted else "Why not"
    words = f"{asked} {answer.digit}?"
    pictures = [
        Picture(
            digit_uri(map_pictures.paint(each, explanation.image)),
            f"{words} By {method}, {map_pictures.describe(each)}.",
            method,
            None if method == OCCLUSION else float(each.sum(dtype=np.float64)),
        )
        for method, each in answer.maps.items()
    ]
    return Question(words, answer, pictures)


def _draw(rows: dict[str, np.ndarray], hardest: int, what: str) -> str:
    medians = "; ".join(
        f"{name.replace(chr(10), ' ')}: median {middle_of(alike):.2f}"
        for name, alike in rows.items()
    )
    return draw_agreement(list(rows.items()), hardest, f"{what}, one dot for each image. {medians}")
