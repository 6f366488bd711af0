"""A contender in the test's own process: its task, and a few turns."""

import io
import json
from typing import Any

from digit_recognizer.bench.contender import ROLES
from digit_recognizer.bench.turns import Task, Turns
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.workspace import Workspace


def make_task(
    workspace: Workspace, role: str, experiment: Experiment | None = None, **values: Any
) -> Task:
    described = to_dict(experiment or EXPERIMENTS["conv-32"])
    return Task(role, str(workspace.root), described, threads=1, **values)


def answers_to(task: Task, turns: int) -> list[dict[str, Any]]:
    """Return the contender's answers when it is warm and after each turn."""
    answers = io.StringIO()
    try:
        ROLES[task.role](task, Turns(io.StringIO("\n" * turns), answers))
    except SystemExit as ended:
        assert ended.code == 0
    return [json.loads(line) for line in answers.getvalue().splitlines()]
