"""The findings as sentences.

In: findings. Out: the main points. What always holds: every number is computed from the findings.
"""

import numpy as np

from digit_recognizer.scores import format_percent
from digit_recognizer.use.explain.agreement import middle_of
from digit_recognizer.use.explain.examine import WINDOW
from digit_recognizer.use.explain.findings import Findings


def list_main_points(findings: Findings) -> list[str]:
    return [_say_who_is_shown(findings), _say_what_turns(findings), _say_how_alike(findings)]


def _say_who_is_shown(findings: Findings) -> str:
    wrong = [each.chosen for each in findings.hardest if each.chosen.is_wrong]
    shown = f"{findings.errors:,} of {findings.images:,} images are wrong out of fold"
    if not wrong:
        return f"{shown}; shown are the {len(findings.hardest)} with the least confidence."
    second = sum(each.runner_up == each.label for each in wrong)
    which = f"all {len(wrong)}" if second == len(wrong) else f"{second} of {len(wrong)}"
    most, least = max(each.probability for each in wrong), min(each.probability for each in wrong)
    return (
        f"{shown}; in the {len(wrong)} most confident errors the wrong digit has a probability of "
        f"{format_percent(least)} to {format_percent(most)}, and in {which} the true label is "
        "second."
    )


def _say_what_turns(findings: Findings) -> str:
    wrong = [each for each in findings.hardest if each.chosen.is_wrong]
    corrected = sum(each.spot is not None for each in wrong)
    changed = sum(each.spot is not None for each in findings.typical)
    said = f"changes the prediction of {changed} of {len(findings.typical)} typical images"
    if wrong:
        said = f"corrects {corrected} of these {len(wrong)} errors, and {said}"
    return f"Hiding one spot of {WINDOW} x {WINDOW} pixels {said}."


def _say_how_alike(findings: Findings) -> str:
    between = np.array(
        [value for each in findings.explanations for value in each.agreements().values()]
    )
    untrained = np.array([pair[0] for alike in findings.untrained.values() for pair in alike])
    return (
        "The median rank correlation between two methods' maps of one image is "
        f"{middle_of(between):.2f} (1: the same order; 0: no relation); between maps of trained "
        f"and untrained networks it is {middle_of(untrained):.2f}."
    )
