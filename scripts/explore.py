"""Write reports/data.html: what the data look like, what repeats, what to doubt."""

from _command import Parser, make_console, run

from digit_recognizer.report.explore.write import write_exploration
from digit_recognizer.workspace import Workspace


def main() -> None:
    Parser(description=__doc__).parse_args()
    write_exploration(Workspace.current(), make_console())


run(main)
