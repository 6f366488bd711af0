"""Blend trained runs; write, check, record and upload submissions/submission.csv."""

from _command import Parser, make_console, run

from digit_recognizer.compete.submit import submit
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    parser.add_argument("--weights", default="equal", help="equal, or fitted (cross-fitted)")
    parser.add_argument("--message", help="the upload's description (default: scores)")
    parser.add_argument("--upload", choices=["auto", "yes", "no"], default="auto")
    parser.add_argument("--force", action="store_true", help="upload the same labels again")
    parser.add_argument(
        "--wait", type=float, default=300, metavar="SECONDS", help="for the score (%(default)s)"
    )
    options = parser.parse_args()
    submit(Workspace.current(), **vars(options), console=make_console())


run(main, goes_on=True)
