"""Every network is the one that its experiment describes."""

import keras
import numpy as np
import pytest

from digit_recognizer.experiments import EXPERIMENTS, Experiment
from digit_recognizer.learn.backend import batch_normalization, configure
from digit_recognizer.learn.models import build_model


@pytest.fixture(autouse=True, scope="module")
def _threads() -> None:
    configure(1)


# Counted by hand from the published descriptions; batch normalisation has four numbers a channel.
PARAMETERS = {
    "dense-784-784-256-128": 785 * 784 + 785 * 784 + 785 * 256 + 257 * 128 + 129 * 10,
    "dense-128-128": 785 * 128 + 129 * 128 + 129 * 10,
    "dense-50-50": 785 * 50 + 51 * 50 + 51 * 10,
    "conv-32": (9 + 1) * 32 + (13 * 13 * 32 + 1) * 128 + 129 * 10,
    "dense-128-64": 785 * 128 + 129 * 64 + 65 * 10,
    "dense-256-128": 785 * 256 + 257 * 128 + 129 * 10,
    "dense-256-128-early-stopping": 785 * 256 + 257 * 128 + 129 * 10,
    "dense-256-128-regularized": 784 * 256 + 4 * 256 + 256 * 128 + 4 * 128 + 129 * 10,
    "deotte": (
        (9 * 1 + 5) * 32
        + (9 * 32 + 5) * 32
        + (25 * 32 + 5) * 32
        + (9 * 32 + 5) * 64
        + (9 * 64 + 5) * 64
        + (25 * 64 + 5) * 64
        + (16 * 64 + 5) * 128
        + 129 * 10
    ),
}


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda each: each.name)
def test_networks_have_the_published_size_and_return_ten_logits(experiment: Experiment) -> None:
    model = build_model(experiment)
    assert model.output_shape == (None, 10)
    if experiment.name in PARAMETERS:
        assert model.count_params() == PARAMETERS[experiment.name]


def test_pixels_are_scaled_inside_the_network() -> None:
    unit, raw = EXPERIMENTS["dense-128-128"], EXPERIMENTS["dense-50-50"]
    assert [type(layer) for layer in build_model(unit).layers].count(keras.layers.Rescaling) == 1
    assert keras.layers.Rescaling not in [type(layer) for layer in build_model(raw).layers]


def test_the_fused_normalisation_agrees_with_keras() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(3, 2, (64, 5, 5, 8)).astype(np.float32)
    fused, plain = batch_normalization(0.9), keras.layers.BatchNormalization(momentum=0.9)
    for _ in range(3):
        training = np.asarray(fused(inputs, training=True))
        np.testing.assert_allclose(training, plain(inputs, training=True), atol=1e-4)
    for ours, theirs in zip(fused.weights, plain.weights, strict=True):
        # The fused kernel remembers the unbiased variance: 1,600 values a channel, so 1/1599 more.
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-3, atol=1e-5)
    predicted = np.asarray(fused(inputs, training=False))
    np.testing.assert_allclose(predicted, plain(inputs, training=False), rtol=2e-3, atol=2e-3)
