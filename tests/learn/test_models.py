"""Every network is the one that its experiment describes."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from digit_recognizer.experiments.experiment import ConvStages, Experiment, Network, ResidualStages
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.backend import batch_normalization, configure
from digit_recognizer.learn.models import build_model, prepare_for_training
from digit_recognizer.learn.models.digit_width import stretch_digits


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


def shapes_of(network: Network) -> list[tuple[int, ...]]:
    """The outputs of the network's convolutions and poolings, without the batch."""
    layers = build_model(Experiment("any", network)).layers
    kinds = (keras.layers.Conv2D, keras.layers.MaxPooling2D)
    return [layer.output.shape[1:] for layer in layers if isinstance(layer, kinds)]


def test_a_first_convolution_without_padding_leaves_sides_that_halve_evenly() -> None:
    padded = ConvStages((4, 8, 8), depths=(1, 2, 1), first_size=5)
    assert shapes_of(padded)[0] == (28, 28, 4)
    bare = shapes_of(replace(padded, first_padded=False))
    assert bare == [
        (24, 24, 4), (12, 12, 4), (12, 12, 8), (12, 12, 8), (6, 6, 8), (6, 6, 8), (3, 3, 8),
    ]  # fmt: skip


def test_a_second_stage_without_padding_begins_two_pixels_smaller() -> None:
    padded = ConvStages((4, 8, 8), depths=(1, 2, 2), first_size=5, first_padded=False, crop=2)
    assert shapes_of(padded)[2:4] == [(10, 10, 8), (10, 10, 8)]
    bare = shapes_of(replace(padded, second_padded=False))
    assert bare == [
        (20, 20, 4), (10, 10, 4), (8, 8, 8), (8, 8, 8), (4, 4, 8), (4, 4, 8), (4, 4, 8), (2, 2, 8),
    ]  # fmt: skip
    assert shapes_of(ConvStages((4,))) == shapes_of(ConvStages((4,), second_padded=False))


def test_residual_pairs_come_after_their_stage_s_pooling() -> None:
    network = ResidualStages((4, 8))
    assert shapes_of(network) == [
        (24, 24, 4), (12, 12, 4), (12, 12, 8), (6, 6, 8), (6, 6, 8), (6, 6, 8),
    ]  # fmt: skip


def test_a_residual_pair_that_adds_nothing_leaves_its_input() -> None:
    model = build_model(Experiment("any", ResidualStages((4, 8), dropout_rate=0.0)))
    (addition,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Add))
    last = [layer for layer in model.layers if "normalization" in layer.name][-1]
    last.gamma.assign(last.gamma * 0)
    images = np.random.default_rng(0).uniform(0, 255, (3, 28, 28, 1)).astype(np.float32)
    before, pair = addition.input
    seen = keras.Model(model.input, [before, pair, addition.output])
    before, pair, after = (np.asarray(part) for part in seen(images))
    assert before.any()
    assert not pair.any()
    assert np.array_equal(before, after)


def draw_bar(rows: int, first: int, columns: int) -> np.ndarray:
    image = np.zeros((28, 28), np.uint8)
    image[14 - rows // 2 : 14 + rows // 2, first : first + columns] = 255
    return image


def columns_of_ink(image: np.ndarray) -> np.ndarray:
    return np.flatnonzero(image.max(axis=0) > 127)


def test_a_digit_gets_the_width_that_was_asked_for_and_lies_in_the_middle() -> None:
    images = np.stack([draw_bar(20, 3, 12), draw_bar(20, 9, 15), draw_bar(10, 6, 20)])
    for image, before in zip(stretch_digits(images, 20), images, strict=True):
        columns = columns_of_ink(image)
        assert len(columns) == 20
        assert columns.mean() == 13.5
        assert np.array_equal(image.max(axis=1), before.max(axis=1)), "rows stay as they are"


def test_a_narrow_digit_becomes_at_most_twice_as_wide_and_paper_stays_paper() -> None:
    narrow, nothing = stretch_digits(np.stack([draw_bar(20, 20, 4), draw_bar(0, 0, 0)]), 20)
    assert len(columns_of_ink(narrow)) == 8
    assert not nothing.any()


def test_a_network_stretches_digits_to_predict_and_takes_them_stretched_to_learn() -> None:
    experiment = Experiment("any", ConvStages((4,)), digit_width=20)
    keras.utils.set_random_seed(0)  # of some weights, a wider bar means nearly the same
    model = build_model(experiment)
    plain = build_model(replace(experiment, digit_width=0))
    plain.set_weights(model.get_weights())
    images = np.stack([draw_bar(20, 3, 12), draw_bar(16, 9, 15)])
    stretched = prepare_for_training(experiment, images)
    as_learnt, as_given = (part.astype(np.float32)[..., None] for part in (stretched, images))
    predicted = np.asarray(model(as_given, training=False))
    np.testing.assert_allclose(predicted, plain(as_learnt, training=False), atol=1e-2)
    assert np.abs(predicted - np.asarray(plain(as_given, training=False))).max() > 0.1
    assert prepare_for_training(replace(experiment, digit_width=0), images) is images


def test_a_crop_leaves_out_the_edge_of_the_image() -> None:
    model = build_model(Experiment("any", ConvStages((4,), crop=3)))
    assert shapes_of(ConvStages((4,), crop=3))[0] == (22, 22, 4)
    image = np.random.default_rng(0).uniform(0, 255, (1, 28, 28, 1)).astype(np.float32)
    inside = image.copy()
    inside[:, :3] = inside[:, -3:] = inside[:, :, :3] = inside[:, :, -3:] = 0
    assert np.array_equal(model(image), model(inside))
