"""Search for better values of an experiment, or compare the best ones on new seeds."""

from _command import Parser, make_console, run

from digit_recognizer.tune.run import tune
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument("--experiment", help="the experiment to vary")
    parser.add_argument("--study", help="the study's name (default: the experiment's)")
    parser.add_argument("--trials", type=int, help="in all, by all processes (default: 20)")
    parser.add_argument("--passes", type=int, help="image passes in all")
    parser.add_argument("--storage", metavar="URL", help="a database (default: a journal)")
    parser.add_numbers("--folds", metavar="FOLD", help="default: 0 1")
    parser.add_argument("--jobs", type=int, help="trials side by side")
    parser.add_argument("--device", default="auto", help="auto, cpu, or gpu: graphics cards")
    parser.add_argument("--sampler", default="tpe", help="tpe or random (default: %(default)s)")
    parser.add_numbers("--judge", metavar="SEED", help="no trials; compare the best on these seeds")
    tune(Workspace.current(), **vars(parser.parse_args()), console=make_console())


run(main, goes_on=True)
