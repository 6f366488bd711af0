"""Try the pipeline against a Kaggle on this machine: `python -m tests.kaggle [command ...]`.

In: a command (by default a shell), `--data`, `--fault`. Out: the command, run where Kaggle's client
finds the made-up Kaggle; its exit code. What always holds: nothing that the command does with that
client reaches the real site, and no real credentials are used.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from digit_recognizer.data.answers import read_answers
from tests.kaggle.faults import Fault
from tests.kaggle.made_up import FILES, write_competition_zip, zip_files
from tests.kaggle.server import KaggleServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kaggle", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        help="a folder or zip with the competition's files and solution.csv; default: made up",
    )
    parser.add_argument(
        "--fault",
        type=Fault.parse,
        action="append",
        default=[],
        metavar="METHOD:KIND[:TIMES]",
        help="such as CreateSubmission:lose-reply, ListSubmissions:503:2, Download:cut:always; "
        "kinds and methods: tests/kaggle/faults.py and contract.py",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="default: $SHELL")
    options = parser.parse_args()
    command = options.command or [os.environ.get("SHELL", "/bin/sh")]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "digit-recognizer.zip"
        if options.data:
            answers = pack_data(options.data, archive)
        else:
            answers = write_competition_zip(archive)
        with KaggleServer(archive, answers, faults=options.fault) as server:
            print(f"A made-up Kaggle on port {server.port}, {len(answers):,} images to name.")
            print("No other site can be reached from in here: `make setup` must have run before.")
            return run(command, server)


def run(command: list[str], server: KaggleServer) -> int:
    own = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE_")}
    sys.stdout.flush()
    process = subprocess.Popen(command, env={**own, **server.environment(server.token)})
    # Ctrl-C is for the command; we end when it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = process.wait()
    return code if code >= 0 else 128 - code


def pack_data(source: Path, archive: Path) -> np.ndarray:
    """Write the competition's zip from files that hold the answers too; return these."""
    folder = source
    if source.is_file():
        folder = archive.parent
        with zipfile.ZipFile(source) as packed:
            for name in (*FILES, "solution.csv"):
                packed.extract(name, folder)
    ids, labels = read_answers(folder / "solution.csv")
    if sorted(ids) != list(range(1, len(ids) + 1)):
        sys.exit(f"{source}: solution.csv does not name each image 1 to {len(ids)} once")
    zip_files([folder / name for name in FILES], archive)
    return labels[np.argsort(ids)]


if __name__ == "__main__":
    sys.exit(main())
