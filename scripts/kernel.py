"""Build the script that trains on Kaggle's machines, or copy its runs here."""

from _command import Parser, make_console, run

from digit_recognizer.kernel.make import install, make_kernel
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    parser.add_variation()
    parser.add_argument("--push", choices=["auto", "yes", "no"], default="auto")
    parser.add_argument(
        "--runs", metavar="RUNS.ZIP", help="copy the runs from this archive; build nothing"
    )
    parser.add_argument("--fresh", action="store_true", help="replace existing runs")
    parser.add_argument(
        "--wait",
        type=float,
        default=12 * 3600,  # no kernel runs longer
        metavar="SECONDS",
        help="for the kernel to end (default: %(default)s)",
    )
    options = vars(parser.parse_args())
    archive = options.pop("runs")
    if archive:
        install(Workspace.current(), archive, options["fresh"], make_console())
    else:
        make_kernel(Workspace.current(), **options, console=make_console())


run(main, goes_on=True)
