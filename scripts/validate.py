"""Load saved networks again and compare their predictions with those on record."""

from _command import Parser, make_console, run

from digit_recognizer.lineup import validate_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    options = parser.parse_args()
    validate_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
