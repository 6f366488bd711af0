"""The model card: what an exported file is, how good and how fast, and what it should not be used
for.

In: facts, comparisons, speeds, the files' hashes. Out: Markdown. What always holds: it contains
only numbers that were measured, and names are escaped.
"""

import re

from digit_recognizer.pages.markdown import format_table
from digit_recognizer.scores import Score, format_percent
from digit_recognizer.use.export.facts import LIMITS, Facts
from digit_recognizer.use.export.speed import HEADINGS, Speed
from digit_recognizer.use.export.write import BOUND, Comparison
from digit_recognizer.use.model_file import INPUT, OUTPUT


def write_card(
    facts: Facts,
    hashes: dict[str, str],
    comparisons: dict[str, Comparison],
    speeds: list[Speed],
    conditions: str,
) -> bytes:
    sections = [
        f"# {_escape(facts.label)}",
        _introduce(facts),
        "## How to use it",
        _show_use(facts.label),
        "## Input",
        _PICTURES,
        "## How good it is",
        _judge(facts),
        "## Limits",
        f"{LIMITS} {_describe_calibration(facts)}",
        "## What it was made from",
        _list_origins(facts),
        "## How close it is to the original networks",
        _list_comparisons(comparisons),
        "## How fast it is",
        _tell_speeds(speeds, conditions),
        "## Files",
        format_table(
            [("file", "sha256"), *((_escape(n), f"`{h}`") for n, h in hashes.items())]
        ).rstrip(),
    ]
    return ("\n\n".join(sections) + "\n").encode()


_PICTURES = f"""\
`{INPUT}`: uint8 (n, 28, 28), any n; 0 is paper and 255 is ink, so white on black. Digits are
prepared as in MNIST: scaled to fit 20x20 pixels with proportions and grey edges kept, and placed
with the centre of mass in the middle of 28x28. `make predict IMAGES=...` does that for pictures.
Pixel scaling, test-time shifts and averaging are inside the file. `{OUTPUT}`: float32 (n, 10), for
the digits 0 to 9. Use batches of some hundred images: 28,000 at once need gigabytes of memory."""


def _introduce(facts: Facts) -> str:
    members = ", ".join(f"{count} of {_escape(name)}" for name, count in facts.networks.items())
    moves = "".join(
        f" Those of {_escape(name)} predict each image three times: unchanged, and shifted by "
        f"{shift} pixel{'s' * (shift > 1)} along one diagonal in both directions."
        for name, shift in facts.test_shifts.items()
        if shift
    )
    return (
        f"{sum(facts.networks.values())} networks that recognise handwritten digits, in one file: "
        f"{members}, one for each fold. The output is their mean probability.{moves}"
    )


def _show_use(label: str) -> str:
    return f"""\
```python
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession({f"{label}.onnx"!r})
images = np.zeros((1, 28, 28), np.uint8)  # yours: white digits on black
(probabilities,) = session.run(["{OUTPUT}"], {{"{INPUT}": images}})
print(probabilities.argmax(axis=1), probabilities.max(axis=1))
```"""


def _judge(facts: Facts) -> str:
    rows = [
        (
            str(digit),
            f"{each.images:,}",
            f"{each.images - each.right:,}",
            Score(each.images - each.right, each.images).percentage,
            format_percent(each.precision, 3),
        )
        for digit, each in enumerate(facts.digits)
    ]
    table = format_table(
        [("digit", "images", "errors", "recall (95 % interval)", "precision"), *rows]
    ).rstrip()
    return (
        f"Out of fold: {facts.score}, log loss {facts.log_loss:.4f}. Each "
        "image was predicted by the networks that were not trained on it, one of each experiment. "
        "The file also averages over all folds. Its score cannot be measured on the same data: "
        f"most of its networks were trained on each labelled image.\n\n{table}"
    )


def _describe_calibration(facts: Facts) -> str:
    confidence, accuracy = facts.confidence, facts.score.accuracy
    direction = "under" if confidence < accuracy else "over"
    reason = (
        f", because they were trained with a label smoothing of {facts.smoothing:g}"
        if facts.smoothing and direction == "under"
        else ""
    )
    return (
        f"Its probabilities are not calibrated: the mean confidence is "
        f"{format_percent(confidence, 2)} and the accuracy {format_percent(accuracy, 2)} (expected "
        f"calibration error {facts.calibration_error:.4f}). The networks are "
        f"{direction}-confident{reason}."
    )


def _list_origins(facts: Facts) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts.libraries.items())
    return f"""\
- data: {facts.images:,} labelled digits from `{facts.source}`, fingerprint `{facts.data}`
- trained in {" and ".join(facts.precisions)}; the file computes in float32 with the same weights
- hash of weights, experiments, folds and data: `{facts.made_from}`
- exported by commit `{facts.commit}` with {versions}"""


def _list_comparisons(comparisons: dict[str, Comparison]) -> str:
    lines = "\n".join(f"- {what} differ by {found}" for what, found in comparisons.items())
    return (
        f"{lines}\n\nA file whose probabilities differ from Keras in float32 by more than "
        f"{BOUND:g} is not written."
    )


def _tell_speeds(speeds: list[Speed], conditions: str) -> str:
    if not speeds:
        return "Not measured; `make export SPEED=1` measures it."
    return format_table([HEADINGS, *(each.cells for each in speeds)]) + f"\n{conditions}"


def _escape(text: str) -> str:
    return re.sub(r"([^\w\s.,:+-])", r"\\\1", " ".join(text.split()))
