"""Write reports/report.md, with a picture of each run's learning curves, from the run folders."""

import argparse

from _command import make_console, run

from digit_recognizer.report.summary import write_report
from digit_recognizer.workspace import Workspace


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    write_report(Workspace.current(), make_console())


run(main)
