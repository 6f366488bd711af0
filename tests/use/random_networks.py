"""Untrained networks of every kind, and run folders with them."""

from typing import Any
from zlib import crc32

import numpy as np

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import (
    ConvStages,
    Dense,
    Deotte,
    Experiment,
    PoolingConv,
    ResidualStages,
)
from digit_recognizer.learn.backend import configure, describe_device
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import weights_of
from digit_recognizer.runs.environment import describe_environment
from digit_recognizer.runs.folder import FoldResult, Run
from digit_recognizer.runs.opening import start_run
from digit_recognizer.use.keras_recognizer import Member
from digit_recognizer.workspace import Workspace

THREADS = 1  # as in other tests, because it cannot change within a process
# Every kind of network, and every option that changes its graph.
KINDS = {
    "dense": Experiment("dense", Dense((24, 16)), pixels="raw", test_shift=2),
    "dense-normalized": Experiment("dense-normalized", Dense((24, 16), 0.2, True)),
    "pooling": Experiment("pooling", PoolingConv((6, 8), (16,)), pixels="raw"),
    "deotte": Experiment("deotte", Deotte(width=5), test_shift=1),
    "stages": Experiment("stages", ConvStages((8, 10, 12)), test_shift=1),
    "stages-bare": Experiment(
        "stages-bare",
        ConvStages((8, 9, 10), 0.0, depths=(1, 2, 3), first_size=5, first_padded=False),
    ),
    "stages-cropped": Experiment("stages-cropped", ConvStages((8, 9, 10), crop=2)),
    "stretched": Experiment(
        "stretched", ConvStages((8, 10), depths=(1, 1)), digit_width=20, test_shift=1
    ),
    "residual": Experiment("residual", ResidualStages((6, 8, 10)), test_shift=4),
}


def randomize(model: Any, seed: int) -> Any:
    """Draw random values for all weights, including the statistics of batch normalisation."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        drawn = []
        for variable in layer.weights:
            values = generator.normal(size=variable.shape)
            if variable.name == "moving_variance":
                values = values**2 + 0.1
            elif variable.name == "kernel":
                # Keeps outputs about as large as inputs, so that activations do not explode.
                values *= np.sqrt(2 / np.prod(variable.shape[:-1]))
            drawn.append(values)
        if drawn:
            layer.set_weights(drawn)
    _spread_logits(model)
    return model


def _spread_logits(model: Any) -> None:
    """Scale the last layer, so that predictions differ between images and are not extreme."""
    logits = np.asarray(model.predict_on_batch(draw_images(20)[..., None].astype(np.float32)))
    last = model.layers[-1]
    kernel, bias = last.get_weights()
    assert logits.std(axis=0).min() > 0, "with these weights every unit is always 0"
    scale = 1 / logits.std(axis=0)
    last.set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])


def make_member(experiment: Experiment, folds: int = 2, precision: str = "float32") -> Member:
    configure(THREADS)
    networks = [
        randomize(build_model(experiment, precision), 100 * crc32(experiment.name.encode()) + fold)
        for fold in range(folds)
    ]
    return Member(experiment.name, networks, experiment.test_shift)


def make_run(workspace: Workspace, experiment: Experiment, precision: str = "float32") -> Run:
    """Make a complete run of such networks, with their recorded predictions."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    folds = assign_folds(train.labels, experiment.folds, experiment.seed)
    environment = describe_environment(THREADS)
    data = fingerprint_of(train, test)
    run, _ = start_run(workspace, experiment, data, folds, environment, fresh=False)
    member = make_member(experiment, experiment.folds, precision)
    for fold, network in enumerate(member.networks):
        held_out, every = (
            predict_probabilities(network, images, experiment.test_shift)
            for images in (train.images[folds == fold], test.images)
        )
        facts = {"images_trained": 1, "training_seconds": 1, "seconds": 1, "precision": precision}
        facts |= {"device": describe_device(), "environment": environment}
        history = [{"epoch": 1, "loss": 1.0, "accuracy": 0.1}]
        run.save_fold(FoldResult(fold, weights_of(network), held_out, every, history, facts))
    run.finish(train.labels)
    return run


def draw_images(count: int, seed: int = 0) -> np.ndarray:
    """Random grey blots, different at every edge, so that a wrong shift would be noticed."""
    generator = np.random.default_rng(seed)
    blots = np.repeat(np.repeat(generator.integers(0, 256, (count, 7, 7)), 4, axis=1), 4, axis=2)
    ink = generator.integers(0, 2, (count, 28, 28)) * blots
    ink[:, :3, :] //= 2
    ink[:, :, :5] //= 4
    return ink.astype(np.uint8)
