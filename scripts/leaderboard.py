"""Bring the ledger up to date with Kaggle; print cross-validated beside public scores."""

import argparse

from _command import make_console, run

from digit_recognizer.compete.leaderboard import print_leaderboard
from digit_recognizer.workspace import Workspace


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print_leaderboard(Workspace.current(), make_console())


run(main)
