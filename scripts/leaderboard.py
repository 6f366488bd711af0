"""Print every submission written so far, with its out-of-fold score."""

import argparse

from _command import make_console, run

from digit_recognizer.compete.leaderboard import print_ledger
from digit_recognizer.workspace import Workspace


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print_ledger(Workspace.current(), make_console())


run(main)
