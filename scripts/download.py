"""Download or copy the competition's CSVs into data/."""

from _command import Parser, make_console, run

from digit_recognizer.data.sources import download
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--source",
        default="auto",
        help="auto, kaggle, mnist, sample, or the path of a folder or zip (default: %(default)s)",
    )
    options = parser.parse_args()
    print(download(Workspace.current(), options.source, make_console()))


run(main, goes_on=True)
