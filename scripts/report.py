"""Write reports/: a page for each run, index.html with all runs, and report.md; or print them."""

from _command import Parser, make_console, run, say_at_once

from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_words("--experiments", help="only these runs' pages")
    parser.add_argument("--format", default="html", help="html, or md to print Markdown")
    arguments = parser.parse_args()
    say_at_once("Reading all runs and comparing them")
    from digit_recognizer.report.summary import write_report

    write_report(Workspace.current(), make_console(), arguments.experiments, arguments.format)


run(main)
