"""The start of a kernel's script: unpack the code, run it, leave two files.

In: the code as base64 text with its sha256, the commands to run, the names of the runs. Out:
`submission.csv` and `runs.zip` in the current folder. What always holds: this file needs nothing
but Python itself, because its text is written into the script, and the first command that fails
ends the script with its exit code, after what was trained until then was packed.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_MADE = ("data", "runs", "submissions")


def launch(payload: str, sha256: str, commands: list[list[str]], names: list[str]) -> None:
    """Run the commands in the current folder, on the code in the payload."""
    code = base64.b64decode(payload)
    if hashlib.sha256(code).hexdigest() != sha256:
        raise SystemExit(
            "This script was changed or cut: the code in it is not what was built. Build it again."
        )
    home = Path.cwd()
    there_before = [name for name in _MADE if (home / name).exists()]
    os.environ["DIGIT_RECOGNIZER_HOME"] = str(home)
    os.environ["PYTHONUNBUFFERED"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(code)).extractall(folder)
        status = _run_until_failure(Path(folder), commands)
        _pack_runs(Path(folder), home, names)
    if status:
        raise SystemExit(status)
    shutil.copyfile(home / "submissions" / "submission.csv", home / "submission.csv")
    for name in _MADE:
        # What is left is kept as the kernel's output; the data alone are 120 MB.
        if name not in there_before:
            shutil.rmtree(home / name)
    print("Done: submission.csv, and runs.zip to download.", flush=True)


def _run_until_failure(code: Path, commands: list[list[str]]) -> int:
    """Run one command after the other; return the exit code of the first that fails, or 0."""
    for script, *arguments in commands:
        print(f"== {script} {' '.join(arguments)}", flush=True)
        command = [sys.executable, str(code / "scripts" / script), *arguments]
        status = subprocess.run(command, check=False).returncode
        if status:
            print(f"{script} ended with {status}.", file=sys.stderr, flush=True)
            return status if status > 0 else 128 - status  # as a shell tells a signal
    return 0


def _pack_runs(code: Path, home: Path, names: list[str]) -> None:
    sys.path.insert(0, str(code))
    from digit_recognizer.kernel.pack import pack_runs
    from digit_recognizer.workspace import ProjectError, Workspace

    try:
        pack_runs(Workspace(home), names, home / "runs.zip")
    except ProjectError as error:
        raise SystemExit(f"Error: {error}") from None
