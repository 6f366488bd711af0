"""What can be compared: every run, and every blend of complete runs that has a name.

In: the workspace, and the submissions. Out: the candidates, best first, and what kept
others out. What always holds: a run's figures are those of its metrics.json; predictions are there
only for candidates that were trained on the data in data/ and agree with their metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.data.dataset import Digits, fingerprint_of, load_test, load_train
from digit_recognizer.experiments.experiment import Adopted, Augmentation, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.runs.adopt import judge_claim
from digit_recognizer.runs.blend import Blend, blend
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.runs.selection import Selection, choose_trained
from digit_recognizer.scores import Score, log_loss
from digit_recognizer.workspace import ProjectError, Workspace

_FIGURES = ("errors", "images", "log_loss", "finished_folds", "folds", "seconds")
_KINDS = {
    "Dense": "dense",
    "PoolingConv": "convolution and pooling",
    "Deotte": "strided convolutions",
    "ConvStages": "stages of convolutions",
    "ResidualStages": "residual stages",
}
_ADOPTED = "adopted: no network here, and out of fold by its owner's word"


@dataclass(frozen=True)
class Predictions:
    """For each labelled image a digit and its probability; -1 where no finished fold has it."""

    digits: np.ndarray
    confidence: np.ndarray
    labels: np.ndarray

    @property
    def judged(self) -> np.ndarray:
        return self.digits >= 0

    @property
    def wrong(self) -> np.ndarray:
        return self.judged & (self.digits != self.labels)


@dataclass(frozen=True)
class Candidate:
    """A run, or a line-up as the equal blend of its runs."""

    name: str
    description: str
    runs: tuple[Run, ...]
    score: Score
    log_loss: float
    finished_folds: int
    folds: int
    seconds: float
    images_per_second: float | None  # a line-up has none of its own
    published: str
    data: str
    blend: Blend | None = None
    predictions: Predictions | None = None
    note: str = ""

    @property
    def is_lineup(self) -> bool:
        return len(self.runs) > 1

    @property
    def is_complete(self) -> bool:
        return self.finished_folds == self.folds

    @property
    def is_trained_here(self) -> bool:
        """Whether the time of all its training is known."""
        return not any(run.is_adopted for run in self.runs)


@dataclass(frozen=True)
class Field:
    """All candidates, best first, and what a person should know of those that are missing."""

    candidates: list[Candidate]
    train: Digits | None
    data: str | None  # the hash of what is in data/
    problems: list[str]

    @property
    def runs(self) -> list[Run]:
        return [each.runs[0] for each in self.candidates if not each.is_lineup]

    def digits_of(self, run: Run) -> Digits | None:
        """Return the labelled digits if the run was trained on them."""
        return self.train if run.config["data"] == self.data else None


class _ReadOnce(Run):
    """A run whose files are checked and read once, however many blends it takes part in."""

    @cached_property
    def finished_folds(self) -> list[int]:
        return super().finished_folds

    @cached_property
    def _oof(self) -> np.ndarray:
        return super().load_oof()

    @cached_property
    def _test(self) -> np.ndarray:
        return super().load_test()

    def load_oof(self) -> np.ndarray:
        return self._oof

    def load_test(self) -> np.ndarray:
        return self._test


def gather(workspace: Workspace, submissions: Sequence[Entry] = ()) -> Field:
    """Read all runs; those that cannot be read are reported and left out."""
    runs, problems = _open_runs(workspace)
    train, data = None, None
    if runs:
        try:
            train = load_train(workspace)
            data = fingerprint_of(train, load_test(workspace))
        except ProjectError as error:
            train = None
            problems.append(f"Runs are listed, but not compared with each other. {error}")
    candidates = []
    for run in runs:
        try:
            candidates.append(_enter_run(run, train if run.config["data"] == data else None))
        except ProjectError as error:
            problems.append(f"{run.name} is left out: {error}")
    trained_last = _read_trained_last(workspace)
    if train is not None and train.labels is not None:
        comparable = {each.name: each.runs[0] for each in candidates if each.predictions}
        candidates += _enter_lineups(comparable, trained_last, submissions, train.labels)
    candidates = [_mark(each, trained_last) for each in candidates]
    candidates.sort(key=lambda each: (-each.score.accuracy, each.name))
    problems += _judge_claims(candidates)
    return Field(candidates, train, data, problems)


def _judge_claims(candidates: list[Candidate]) -> list[str]:
    """Return what is suspicious about adopted runs, by the best run that was trained here."""
    complete = [
        each.runs[0]
        for each in candidates
        if each.is_complete and each.predictions and not each.is_lineup
    ]
    reference = next((run for run in complete if not run.is_adopted), None)
    if reference is None:
        return []
    claims = [judge_claim(run, reference) for run in complete if run.is_adopted]
    return [f"Suspicious: {claim}" for claim in claims if claim.is_suspicious]


def _open_runs(workspace: Workspace) -> tuple[list[Run], list[str]]:
    """Return the runs with at least one finished fold, and what is wrong with others."""
    runs, problems = [], []
    for path in sorted(workspace.runs.glob("*/config.json")):
        try:
            run = open_run(workspace, path.parent.name)
            run = _ReadOnce(run.folder, run.config)
            if run.finished_folds:
                runs.append(run)
        except ProjectError as error:
            problems.append(f"{path.parent.name} is left out: {error}")
    return list[Run](runs), problems


def _enter_run(run: Run, train: Digits | None) -> Candidate:
    metrics = run.metrics
    lacking = [name for name in _FIGURES if name not in metrics]
    if lacking:
        raise ProjectError(
            f"{run.folder}/metrics.json lacks {', '.join(lacking)}. Run "
            f"`make train EXPERIMENTS={run.name}`, which writes it again."
        )
    own = Score(metrics["errors"], metrics["images"])
    predictions, note = None, ""
    if train is not None and train.labels is not None:
        try:
            predictions = _read_predictions(run, train.labels, own)
        except ProjectError as error:
            note = f"Not compared: {error}"
    known = EXPERIMENTS.get(run.name)
    return Candidate(
        name=run.name,
        description=describe(run.experiment),
        runs=(run,),
        score=own,
        log_loss=metrics["log_loss"],
        finished_folds=len(metrics["finished_folds"]),
        folds=metrics["folds"],
        seconds=metrics["seconds"],
        images_per_second=metrics.get("training_images_per_second"),
        published=known.published if known else "",
        data=str(run.config["data"]),
        predictions=predictions,
        note=note,
    )


def _read_predictions(run: Run, labels: np.ndarray, own: Score) -> Predictions:
    if len(run.folds) != len(labels):
        raise ProjectError(
            f"{run.folder}/folds.npy has {len(run.folds):,} images, the data {len(labels):,}."
        )
    held_out, probabilities = run.load_scored()
    digits = np.full(len(labels), -1, np.int8)
    digits[held_out] = probabilities.argmax(axis=1)
    confidence = np.zeros(len(labels), np.float32)
    confidence[held_out] = probabilities.max(axis=1)
    read = Predictions(digits, confidence, labels)
    if own != Score(int(read.wrong.sum()), int(held_out.sum())):
        raise ProjectError(
            f"{run.folder}/metrics.json is not about the folds that are there. Run "
            f"`make train EXPERIMENTS={run.name}`, which writes it again."
        )
    return read


def _read_trained_last(workspace: Workspace) -> Selection | None:
    try:
        return choose_trained(workspace, None, [])
    except ProjectError:
        return None


def _mark(candidate: Candidate, trained_last: Selection | None) -> Candidate:
    names = {run.name for run in candidate.runs}
    if trained_last is None or names != set(trained_last.names):
        return candidate
    return replace(candidate, description=f"{candidate.description}; trained last")


def _enter_lineups(
    runs: dict[str, Run],
    trained_last: Selection | None,
    submissions: Sequence[Entry],
    labels: np.ndarray,
) -> list[Candidate]:
    """Return the blends of two runs and more that have a name, were trained last or submitted."""
    wanted = {name: members for name, members in LINEUPS.items() if len(members) > 1}
    if trained_last and len(trained_last.names) > 1:
        known = {frozenset(members) for members in wanted.values()}
        if frozenset(trained_last.names) not in known:
            is_taken = trained_last.label in wanted
            label = trained_last.label + " (as trained last)" * is_taken
            wanted[label] = trained_last.names
    known = {frozenset(members) for members in wanted.values()}
    for entry in submissions:
        # As the ledger has them: "first=0.5000 second=0.5000".
        members = tuple(each.rpartition("=")[0] for each in entry.members.split())
        if len(members) > 1 and frozenset(members) not in known:
            known.add(frozenset(members))
            wanted["+".join(members)] = members
    return [
        _enter_lineup(label, [runs[name] for name in members], labels)
        for label, members in wanted.items()
        if all(name in runs and runs[name].is_complete for name in members)
    ]


def _enter_lineup(label: str, runs: list[Run], labels: np.ndarray) -> Candidate:
    blended = blend(runs, labels)
    metrics = [run.metrics for run in runs]
    return Candidate(
        name=label,
        description="line-up: " + " + ".join(run.name for run in runs),
        runs=tuple(runs),
        score=blended.score,
        log_loss=log_loss(labels, blended.oof),
        finished_folds=sum(each["folds"] for each in metrics),
        folds=sum(each["folds"] for each in metrics),
        seconds=sum(each["seconds"] for each in metrics),
        images_per_second=None,
        published="",
        data=str(runs[0].config["data"]),
        blend=blended,
        predictions=Predictions(
            blended.oof.argmax(axis=1).astype(np.int8), blended.oof.max(axis=1), labels
        ),
    )


def describe(experiment: Experiment) -> str:
    """Return in a few words what is trained."""
    network = experiment.network
    if isinstance(network, Adopted):
        return _ADOPTED
    kind = type(network).__name__
    sizes = [
        value
        for key in ("filters", "hidden_units", "width")
        for value in _listed(getattr(network, key, ()))
    ]
    words = [
        f"{_KINDS.get(kind, kind)} {'-'.join(map(str, sizes))}",
        f"{experiment.epochs} epoch{'s' * (experiment.epochs != 1)}",
    ]
    if experiment.augmentation != Augmentation():
        words.append("augmented")
    if experiment.seed:
        words.append(f"seed {experiment.seed}")
    known = EXPERIMENTS.get(experiment.name)
    if known and known != experiment:
        words.append("not as it is defined now")
    return ", ".join(words)


def _listed(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
