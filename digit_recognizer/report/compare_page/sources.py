"""What a person names to be compared: files, rows of the ledger, runs and line-ups.

In: words. Out: a `Submission` for each, with its labels and all that is known of it. What always
holds: the labels are of the test images in data/, in their order, and a file of anything else is
refused by the name that the person gave it.
"""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from digit_recognizer.compete.ledger import Entry, list_entries
from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.experiments.named import LINEUPS
from digit_recognizer.experiments.text import suggest
from digit_recognizer.runs.blend import WEIGHTINGS, Blend, blend
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of


@dataclass(frozen=True)
class Submission:
    name: str
    labels: np.ndarray  # of test images 1, 2, 3 ...
    entry: Entry | None = None  # its row of the ledger
    blend: Blend | None = field(default=None, repr=False)  # what it was made of, if that is here

    @property
    def probabilities(self) -> np.ndarray | None:
        return self.blend.test if self.blend else None

    @property
    def public_score(self) -> float | None:
        return self.entry.public_score if self.entry else None


def find_submissions(
    workspace: Workspace, words: list[str], train: Digits, test: Digits
) -> list[Submission]:
    """Return what the words name, or else the two newest submissions with different labels."""
    finder = _Finder(workspace, train, test)
    found = [finder.find(word) for word in words] if words else finder.find_newest()
    if len(found) < 2:
        raise ProjectError(
            'A comparison needs two submissions at least: `make compare FILES="a.csv b.csv"`. '
            "Each may be a file, a row of the ledger, a run or a line-up."
        )
    for place, each in enumerate(found):
        if any(each.name == other.name for other in found[:place]):
            raise ProjectError(f"{each.name} is named twice.")
    return found


class _Finder:
    def __init__(self, workspace: Workspace, train: Digits, test: Digits) -> None:
        assert train.labels is not None
        self._workspace = workspace
        self._labels, self._images = train.labels, len(test)
        self._data = fingerprint_of(train, test)
        self._entries = list_entries(workspace)

    def find(self, word: str) -> Submission:
        path = Path(word).expanduser()
        if path.is_file():
            return self._read(path, word)
        rows = [each for each in self._entries if word in (each.file, Path(each.file).stem)]
        if rows:
            return self._read_row(rows[-1])
        if word in LINEUPS or (self._workspace.runs / word / "config.json").is_file():
            blended = self._blend(LINEUPS.get(word, (word,)))
            return Submission(word, blended.test.argmax(axis=1), blend=blended)
        if path.suffix or len(path.parts) > 1:
            raise ProjectError(f"{word} is no file.{self._list_known(word)}")
        raise ProjectError(
            f"{word} is no file, no row of the ledger, no run and no line-up."
            f"{self._list_known(word)}"
        )

    def find_newest(self) -> list[Submission]:
        """Return the newest rows with a file here and different labels, the older one first."""
        found: dict[str, Entry] = {}
        for entry in reversed(self._entries):
            if entry.sha256 and (self._workspace.submissions / entry.file).is_file():
                found.setdefault(entry.sha256, entry)
        return [self._read_row(entry) for entry in reversed(list(found.values())[:2])]

    def _read_row(self, entry: Entry) -> Submission:
        path = self._workspace.submissions / entry.file
        if not entry.sha256 or not path.is_file():
            raise ProjectError(f"{entry.file} was uploaded from elsewhere, or is gone from here.")
        if sha256_of(path) != entry.sha256:
            raise ProjectError(f"{path} was changed since it was written.")
        return self._read(path, path.stem)

    def _read(self, path: Path, name: str) -> Submission:
        ids, labels = read_answers(path, name)
        order = np.argsort(ids, kind="stable")
        if not np.array_equal(ids[order], np.arange(1, self._images + 1)):
            raise ProjectError(
                f"{name} has {len(ids):,} rows that are not ImageId 1 to {self._images:,}, each "
                "once; the test images in data/ are."
            )
        sha256 = sha256_of(path)
        same = [each for each in self._entries if each.sha256 == sha256]
        entry = max(same, key=lambda each: each.public_score is not None, default=None)
        labels = labels[order]
        return Submission(name, labels, entry, self._blend_of(entry, labels))

    def _blend_of(self, entry: Entry | None, labels: np.ndarray) -> Blend | None:
        """Return the blend that the row's labels came from, if its runs still give them."""
        if entry is None or entry.data_fingerprint != self._data:
            return None
        names = [member.rpartition("=")[0] for member in entry.members.split()]
        for weighting in WEIGHTINGS:
            with contextlib.suppress(ProjectError):
                blended = self._blend(names, weighting)
                if np.array_equal(blended.test.argmax(axis=1), labels):
                    return blended
        return None

    def _blend(self, names: list[str] | tuple[str, ...], weighting: str = "equal") -> Blend:
        runs: list[Run] = [open_run(self._workspace, name) for name in names]
        for run in runs:
            if run.config["data"] != self._data:
                raise ProjectError(f"{run.name} was trained on other data than those in data/.")
        return blend(runs, self._labels, weighting)

    def _list_known(self, word: str) -> str:
        files = [Path(each.file).stem for each in self._entries if each.sha256]
        runs = sorted(path.parent.name for path in self._workspace.runs.glob("*/config.json"))
        known = [*files[-10:], *runs]
        return f"{suggest(word, known)} There are: {', '.join(known) or 'none'}."
