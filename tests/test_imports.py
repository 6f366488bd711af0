"""Importing the package loads nothing heavy, so that commands answer in a moment."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.commands import PROJECT

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import digit_recognizer
for module in pkgutil.walk_packages(digit_recognizer.__path__, "digit_recognizer."):
    if not module.name.startswith("digit_recognizer.learn.gpu"):  # it is written in JAX
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def test_importing_the_whole_package_loads_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    modules = json.loads(done.stdout)
    assert "digit_recognizer.data.sources.mnist" in modules
    assert "digit_recognizer.learn.training" in modules
    heavy = {"keras", "tensorflow", "kaggle", "kagglesdk", "sklearn", "scipy", "matplotlib"}
    heavy |= {"onnx", "onnxruntime", "optuna", "sqlalchemy", "distributed", "jax"}
    assert heavy.isdisjoint(modules)
    assert not any(tmp_path.glob("[!h]*")), "an import writes nothing"
