"""What an import costs: the whole package is there in a moment, without anything heavy."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.commands import PROJECT

IMPORT_ALL = """
import importlib, json, pkgutil, sys, time
started = time.process_time()
import digit_recognizer
for module in pkgutil.walk_packages(digit_recognizer.__path__, "digit_recognizer."):
    importlib.import_module(module.name)
print(json.dumps([time.process_time() - started, sorted(sys.modules)]))
"""


def test_importing_the_whole_package_is_fast_and_loads_nothing_heavy(tmp_path: Path) -> None:
    # The fastest of three counts: what else runs on the machine makes the others slow.
    outcomes = [import_all(tmp_path) for _ in range(3)]
    seconds = min(seconds for seconds, _ in outcomes)
    modules = outcomes[0][1]
    assert "digit_recognizer.data.sources.mnist" in modules
    assert "digit_recognizer.learn.training" in modules
    heavy = {"keras", "tensorflow", "kaggle", "kagglesdk", "sklearn", "scipy", "matplotlib"}
    heavy |= {"onnx", "onnxruntime", "optuna", "sqlalchemy", "distributed"}
    assert heavy.isdisjoint(modules)
    assert seconds < 1
    assert not any(tmp_path.glob("[!h]*")), "an import writes nothing"


def import_all(folder: Path) -> tuple[float, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    seconds, modules = json.loads(done.stdout)
    return seconds, modules
