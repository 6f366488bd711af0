"""Update the ledger from Kaggle, and print out-of-fold and public scores."""

from _command import Parser, make_console, run

from digit_recognizer.compete.leaderboard import print_leaderboard
from digit_recognizer.workspace import Workspace


def main() -> None:
    Parser(description=__doc__).parse_args()
    print_leaderboard(Workspace.current(), make_console())


run(main)
