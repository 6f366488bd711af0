"""Write a page that shows which ink decided, for hard and for typical images."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    options = parser.parse_args()
    say_at_once("Choosing images to explain and loading the networks")
    from digit_recognizer.use.explain.write import write_explanations

    write_explanations(Workspace.current(), **vars(options), console=make_console())


run(main)
