"""Measure how fast this machine starts, reads, trains and predicts."""

import argparse

from _command import make_console, run

from digit_recognizer.bench import run_bench
from digit_recognizer.workspace import Workspace


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    run_bench(Workspace.current(), make_console())


run(main)
