"""Labels in doubt, by networks that were trained on these data.

In: the runs trained last. Out: the labels that they doubt, or why there are none. What always
holds: runs of other data are never asked.
"""

from dataclasses import dataclass

from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.report.doubts import Doubt, find_doubts
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.folder import open_run
from digit_recognizer.runs.selection import choose_trained
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace


@dataclass(frozen=True)
class Judgement:
    """What the blend of these runs makes of the labels."""

    names: tuple[str, ...]
    score: Score
    doubts: list[Doubt]


@dataclass(frozen=True)
class NoJudgement:
    reason: str


def judge_labels(
    workspace: Workspace, train: Digits, test: Digits, console: Console | None = None
) -> Judgement | NoJudgement:
    assert train.labels is not None
    try:
        names = choose_trained(workspace, None, [], console).names
        runs = [open_run(workspace, name) for name in names]
        if any(run.config["data"] != fingerprint_of(train, test) for run in runs):
            return NoJudgement(
                "What was trained last learnt from other data than these. Run `make train` first."
            )
        blended = blend(runs, train.labels)
    except ProjectError as error:
        return NoJudgement(str(error))
    return Judgement(names, blended.score, find_doubts(train.labels, blended.oof))
