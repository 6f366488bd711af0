"""Load saved networks again and compare their predictions with the recorded ones."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    options = parser.parse_args()
    say_at_once("Loading the saved networks to predict again")
    from digit_recognizer.learn.validate import validate_lineup

    validate_lineup(Workspace.current(), **vars(options), console=make_console())


run(main)
