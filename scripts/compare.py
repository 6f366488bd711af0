"""Show where submissions differ, and what that can mean for their scores: reports/compare.html."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_words("--files", help="files, rows of the ledger, runs or line-ups")
    arguments = parser.parse_args()
    say_at_once("Reading the submissions and the images")
    from digit_recognizer.report.compare_page.write import compare_submissions

    compare_submissions(Workspace.current(), arguments.files, make_console())


run(main)
