"""Measure how fast this machine reads, trains and predicts, compared with Keras and PyTorch."""

from _command import Parser, make_console, run

from digit_recognizer.bench.run import run_bench
from digit_recognizer.bench.sizes import FULL, QUICK
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer measurements, in three minutes")
    options = parser.parse_args()
    run_bench(Workspace.current(), QUICK if options.quick else FULL, make_console())


run(main)
