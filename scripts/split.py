"""Hold back a third of the labelled digits; writes a folder to download from."""

import shlex

from _command import make_console, run

from digit_recognizer.data.split import write_split
from digit_recognizer.workspace import Workspace


def main() -> None:
    workspace = Workspace.current()
    folder = write_split(workspace)
    console = make_console()
    console.print(
        f"Written: {workspace.show(folder)}/. To train on it and score once, in another workspace:"
    )
    console.print(
        "  DIGIT_RECOGNIZER_HOME=~/held-back make download train submit "
        f"SOURCE={shlex.quote(str(folder.resolve()))}",
        markup=False,
    )


run(main)
