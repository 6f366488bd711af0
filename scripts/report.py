"""Write reports/: a page for each run, index.html of all runs, and report.md; or print it all."""

from _command import Parser, make_console, run

from digit_recognizer.report.summary import FORMATS, write_report
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_words("--experiments", help="only these runs' pages")
    parser.add_argument("--format", default="html", help=f"one of {', '.join(FORMATS)}")
    arguments = parser.parse_args()
    write_report(Workspace.current(), make_console(), arguments.experiments, arguments.format)


run(main)
