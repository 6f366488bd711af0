"""Write reports/data.html: what the data look like, copies, and suspected label errors."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    Parser(description=__doc__).parse_args()
    say_at_once("Looking for copies, differences between train and test, and label errors")
    from digit_recognizer.report.explore.write import write_exploration

    write_exploration(Workspace.current(), make_console())


run(main)
