"""Train the folds of experiments or a line-up that are not trained yet."""

from _command import Parser, make_console, run

from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.learn.lineup import train_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    parser.add_variation()
    parser.add_argument("--jobs", type=int, help="processes that train folds side by side")
    parser.add_argument("--device", default="auto", help="auto, cpu, or gpu: graphics cards")
    parser.add_numbers("--folds", metavar="FOLD", help="only these folds")
    parser.add_argument("--fresh", action="store_true", help="start the runs over")
    parser.add_argument("--cluster", metavar="ADDRESS", help="train on this Dask cluster's workers")
    parser.add_words("--resources", metavar="NAME=AMOUNT")
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="for a worker of the cluster")
    options = vars(parser.parse_args())
    cluster = Cluster.of(options.pop("cluster"), options.pop("resources"), options.pop("wait"))
    train_lineup(Workspace.current(), **options, cluster=cluster, console=make_console())


run(main, goes_on=True)
