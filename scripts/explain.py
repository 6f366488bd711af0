"""Write a page on which ink decided: the hardest images and a typical one of each class."""

import argparse

from _command import make_console, run

from digit_recognizer.use.explain.write import write_explanations
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lineup", help="a named list of experiments")
    parser.add_argument("--experiments", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    write_explanations(Workspace.current(), **vars(options), console=make_console())


run(main)
