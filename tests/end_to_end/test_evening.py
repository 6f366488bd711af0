"""The README's loop between two uploads, as it is written there."""

import re
import subprocess
import sys

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import PROJECT, run_well


@pytest.mark.slow
def test_the_readmes_member_is_adopted_blended_and_compared(trained: Workspace) -> None:
    readme = (PROJECT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(code.strip().splitlines()) == 10
    (trained.root / "member.py").write_text(code)
    subprocess.run([sys.executable, "member.py"], cwd=trained.root, check=True, timeout=600)

    run_well(trained, "submit", "--experiments", "tiny", "--upload", "no")
    files = ["--oof", str(trained.root / "oof.csv"), "--test", str(trained.root / "test.csv")]
    adopted = run_well(trained, "adopt", "--name", "trees", *files)
    assert "nothing suspicious" in adopted
    assert 'EXPERIMENTS="tiny trees"' in adopted
    run_well(trained, "submit", "--experiments", "tiny", "trees", "--upload", "no")
    compared = run_well(trained, "compare")
    assert re.search(r"differ in \d+ of 60 labels", " ".join(compared.split()))
    reported = run_well(trained, "report")
    assert "What next?" in reported
    assert "Adopted, so out of fold by their owners' word: trees." in reported
