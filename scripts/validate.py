"""Load saved networks again and compare their predictions with those on record."""

import argparse

from _command import make_console, run

from digit_recognizer.lineup import validate_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lineup", help="a named list of experiments")
    parser.add_argument("--experiments", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    validate_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
