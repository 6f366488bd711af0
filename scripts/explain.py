"""Write a page on which ink decided: the hardest images and a typical one of each class."""

from _command import Parser, make_console, run

from digit_recognizer.use.explain.write import write_explanations
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    options = parser.parse_args()
    write_explanations(Workspace.current(), **vars(options), console=make_console())


run(main)
