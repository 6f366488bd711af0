"""What an export was made from, and how good its networks are.

In: a line-up's runs and the data that they were trained on. Out: `Facts`, for the file itself and
its model card. What always holds: every score is out of fold and comes from the runs' checked
files.
"""

from dataclasses import dataclass
from importlib import metadata

import numpy as np

from digit_recognizer.data.dataset import Digits
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.environment import available_cores, current_commit, describe_environment
from digit_recognizer.runs.folder import Run
from digit_recognizer.scores import (
    DigitScore,
    Score,
    bin_by_confidence,
    count_confusions,
    expected_calibration_error,
    log_loss,
    score_digits,
)
from digit_recognizer.use.model_file import FORMAT
from digit_recognizer.use.trained import identify

LIMITS = (
    "Tested only on images of its own data set, never on other handwriting, photographs or images "
    "without a digit. It always predicts some digit."
)


@dataclass(frozen=True)
class Facts:
    label: str
    made_from: str  # a hash of the weights and everything else that affects predictions
    networks: dict[str, int]  # by experiment; one for each fold
    precisions: list[str]  # that training used
    smoothing: float  # the largest label smoothing in training
    test_shifts: dict[str, int]
    source: str
    data: str  # the fingerprint
    images: int  # labelled
    score: Score
    log_loss: float
    calibration_error: float
    confidence: float  # on average
    digits: list[DigitScore]
    commit: str
    libraries: dict[str, str]

    def as_text(self) -> dict[str, str]:
        """Return the metadata that is stored in the file."""
        return {
            "format": FORMAT,
            "label": self.label,
            "made_from": self.made_from,
            "experiments": ", ".join(self.networks),
            "networks": str(sum(self.networks.values())),
            "input": "images: uint8 (n, 28, 28), 0 is paper and 255 is ink, prepared as in MNIST",
            "output": "probabilities: float32 (n, 10), for the digits 0 to 9",
            "data_source": self.source,
            "data_fingerprint": self.data,
            "labelled_images": str(self.images),
            "oof_score": str(self.score),
            "oof_errors": str(self.score.errors),
            "oof_errors_95_percent_interval": self.score.errors_interval,
            "oof_log_loss": f"{self.log_loss:.5f}",
            "oof_expected_calibration_error": f"{self.calibration_error:.5f}",
            "limits": LIMITS,
            "commit": self.commit,
            "libraries": ", ".join(f"{name} {version}" for name, version in self.libraries.items()),
            "license": "MIT",
        }


def gather_facts(label: str, runs: list[Run], train: Digits, source: str) -> Facts:
    assert train.labels is not None
    blended = blend(runs, train.labels)
    experiments = [run.experiment for run in runs]
    confusions = count_confusions(train.labels, blended.oof.argmax(axis=1))
    return Facts(
        label=label,
        made_from=identify(label, runs),
        networks={run.name: each.folds for run, each in zip(runs, experiments, strict=True)},
        precisions=sorted(
            {run.fold_precision(fold) for run in runs for fold in run.finished_folds}
        ),
        smoothing=max(each.label_smoothing for each in experiments),
        test_shifts={
            run.name: each.test_shift for run, each in zip(runs, experiments, strict=True)
        },
        source=source,
        data=runs[0].config["data"],
        images=len(train),
        score=blended.score,
        log_loss=log_loss(train.labels, blended.oof),
        calibration_error=expected_calibration_error(bin_by_confidence(train.labels, blended.oof)),
        confidence=float(np.mean(blended.oof.max(axis=1), dtype=np.float64)),
        digits=score_digits(confusions),
        commit=current_commit(),
        libraries=_find_versions(),
    )


def _find_versions() -> dict[str, str]:
    recorded: dict[str, str] = describe_environment(available_cores())["libraries"]
    kept = {name: recorded[name] for name in recorded if name not in ("scikit-learn", "joblib")}
    return {**kept, **{name: metadata.version(name) for name in ("onnx", "onnxruntime")}}
