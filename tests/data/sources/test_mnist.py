"""MNIST: cut anew from what Keras holds, or refused where Keras cannot fetch it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.workspace import Workspace
from tests.commands import PROJECT

LOAD_MNIST = """
import sys
from pathlib import Path
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import ProjectError, Workspace
import keras.src.datasets.mnist as mnist

root, digest = Path(sys.argv[1]), sys.argv[2]
cached = root / "keras" / "datasets" / "mnist.npz"
try:  # the stand-in is not what Keras expects, and the network is not there
    download(Workspace(root), "mnist")
except ProjectError as error:
    print("refused:", error)
assert not list((root / "data").glob("*.csv"))
(root / "stand-in.npz").rename(cached)
# Keras still looks in its cache and checks the file; only the hash that it expects is another.
get_file = mnist.get_file
mnist.get_file = lambda **options: get_file(**{**options, "file_hash": digest})
print(download(Workspace(root), "mnist"))
"""


@pytest.mark.slow
def test_mnist_is_cut_anew_from_what_keras_holds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (100, 28, 28), np.uint8)
    labels = np.arange(100, dtype=np.uint8) % 10
    for path in ("stand-in.npz", "keras/datasets/mnist.npz"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            tmp_path / path,
            **{"x_train": images[:80], "y_train": labels[:80]},
            **{"x_test": images[80:], "y_test": labels[80:]},
        )
    digest = hashlib.sha256((tmp_path / "stand-in.npz").read_bytes()).hexdigest()
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", LOAD_MNIST, str(tmp_path), digest],
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "KERAS_HOME": str(tmp_path / "keras"),
            **dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy"), nowhere),
            "no_proxy": "",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "refused: Keras could not fetch MNIST" in done.stdout
    assert "SOURCE=sample never does" in done.stdout
    assert "60 labelled and 40 unlabelled digits (verified; source: mnist)" in done.stdout

    workspace = Workspace(tmp_path)
    train, test = load_train(workspace), load_test(workspace)
    _, answers = read_answers(workspace.data / "solution.csv")
    assert train.labels is not None
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    came = {
        image.tobytes(): label
        for digits, its_labels in ((train, train.labels), (test, answers))
        for image, label in zip(digits.images, its_labels, strict=True)
    }
    assert came == label_of, "every image once, with its own label"
    assert not np.array_equal(train.images, images[:60]), "mixed before the cut"
