"""Build one script that holds the whole pipeline, and the metadata that Kaggle needs.

In: what to train, and the person's name on Kaggle. Out: `kernel/<slug>/` with
    <slug>.py                the launcher and, as base64 text, a zip of the code it runs
    kernel-metadata.json     what `kaggle kernels push` reads
What always holds: the same checkout gives the same bytes; besides the launcher only this package's
own `*.py`, the named scripts and the commit go in, so no file of the person's can.
"""

import ast
import base64
import re
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import find_variation
from digit_recognizer.kaggle_api import COMPETITION
from digit_recognizer.kernel.pack import zip_members
from digit_recognizer.runs.environment import COMMIT_FILE, current_commit
from digit_recognizer.runs.selection import Selection, resolve_selection
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    project_root,
    sha256_of,
    write_file,
    write_json,
)

# In place of the person's name on Kaggle, where it is not known.
UNKNOWN_USER = "INSERT_USERNAME"
# What fits the competition's data; which those are, only the kernel will see.
_DEFAULT_LINEUP = "standard"
_PACKAGE = "digit_recognizer"
_SCRIPTS = ("_command.py", "download.py", "train.py", "submit.py")
# Nothing that trains and submits imports them, and they would make half of the script.
_NOT_NEEDED = ("bench", "report", "tune", "use")
_LONGEST_TITLE = 50  # Kaggle's limit, and so that of the slug that it makes from the title
_LARGEST_SCRIPT = 900_000  # Kaggle takes no source of more than a megabyte

_SCRIPT = '''"""Digit Recognizer: train {label}, and write submission.csv.

    training      {training}
    commit        {commit}

`make kernel` built this. Not to be edited: the code below is checked before it runs.

On Kaggle, upload it as a script, add the competition as its input and choose a GPU; or push its
folder with `kaggle kernels push -p <folder>`. Elsewhere, in an empty folder:

    DIGIT_RECOGNIZER_INPUT=<folder> python {file}

where the folder holds {competition}/train.csv and so on,
with Keras, TensorFlow, pandas, scikit-learn, joblib and rich installed. It leaves submission.csv,
and runs.zip, which `make kernel RUNS=<path of runs.zip>` installs.
"""

{launcher}

COMMANDS = {commands}
NAMES = {names}
SHA256 = "{sha256}"
PAYLOAD = """
{payload}"""

if __name__ == "__main__":
    launch(PAYLOAD, SHA256, COMMANDS, NAMES)
'''


@dataclass(frozen=True)
class Job:
    """What a kernel does: a label for people, the runs that it makes, the commands for them."""

    label: str
    names: list[str]
    commands: list[list[str]]

    @property
    def slug(self) -> str:
        """The kernel's name on Kaggle, which keeps long labels apart by a hash."""
        label = re.sub(r"[^a-z0-9]+", "-", self.label.lower()).strip("-")
        slug = f"{COMPETITION}-{label}"
        if len(slug) <= _LONGEST_TITLE:
            return slug
        return f"{slug[: _LONGEST_TITLE - 7].rstrip('-')}-{sha256_of(self.label.encode())[:6]}"


def plan_job(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    settings: list[str],
    name: str | None,
) -> Job:
    """Return the commands for what the person named; refuse here what would fail on Kaggle."""
    selection = Selection.of(lineup, experiments) or Selection.of(_DEFAULT_LINEUP, [])
    assert selection
    chosen = resolve_selection(workspace, selection, settings, name)
    names = [each.name for each in chosen]
    if not (experiments or name):
        which = ["--lineup", selection.label]
        trainings = [which]
    else:
        which = ["--experiments", *names]
        named = [each for each in names if each in EXPERIMENTS]
        trainings = [["--experiments", *named]] if named else []
        trainings += [_vary_there(each) for each in chosen if each.name not in EXPERIMENTS]
    commands = [
        ["download.py", "--source", "auto"],
        *(["train.py", *training] for training in trainings),
        ["submit.py", "--upload", "no", *which],
    ]
    return Job(name or selection.label, names, commands)


def _vary_there(experiment: Experiment) -> list[str]:
    """Return options of train.py for what only this workspace knows by its name."""
    variation = find_variation(experiment, experiment.name)
    if not variation:
        raise ProjectError(
            f"No settings of any experiment make {experiment.name}, so a kernel, which does not "
            "have your studies and runs, cannot train it. Add it to experiments/named.py."
        )
    base, settings = variation
    return ["--experiments", base, "--set", *settings, "--name", experiment.name]


def build_kernel(workspace: Workspace, job: Job, username: str | None) -> Path:
    """Write the kernel's folder and return it."""
    folder = workspace.kernel / job.slug
    file = f"{job.slug}.py"
    script = _write_script(job, file)
    if len(script) > _LARGEST_SCRIPT:
        raise ProjectError(f"{file} has {len(script):,} bytes; Kaggle takes {_LARGEST_SCRIPT:,}.")
    write_file(folder / file, script)
    write_json(folder / "kernel-metadata.json", _describe(job, file, username))
    return folder


def _describe(job: Job, file: str, username: str | None) -> dict[str, object]:
    return {
        "id": f"{username or UNKNOWN_USER}/{job.slug}",
        # Kaggle makes the slug from the title, and is confused where they differ.
        "title": job.slug.replace("-", " ").capitalize(),
        "code_file": file,
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": True,
        "enable_tpu": False,
        "enable_internet": False,
        "keywords": [],
        "competition_sources": [COMPETITION],
        "dataset_sources": [],
        "kernel_sources": [],
        "model_sources": [],
    }


def _write_script(job: Job, file: str) -> bytes:
    commit = current_commit()
    code = zip_members({**_read_code(), COMMIT_FILE: f"{commit}\n".encode()}, packed=True)
    text = _SCRIPT.format(
        label=job.label,
        training="\n                  ".join(map(" ".join, job.commands[1:-1])),
        commit=commit,
        competition=COMPETITION,
        file=file,
        launcher=_read_launcher(),
        commands=job.commands,
        names=job.names,
        sha256=sha256_of(code),
        payload=base64.encodebytes(code).decode(),
    )
    return text.encode()


def _read_code() -> dict[str, bytes]:
    """Return the modules and scripts that a training needs, whatever else lies beside them."""
    root = project_root()
    modules = (root / _PACKAGE).rglob("*.py")
    needed = [path for path in modules if _module_parts(path, root)[1] not in _NOT_NEEDED]
    paths = [*needed, *(root / "scripts" / name for name in _SCRIPTS)]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in paths
        # A link may lead out of the project; a hidden folder is an editor's, not the package's.
        if path.resolve() == path and all(map(str.isidentifier, _module_parts(path, root)))
    }


def _module_parts(path: Path, root: Path) -> tuple[str, ...]:
    return path.relative_to(root).with_suffix("").parts


def _read_launcher() -> str:
    """Return the launcher's text without its docstring: the script has its own."""
    text = (project_root() / _PACKAGE / "kernel" / "launcher.py").read_text()
    docstring = ast.parse(text).body[0]
    return "\n".join(text.splitlines()[docstring.end_lineno :]).strip()
