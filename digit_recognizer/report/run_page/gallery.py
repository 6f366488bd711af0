"""Choose the images that a run's page shows.

In: images, labels and out-of-fold probabilities of the images that were scored. Out: digits with
what was said of them; training images as training's own function augments them. What always holds:
the choice follows from the run alone, and its number is bounded, so that the page of a run that
learnt nothing can still be opened.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.pages.pictures import digit_uri
from digit_recognizer.report.label_errors import SuspectedLabel, find_suspected_labels

MOST_ERRORS = 3_000
AT_ONCE = 240  # the others unfold
MOST_SUSPECTED = 240
_OF_EACH_KIND = 10
_SAMPLES = 40
DRAWS = 7  # augmented images in a row
_AUGMENTED = 6  # rows
_SEED = 0


@dataclass(frozen=True)
class Scored:
    """The images that a finished fold holds out, and what was made of them."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    rows: np.ndarray  # their indices, from 0

    @property
    def predicted(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(axis=1))


@dataclass(frozen=True)
class Shown:
    """One digit on the page."""

    uri: str
    row: int  # in train.csv, the first being 1
    label: int
    predicted: int
    confidence: float
    loss: float

    @property
    def kind(self) -> str:
        return f"{self.label}-{self.predicted}"

    @property
    def is_wrong(self) -> bool:
        return self.label != self.predicted

    @property
    def alternative(self) -> str:
        return f"row {self.row}, labelled {self.label}, predicted {self.predicted}"


@dataclass(frozen=True)
class Gallery:
    errors: list[Shown]  # by loss, the worst first
    spare: list[Shown]  # shown only where their kind is asked for: right ones, and errors beyond
    samples: list[Shown]

    def count_kinds(self) -> dict[str, int]:
        return Counter(each.kind for each in (*self.errors, *self.spare))


def make_gallery(scored: Scored) -> Gallery:
    worst, beyond = _pick_errors(scored)
    spare = [*beyond, *_pick_least_sure(scored)]
    samples = np.random.default_rng(_SEED).permutation(len(scored.labels))[:_SAMPLES]
    return Gallery(
        *([_show(scored, int(place)) for place in part] for part in (worst, spare, samples))
    )


def show_suspected_labels(scored: Scored) -> tuple[list[tuple[str, SuspectedLabel, int]], int]:
    """Return picture, label and row of the most suspicious labels, and how many there are."""
    suspects = find_suspected_labels(scored.labels, scored.probabilities)
    shown = [
        (digit_uri(scored.images[suspect.image]), suspect, int(scored.rows[suspect.image]) + 1)
        for suspect in suspects[:MOST_SUSPECTED]
    ]
    return shown, len(suspects)


def _pick_errors(scored: Scored) -> tuple[list[int], list[int]]:
    """Return the worst errors, and of each kind that is cut short the ten worst all the same."""
    wrong = np.flatnonzero(scored.predicted != scored.labels)
    of_truth = scored.probabilities[wrong, scored.labels[wrong]]
    ordered = wrong[np.argsort(of_truth, kind="stable")].tolist()
    worst, others = ordered[:MOST_ERRORS], ordered[MOST_ERRORS:]
    kinds = scored.labels.astype(np.int64) * 10 + scored.predicted
    count = Counter(kinds[worst].tolist())
    beyond = []
    for place in others:
        kind = int(kinds[place])
        if count[kind] < _OF_EACH_KIND:
            count[kind] += 1
            beyond.append(place)
    return worst, beyond


def _pick_least_sure(scored: Scored) -> list[int]:
    """Return the right answers of least confidence, ten of each digit."""
    right = scored.predicted == scored.labels
    confidence = scored.probabilities.max(axis=1)
    return [
        int(place)
        for digit in range(10)
        for own in [np.flatnonzero(right & (scored.labels == digit))]
        for place in own[np.argsort(confidence[own], kind="stable")][:_OF_EACH_KIND]
    ]


def _show(scored: Scored, place: int) -> Shown:
    row = scored.probabilities[place].astype(np.float64)
    label, predicted = int(scored.labels[place]), int(row.argmax())
    return Shown(
        uri=digit_uri(scored.images[place]),
        row=int(scored.rows[place]) + 1,
        label=label,
        predicted=predicted,
        confidence=float(row[predicted]),
        loss=float(-np.log(max(row[label], np.finfo(np.float32).tiny))),
    )


def preview(images: np.ndarray, experiment: Experiment) -> list[list[str]]:
    """Return six rows of pictures; none where the experiment moves nothing."""
    if experiment.augmentation == Augmentation():
        return []
    # Keras takes seconds to load.
    from digit_recognizer.learn.augment import augment
    from digit_recognizer.learn.backend import configure
    from digit_recognizer.learn.prediction import as_input

    configure(1)
    generator = np.random.default_rng(_SEED)
    chosen = images[generator.permutation(len(images))[:_AUGMENTED]]
    batches = [
        np.asarray(augment(as_input(chosen), experiment.augmentation, generator))[..., 0]
        for _ in range(DRAWS)
    ]
    moved = [np.clip(batch.round(), 0, 255).astype(np.uint8) for batch in batches]
    return [
        [digit_uri(chosen[place]), *(digit_uri(batch[place]) for batch in moved)]
        for place in range(len(chosen))
    ]
