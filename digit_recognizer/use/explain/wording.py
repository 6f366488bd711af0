"""What was found, in sentences.

In: findings. Out: the main points. What always holds: every figure is computed from what was found.
"""

import numpy as np

from digit_recognizer.use.explain.agreement import middle_of
from digit_recognizer.use.explain.examine import WINDOW
from digit_recognizer.use.explain.findings import Findings


def say_in_short(findings: Findings) -> list[str]:
    return [_say_who_is_shown(findings), _say_what_turns(findings), _say_how_alike(findings)]


def _say_who_is_shown(findings: Findings) -> str:
    wrong = [each.chosen for each in findings.hardest if each.chosen.is_wrong]
    shown = f"{findings.errors:,} of {findings.images:,} images are wrong out of fold"
    if not wrong:
        return f"{shown}; the {len(findings.hardest)} least sure of the others are the hardest."
    seconds = sum(each.runner_up == each.label for each in wrong)
    most, least = max(each.probability for each in wrong), min(each.probability for each in wrong)
    return (
        f"{shown}; the {len(wrong)} most confidently wrong ones are {least:.0%} to {most:.0%} sure "
        f"of the wrong digit, and the label is the second choice of {seconds}."
    )


def _say_what_turns(findings: Findings) -> str:
    wrong = [each for each in findings.hardest if each.chosen.is_wrong]
    mended = sum(each.spot is not None for each in wrong)
    spoilt = sum(each.spot is not None for each in findings.typical)
    said = f"changes the answer of {spoilt} of {len(findings.typical)} typical images"
    if wrong:
        said = f"makes {mended} of these {len(wrong)} wrong answers right, and {said}"
    return f"Hiding one spot of {WINDOW} x {WINDOW} pixels {said}."


def _say_how_alike(findings: Findings) -> str:
    between = np.array(
        [value for each in findings.explanations for value in each.agreements().values()]
    )
    untrained = np.array([pair[0] for alike in findings.untrained.values() for pair in alike])
    return (
        "Two methods' maps of one image rank its ink alike with a median correlation of "
        f"{middle_of(between):.2f} (1: the same order; 0: none); maps of trained and of "
        f"untrained networks with {middle_of(untrained):.2f}."
    )
