"""One fold: honest, repeatable, and each of its options does what it says."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.data.sources import download
from digit_recognizer.experiments.experiment import Augmentation, ConvStages, Dense, Experiment
from digit_recognizer.learn.averaging import WeightAverage
from digit_recognizer.learn.backend import choose_step, configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.schedule import learning_rate
from digit_recognizer.learn.training import FoldData, compile_for_training, fit_fold
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import Workspace

TINY = Experiment("tiny", Dense((16,)), epochs=2, folds=3)
SHARP = Experiment("sharp", ConvStages((4,), dropout_rate=0.0), optimizer="adamw", folds=3)
CONV = Experiment("conv", ConvStages((4,)), epochs=1, folds=3)
AVERAGED = replace(CONV, average_decay=0.9, label_smoothing=0.1, test_shift=1)
THREADS = 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> FoldData:
    workspace = Workspace(tmp_path_factory.mktemp("sample"))
    download(workspace, "sample")
    train, test = load_train(workspace), load_test(workspace)
    images, labels = train.images[:240], train.labels[:240]  # type: ignore[index]
    return FoldData(images, labels, assign_folds(labels, 3, 0), test.images[:20])


def fit(experiment: Experiment, data: FoldData, fold: int = 0) -> FoldResult:
    return fit_fold(experiment, fold, data, THREADS, lambda news: None)


@pytest.fixture(scope="module")
def tiny(data: FoldData) -> FoldResult:
    return fit(TINY, data)


@pytest.fixture(scope="module")
def conv(data: FoldData) -> FoldResult:
    return fit(AVERAGED, data)


def trained_by_a_batch(data: FoldData, radius: float) -> tuple[Any, float]:
    """Return a network after one step from the same start, and the loss before it."""
    keras.utils.set_random_seed(3)
    model = build_model(SHARP)
    compile_for_training(model, SHARP)
    images = data.images[:64].astype(np.float32)[..., None]
    targets = np.eye(10, dtype=np.float32)[data.labels[:64]]
    loss, accuracy = choose_step(model, radius)(images, targets)
    assert 0 <= accuracy <= 1
    return model, loss


def same(first: FoldResult, second: FoldResult) -> bool:
    return (first.oof.tobytes(), first.test.tobytes()) == (
        second.oof.tobytes(),
        second.test.tobytes(),
    )


def test_probabilities_are_probabilities_of_the_held_out_images(
    data: FoldData, tiny: FoldResult
) -> None:
    result = tiny
    assert result.oof.shape == ((data.folds == 0).sum(), 10)
    assert result.test.shape == (20, 10)
    assert result.oof.dtype == np.float32
    np.testing.assert_allclose(result.oof.sum(axis=1), 1, rtol=1e-5)


def test_training_never_looks_at_the_held_out_labels(data: FoldData) -> None:
    scrambled = data.labels.copy()
    scrambled[data.folds == 0] = 9 - scrambled[data.folds == 0]
    for experiment in (TINY, replace(TINY, patience=1, epochs=4)):
        honest = fit(experiment, data)
        assert same(honest, fit(experiment, replace(data, labels=scrambled)))


@pytest.mark.parametrize(
    "experiment",
    [
        replace(TINY, augmentation=Augmentation(rotation=10, elastic=0.5)),
        pytest.param(AVERAGED, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_a_fold_does_not_depend_on_what_the_process_did_before(
    data: FoldData, experiment: Experiment
) -> None:
    first = fit(experiment, data, fold=1)
    fit(TINY, data, fold=0)
    assert same(first, fit(experiment, data, fold=1))
    assert not same(first, fit(replace(experiment, seed=1), data, fold=1))


def test_a_saved_network_predicts_the_same_bits(data: FoldData, conv: FoldResult) -> None:
    loaded = load_model(AVERAGED, conv.weights, THREADS)
    again = predict_probabilities(loaded, data.images[data.folds == 0], AVERAGED.test_shift)
    assert again.tobytes() == conv.oof.tobytes()


def test_early_stopping_ends_early_and_keeps_the_best_weights(data: FoldData) -> None:
    stopped = fit(replace(TINY, epochs=60, patience=2, learning_rate=0.05), data)
    watched = [record["watched_loss"] for record in stopped.history]
    assert len(watched) < 60
    assert int(np.argmin(watched)) == len(watched) - 3, "two epochs after the best it ends"
    # Training exactly to the best epoch leads to the very weights that were kept.
    best = len(watched) - 2
    exact = fit(replace(TINY, epochs=best, patience=60, learning_rate=0.05), data)
    assert same(stopped, exact)


def test_a_test_shift_is_the_mean_of_three_predictions(data: FoldData, tiny: FoldResult) -> None:
    model = load_model(TINY, tiny.weights, THREADS)
    images = data.test_images
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    crops = [
        padded[:, 2 - down : 30 - down, 2 - right : 30 - right]
        for down, right in [(0, 0), (2, 2), (-2, -2)]
    ]
    expected = np.mean([predict_probabilities(model, crop, 0) for crop in crops], axis=0)
    np.testing.assert_allclose(predict_probabilities(model, images, 2), expected, atol=1e-6)


def test_predictions_do_not_depend_on_the_other_images(data: FoldData, conv: FoldResult) -> None:
    model = load_model(AVERAGED, conv.weights, THREADS)
    together = predict_probabilities(model, data.test_images, 0)
    alone = [predict_probabilities(model, image[None], 0)[0] for image in data.test_images]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_average_is_of_all_weights_and_batch_statistics() -> None:
    configure(THREADS)
    model = build_model(CONV)
    average = WeightAverage(model, 0.9)
    floats = [v for v in model.variables if str(v.dtype).startswith("float")]
    before = [variable.numpy().copy() for variable in floats]
    for variable in floats:
        variable.assign(variable + 1.0)
    average.apply()  # no average yet: nothing changes
    for _ in range(4):  # it looks at every fourth step
        average.update()
    average.apply()
    # Its memory is short at first: the second of eleven parts, not half.
    for variable, old in zip(floats, before, strict=True):
        np.testing.assert_allclose(variable.numpy(), old + 1 - 2 / 11, rtol=1e-5)
    assert any("moving_mean" in variable.path for variable in floats)


def test_schedules() -> None:
    triangle = replace(TINY, schedule="triangular", epochs=4, learning_rate=1.0)
    rates = [learning_rate(triangle, epoch, step, 25) for epoch in range(4) for step in range(25)]
    top = int(np.argmax(rates))
    assert 0.95 < max(rates) <= 1
    assert 20 <= top <= 30
    assert all(np.diff(rates[:top]) > 0)
    assert all(np.diff(rates[top:]) < 0)
    assert 0 < rates[-1] < 0.05
    decaying = replace(TINY, schedule="exponential", decay_per_epoch=0.5, learning_rate=1.0)
    assert [learning_rate(decaying, epoch, 3, 10) for epoch in range(3)] == [1.0, 0.5, 0.25]
    assert learning_rate(TINY, 1, 3, 10) == TINY.learning_rate


@pytest.mark.slow
def test_label_smoothing_keeps_probabilities_off_one(data: FoldData) -> None:
    plain = fit(replace(TINY, epochs=10), data)
    smooth = fit(replace(TINY, epochs=10, label_smoothing=0.3), data)
    assert smooth.oof.max(axis=1).mean() < plain.oof.max(axis=1).mean()


def test_progress_is_told_of_every_image_and_epoch(data: FoldData) -> None:
    news: list[dict[str, Any]] = []
    fit_fold(TINY, 0, data, THREADS, news.append)
    training = int((data.folds != 0).sum())
    assert sum(item.get("images", 0) for item in news) == 2 * training
    assert [item["epoch"] for item in news if "epoch" in item] == [1, 2]


def test_a_sharpness_aware_step_without_a_radius_is_a_plain_one(data: FoldData) -> None:
    plain, plain_loss = trained_by_a_batch(data, 0)
    near, near_loss = trained_by_a_batch(data, 1e-9)
    assert near_loss == pytest.approx(plain_loss, rel=1e-5)
    for ours, theirs in zip(near.get_weights(), plain.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, abs=2e-4), "a fifth of what a step moves a weight by"


def test_a_sharpness_aware_step_goes_by_the_gradient_at_the_worst_weights(data: FoldData) -> None:
    import tensorflow as tf  # noqa: TID251 - gradients, to compare with

    radius = 0.5
    model, _ = trained_by_a_batch(data, radius)
    keras.utils.set_random_seed(3)
    by_hand = build_model(SHARP)
    compile_for_training(by_hand, SHARP)
    images = data.images[:64].astype(np.float32)[..., None]
    targets = np.eye(10, dtype=np.float32)[data.labels[:64]]

    def gradients() -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            loss = by_hand.compute_loss(y=targets, y_pred=by_hand(images, training=True))
        return [np.asarray(each) for each in tape.gradient(loss, by_hand.trainable_variables)]

    first = gradients()
    length = np.sqrt(sum((each**2).sum() for each in first))
    for variable, each in zip(by_hand.trainable_variables, first, strict=True):
        variable.assign_add(radius * each / length)
    momenta = [v for v in model.optimizer.variables if v.path.endswith("momentum")]
    for momentum, each in zip(momenta, gradients(), strict=True):
        assert np.asarray(momentum) == pytest.approx(0.1 * each, rel=1e-3, abs=1e-6)


def test_a_sharpness_aware_step_keeps_the_statistics_of_where_the_weights_are(
    data: FoldData,
) -> None:
    plain, _ = trained_by_a_batch(data, 0)
    far, _ = trained_by_a_batch(data, 5.0)
    moving = [
        [np.asarray(each) for each in model.non_trainable_variables if "moving" in each.path]
        for model in (plain, far)
    ]
    assert moving[0]
    for theirs, ours in zip(*moving, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_sharpness_and_digit_width_train_and_repeat(data: FoldData) -> None:
    both = replace(AVERAGED, sharpness_radius=0.05, digit_width=20)
    first = fit(both, data)
    assert same(first, fit(both, data))
    model = load_model(both, first.weights, THREADS)
    held_out = data.images[data.folds == 0]
    assert predict_probabilities(model, held_out, 1).tobytes() == first.oof.tobytes()
