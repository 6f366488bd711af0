"""Write a line-up's networks as one ONNX file (and LiteRT), with a model card, to exports/."""

import argparse

from _command import make_console, run

from digit_recognizer.use.export.make import export_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lineup", help="a named list of experiments (default: trained last)")
    parser.add_argument("--experiments", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    export_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
