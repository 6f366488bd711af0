"""Write a line-up's networks as one ONNX file (and LiteRT), with a model card, to exports/."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    parser.add_argument("--speed", action="store_true", help="measure how fast each file answers")
    options = parser.parse_args()
    say_at_once("Loading the networks to write them as one file")
    from digit_recognizer.use.export.make import export_lineup

    export_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
