"""Compared with the single networks, and with a network whose explanation is known."""

import keras
import numpy as np
import pytest

from digit_recognizer.data.dataset import load_train
from digit_recognizer.experiments.experiment import Dense, Experiment
from digit_recognizer.learn.backend import differentiate
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.explain.gradients import Expectation, find_obstacle, integrate_gradients
from digit_recognizer.use.explain.held_out_networks import HeldOutNetworks
from digit_recognizer.use.occlusion import log_odds, occlude
from digit_recognizer.workspace import ProjectError, Workspace
from tests.use.explain.made_up import THREADS, make_run

DIGIT = 6


@pytest.fixture
def runs(workspace: Workspace) -> list[Run]:
    return [make_run(workspace, "one", 1, test_shift=1), make_run(workspace, "two", 2)]


def blend_by_hand(runs: list[Run], folds: tuple[int, ...], images: np.ndarray) -> np.ndarray:
    each = [
        predict_probabilities(
            load_model(run.experiment, run.read_weights(fold), THREADS),
            images,
            run.experiment.test_shift,
        )
        for run, fold in zip(runs, folds, strict=True)
    ]
    return np.mean(each, axis=0)


def test_it_predicts_as_the_networks_of_these_folds(runs: list[Run], workspace: Workspace) -> None:
    images = load_train(workspace).images[:20]
    networks = HeldOutNetworks(runs, THREADS)
    for folds in ((0, 0), (2, 1)):
        networks.use_folds(folds)
        expected = blend_by_hand(runs, folds, images)
        assert networks.recognize(images) == pytest.approx(expected, abs=1e-6)
        for digit in (0, DIGIT):
            networks.choose_digit(digit)
            assert networks.odds(images) == pytest.approx(log_odds(expected, digit), abs=1e-4)


def test_networks_that_held_an_image_out_give_the_recorded_probabilities(
    runs: list[Run], workspace: Workspace
) -> None:
    images = load_train(workspace).images
    networks = HeldOutNetworks(runs, THREADS)
    on_record = np.mean([run.load_oof() for run in runs], axis=0)
    for row in (0, 17, 200):
        networks.use_folds(tuple(int(run.folds[row]) for run in runs))
        assert networks.recognize(images[[row]])[0] == pytest.approx(on_record[row], abs=1e-6)


def test_gradients_agree_with_small_changes_of_a_pixel(
    runs: list[Run], workspace: Workspace
) -> None:
    networks = HeldOutNetworks(runs, THREADS)
    networks.use_folds((1, 1))
    networks.choose_digit(DIGIT)
    image = load_train(workspace).images[3].astype(np.float32)
    gradients = networks.gradients(image[None])[0]
    for pixel in ((14, 14), (8, 12), (20, 15)):
        step = np.zeros_like(image)
        step[pixel] = 2.0
        below, above = networks.odds(np.stack([image - step, image + step]))
        assert (above - below) / 4 == pytest.approx(float(gradients[pixel]), rel=0.1, abs=2e-5)


def test_random_weights_are_reproducible_and_differ_from_the_trained_ones(
    runs: list[Run], workspace: Workspace
) -> None:
    images = load_train(workspace).images[:5]
    networks = HeldOutNetworks(runs, THREADS)
    networks.use_folds((0, 0))
    trained = networks.recognize(images)
    networks.use_random_weights(0)
    first = networks.recognize(images)
    networks.use_folds((1, 1))
    networks.use_random_weights(0)
    assert np.array_equal(networks.recognize(images), first)
    assert np.abs(first - trained).max() > 1e-3
    networks.use_folds((0, 0))
    assert np.array_equal(networks.recognize(images), trained)


def test_integrated_gradients_of_real_networks_sum_to_the_difference(
    runs: list[Run], workspace: Workspace
) -> None:
    networks = HeldOutNetworks(runs, THREADS)
    networks.use_folds((0, 2))
    networks.choose_digit(DIGIT)
    for image in load_train(workspace).images[:3]:
        found = integrate_gradients(networks.odds, networks.gradients, image)
        black, own = networks.odds(np.stack([np.zeros_like(image), image]))
        assert found.map.sum() == pytest.approx(own - black, abs=0.1)
        assert found.map.any()
        assert not found.map[image == 0].any()


@pytest.fixture
def linear(workspace: Workspace) -> tuple[HeldOutNetworks, np.ndarray]:
    """One network without a hidden layer, in which only the logit of 6 depends on the image.

    So the log-odds of 6 are a sum over pixels: the logit minus the logarithm of nine.
    """
    networks = HeldOutNetworks([make_run(workspace, "linear", 3, network=Dense(()))], THREADS)
    weights = np.zeros((784, 10), np.float32)
    weights[:, DIGIT] = np.random.default_rng(3).normal(0, 0.05, 784)
    (network,) = networks._networks
    network.set_weights([weights, np.zeros(10, np.float32)])
    networks.choose_digit(DIGIT)
    return networks, weights[:, DIGIT].reshape(28, 28) / 255


def test_all_methods_explain_a_sum_exactly(
    linear: tuple[HeldOutNetworks, np.ndarray], workspace: Workspace
) -> None:
    networks, weights = linear
    image, other = load_train(workspace).images[:2]
    expected = weights * image
    assert integrate_gradients(networks.odds, networks.gradients, image).map == pytest.approx(
        expected, abs=1e-5
    )
    assert occlude(networks.recognize, image, DIGIT, 1, 1) == pytest.approx(expected, abs=1e-4)
    if find_obstacle():
        pytest.skip("shap is not installed; the other two methods were tested")
    # With a single image to start from, nothing is random.
    found = Expectation(networks.model, other[None]).explain(image)
    assert found == pytest.approx(weights * (image - other.astype(np.float32)), abs=1e-5)


def test_another_backend_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(Experiment("small", Dense(())))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ProjectError, match=r"KERAS_BACKEND=jax: .* need tensorflow"):
        differentiate(model)
