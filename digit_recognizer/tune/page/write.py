"""Write `reports/tune-<study>.html`: what was tried, what was best, how reliable that is.

In: a study. Out: one HTML file. What always holds: it shows the study as it is stored, and beside
the best trial it says how much of its score may be luck.
"""

import dataclasses
from pathlib import Path
from typing import Any

from digit_recognizer.experiments.best_of import name_best
from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.experiments.spaces import read_chosen
from digit_recognizer.pages.page import find_links, render
from digit_recognizer.pages.pictures import as_svg
from digit_recognizer.report.index_page import wording
from digit_recognizer.report.run_page.record import find_command
from digit_recognizer.scores import format_percent
from digit_recognizer.tune.judging import find_verdict
from digit_recognizer.tune.page.analysis import (
    FEWEST_FOR_IMPORTANCES,
    estimate_luck,
    find_importances,
)
from digit_recognizer.tune.page.figures import draw_history, draw_importances, draw_slice
from digit_recognizer.tune.study import (
    Terms,
    Trial,
    build_experiment,
    find_best_trial,
    find_original_trial,
    format_value,
    list_changes,
    read_terms,
    read_trials,
)
from digit_recognizer.workspace import Workspace, write_file

_TEMPLATE = Path(__file__).parent / "tune.html"


def write_page(workspace: Workspace, name: str, study: Any) -> Path:
    terms = read_terms(study)
    trials = [trial for trial in read_trials(study, terms) if trial.state != "waiting"]
    page = f"tune-{name}.html"
    path = workspace.reports / page
    text = render(
        _TEMPLATE,
        links=find_links(workspace.reports, page),
        study=name,
        terms=terms,
        **_describe_trials(trials, terms),
        **_describe_best(workspace, name, trials, terms),
        **_draw(study, trials, terms),
        least=FEWEST_FOR_IMPORTANCES,
        words=wording,
    )
    write_file(path, text.encode())
    return path


def _describe_trials(trials: list[Trial], terms: Terms) -> dict[str, Any]:
    original = read_chosen(terms.experiment, terms.space)
    changed = {trial.number: list_changes(trial.chosen, original) for trial in trials}
    return {
        "trials": trials,
        "changed": changed,
        "passes": sum(trial.passes for trial in trials),
        "seconds": sum(trial.seconds for trial in trials),
        "states": {
            state: sum(trial.state == state for trial in trials)
            for state in ("done", "pruned", "running", "failed")
        },
    }


def _describe_best(
    workspace: Workspace, name: str, trials: list[Trial], terms: Terms
) -> dict[str, Any]:
    best = find_best_trial(trials)
    if best is None:
        return {"best": None}
    original = find_original_trial(trials)
    experiment = dataclasses.replace(build_experiment(terms, best), name=name_best(name))
    return {
        "best": best,
        "original": original,
        "best_name": name_best(name),
        "only_best_wrong": len(best.wrong - original.wrong) if original else 0,
        "only_original_wrong": len(original.wrong - best.wrong) if original else 0,
        "luck": estimate_luck(trials),
        "code": as_code(experiment),
        "command": find_command(experiment),
        "verdict": find_verdict(workspace, name, terms, best),
        "next_seeds": f"{terms.experiment.seed + 1} {terms.experiment.seed + 2}",
    }


def _draw(study: Any, trials: list[Trial], terms: Terms) -> dict[str, Any]:
    done = [trial for trial in trials if trial.errors is not None]
    if not done:
        return {"history": None, "importances": {}, "importance_plot": None, "slices": []}
    importances = find_importances(study)
    text = "; ".join(f"trial {trial.number}: {trial.errors} wrong" for trial in done)
    shares = "; ".join(f"{key} {format_percent(share)}" for key, share in importances.items())
    # The most important first, if that is known.
    keys = [*importances, *(key for key in terms.space if key not in importances)]
    return {
        "history": as_svg(draw_history(trials), f"Errors against image passes. {text}"),
        "importances": importances,
        "importance_plot": as_svg(draw_importances(importances), f"Importances: {shares}")
        if importances
        else None,
        "slices": [
            as_svg(
                draw_slice(trials, key, terms.space[key]),
                f"Errors against {key}. "
                + "; ".join(
                    f"{format_value(trial.chosen[key])}: {trial.errors}"
                    for trial in done
                    if key in trial.chosen
                ),
            )
            for key in keys
        ],
    }


def as_code(experiment: Experiment) -> str:
    """Return Python code for experiments/named.py, with only what differs from the defaults."""
    lines = [f"    {_quote(experiment.name)},", f"    {_call(experiment.network)},"]
    for field in dataclasses.fields(experiment):
        value = getattr(experiment, field.name)
        if field.name in ("name", "network", "published") or value == field.default:
            continue
        text = _call(value) if isinstance(value, Augmentation) else _quote(value)
        lines.append(f"    {field.name}={text},")
    return "\n".join(["Experiment(", *lines, ")"])


def _call(part: Any) -> str:
    """Return the Python call that makes a network or an augmentation."""
    given = [
        f"{field.name}={_quote(getattr(part, field.name))}"
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != field.default
    ]
    return f"{type(part).__name__}({', '.join(given)})"


def _quote(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
