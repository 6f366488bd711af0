"""Train experiments or a line-up k-fold, whatever of it is not trained yet."""

import argparse

from _command import make_console, run

from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.lineup import train_lineup
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lineup", help="a named list of experiments that are blended together")
    parser.add_argument("--experiments", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--name", help="the name of the variation that --set makes")
    parser.add_argument("--jobs", type=int, help="processes that train folds side by side")
    parser.add_argument("--folds", type=int, nargs="*", metavar="FOLD", help="only these folds")
    parser.add_argument("--fresh", action="store_true", help="start the runs over")
    parser.add_argument("--cluster", metavar="ADDRESS", help="train on this Dask cluster's workers")
    parser.add_argument("--resources", nargs="*", default=[], metavar="NAME=AMOUNT")
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="for a worker of the cluster")
    options = vars(parser.parse_args())
    cluster = Cluster.of(options.pop("cluster"), options.pop("resources"), options.pop("wait"))
    train_lineup(Workspace.current(), **options, cluster=cluster, console=make_console())


run(main, goes_on=True)
