"""Write a line-up's networks as one ONNX file (and LiteRT), with a model card, to exports/."""

from _command import Parser, make_console, run

from digit_recognizer.use.export.make import export_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    options = parser.parse_args()
    export_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
