"""Write reports/data.html: what the data look like, what repeats, what to doubt."""

import argparse

from _command import make_console, run

from digit_recognizer.report.explore.write import write_exploration
from digit_recognizer.workspace import Workspace


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    write_exploration(Workspace.current(), make_console())


run(main)
