"""Everything that the page of explanations shows.

In: complete runs, and the digits that they were trained on. Out: explanations, and how far they can
be trusted. What always holds: no image is explained by a network that was trained on it.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.data.dataset import Digits, fingerprint_of, load_test, load_train
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.runs.selection import Selection, choose_trained
from digit_recognizer.use.explain.agreement import correlate
from digit_recognizer.use.explain.choose import Chosen, choose_hardest, choose_typical
from digit_recognizer.use.explain.examine import Explanation, draw_maps, examine
from digit_recognizer.use.explain.gradients import Expectation, find_obstacle
from digit_recognizer.use.explain.held_out_networks import HeldOutNetworks
from digit_recognizer.workspace import ProjectError, Workspace

_BACKGROUND_OF_EACH_DIGIT = 10
_SEED = 0


@dataclass(frozen=True)
class Findings:
    selection: Selection
    images: int  # labelled images, all of them predicted out of fold
    errors: int
    hardest: list[Explanation]
    typical: list[Explanation]
    # For each method and image: the correlation of its map with that of untrained networks, and the
    # same for the absolute values.
    untrained: dict[str, list[tuple[float, float]]]
    obstacle: str | None  # why SHAP cannot be used

    @property
    def explanations(self) -> list[Explanation]:
        return [*self.hardest, *self.typical]


def find_explanations(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> Findings:
    selection = choose_trained(workspace, lineup, experiments, console)
    train, runs = _load(workspace, selection)
    assert train.labels is not None
    probabilities = blend(runs, train.labels).oof
    hardest = choose_hardest(train.labels, probabilities)
    typical = choose_typical(train.labels, probabilities)
    console.print(
        f"{len(hardest)} hardest and {len(typical)} typical images of {len(train):,}, each "
        f"explained by the networks of {escape(selection.label)} that were not trained on it:"
    )
    obstacle = find_obstacle()
    networks = HeldOutNetworks(runs, available_cores())
    chosen = [*hardest, *typical]
    background = _draw_background(train, chosen)
    expectation = None if obstacle else Expectation(networks.model, background)
    explanations = _explain_each(networks, expectation, runs, train, chosen, console)
    console.print("The same with untrained networks, for comparison")
    return Findings(
        selection,
        len(train),
        int((probabilities.argmax(axis=1) != train.labels).sum()),
        explanations[: len(hardest)],
        explanations[len(hardest) :],
        _compare_with_untrained(networks, expectation, explanations),
        obstacle,
    )


def _load(workspace: Workspace, selection: Selection) -> tuple[Digits, list[Run]]:
    train, test = load_train(workspace), load_test(workspace)
    runs = [open_run(workspace, name) for name in selection.names]
    for run in runs:
        run.require_network()
    for run in runs:
        if run.config["data"] != fingerprint_of(train, test):
            raise ProjectError(
                f"{run.folder} was trained on other data than those in data/, so its images are "
                f"not available. Run `make train EXPERIMENTS={run.name} FRESH=1`, or "
                "`make download` the data that it was trained on."
            )
    return train, runs


def _explain_each(
    networks: HeldOutNetworks,
    expectation: Expectation | None,
    runs: list[Run],
    train: Digits,
    chosen: list[Chosen],
    console: Console,
) -> list[Explanation]:
    folds = np.stack([run.folds for run in runs], axis=1)
    by_folds: dict[tuple[int, ...], list[Chosen]] = defaultdict(list)
    # In a class with few images, a hard image can be the typical one as well.
    different = list(dict.fromkeys(chosen))
    for each in different:
        by_folds[tuple(folds[each.index].tolist())].append(each)
    found = {}
    for used, own in sorted(by_folds.items()):
        networks.use_folds(used)
        for each in own:
            found[each.index] = examine(networks, expectation, each, train.images[each.index], used)
        names = name_networks(tuple(run.name for run in runs), used)
        console.print(f"{len(found)} of {len(different)} explained, the last by {escape(names)}")
    return [found[each.index] for each in chosen]


def name_networks(names: tuple[str, ...], folds: tuple[int, ...]) -> str:
    return " and ".join(f"{name} fold {fold}" for name, fold in zip(names, folds, strict=True))


def _draw_background(train: Digits, chosen: list[Chosen]) -> np.ndarray:
    """Return some labelled images of each digit, without the explained ones."""
    assert train.labels is not None
    generator = np.random.default_rng(_SEED)
    shown = [each.index for each in chosen]
    rows = [
        generator.permutation(np.setdiff1d(np.flatnonzero(train.labels == digit), shown))
        for digit in range(10)
    ]
    return train.images[np.concatenate([own[:_BACKGROUND_OF_EACH_DIGIT] for own in rows])]


def _compare_with_untrained(
    networks: HeldOutNetworks, expectation: Expectation | None, explanations: list[Explanation]
) -> dict[str, list[tuple[float, float]]]:
    """Draw each predicted digit's maps again with random weights (Adebayo et al., 2018)."""
    networks.use_random_weights(_SEED)
    alike = defaultdict(list)
    for each in explanations:
        answer = each.answers[0]
        maps, _ = draw_maps(networks, expectation, each.image, answer.digit)
        for method, untrained in maps.items():
            own = answer.maps[method]
            alike[method].append(
                (
                    correlate(own, untrained, each.image),
                    correlate(np.abs(own), np.abs(untrained), each.image),
                )
            )
    return dict(alike)
