"""Make a run of predictions from elsewhere: of OOF= and TEST= files, or another clone's RUNS=."""

from _command import Parser, make_console, run

from digit_recognizer.runs.adopt import adopt
from digit_recognizer.workspace import ProjectError, Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument("--name", help="what the new run is called")
    parser.add_argument("--oof", help="predictions of the labelled images (.csv, .npy, .npz)")
    parser.add_argument("--test", help="predictions of the test images")
    parser.add_argument("--folds", help="the fold of each labelled image")
    parser.add_argument("--runs", help="another clone's run folder, or its runs.zip")
    parser.add_argument("--fresh", action="store_true", help="replace what was adopted before")
    options = parser.parse_args()
    workspace, console = Workspace.current(), make_console()
    if not options.runs:
        files = (options.oof, options.test, options.folds)
        adopt(workspace, options.name, *files, options.fresh, console)
        return
    if options.name or options.oof or options.test or options.folds:
        raise ProjectError("RUNS= brings runs with their names; leave out NAME=, OOF= and TEST=.")
    from digit_recognizer.kernel.make import install

    install(workspace, options.runs, options.fresh, console)


run(main)
