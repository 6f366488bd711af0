"""Train on a cluster in a network of its own; print the bytes that went through it.

Run by a test, as root, with `unshare --net`: nothing else talks on that loopback.
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from digit_recognizer.workspace import Workspace
from tests.commands import TINY, run_well
from tests.learn.clusters import hosting


def count_bytes() -> int:
    """Everything that the loopback has taken in; what is sent there is taken in once."""
    (line,) = [line for line in Path("/proc/net/dev").read_text().splitlines() if "lo:" in line]
    return int(line.split()[1])


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
workspace = Workspace(Path(sys.argv[1]))
with hosting(workspace, "--workers", "2") as host:
    before = count_bytes()
    run_well(workspace, "train", *TINY, "folds=4", "epochs=1", "--cluster", host.address)
    print(json.dumps(count_bytes() - before))
