"""The jury against the networks it is made of, and against a network whose answer is known."""

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
from digit_recognizer.use.explain.expected_gradients import Expectation, find_obstacle
from digit_recognizer.use.explain.held_out_networks import Jury
from digit_recognizer.use.explain.integrated_gradients import integrate_gradients
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


def test_it_says_what_the_networks_of_these_folds_say(
    runs: list[Run], workspace: Workspace
) -> None:
    images = load_train(workspace).images[:20]
    jury = Jury(runs, THREADS)
    for folds in ((0, 0), (2, 1)):
        jury.seat(folds)
        expected = blend_by_hand(runs, folds, images)
        assert jury.recognize(images) == pytest.approx(expected, abs=1e-6)
        for digit in (0, DIGIT):
            jury.turn_to(digit)
            assert jury.odds(images) == pytest.approx(log_odds(expected, digit), abs=1e-4)


def test_those_who_held_an_image_out_give_the_probabilities_on_record(
    runs: list[Run], workspace: Workspace
) -> None:
    images = load_train(workspace).images
    jury = Jury(runs, THREADS)
    on_record = np.mean([run.load_oof() for run in runs], axis=0)
    for row in (0, 17, 200):
        jury.seat(tuple(int(run.folds[row]) for run in runs))
        assert jury.recognize(images[[row]])[0] == pytest.approx(on_record[row], abs=1e-6)


def test_gradients_are_what_a_small_change_of_a_pixel_makes(
    runs: list[Run], workspace: Workspace
) -> None:
    jury = Jury(runs, THREADS)
    jury.seat((1, 1))
    jury.turn_to(DIGIT)
    image = load_train(workspace).images[3].astype(np.float32)
    gradients = jury.gradients(image[None])[0]
    for pixel in ((14, 14), (8, 12), (20, 15)):
        step = np.zeros_like(image)
        step[pixel] = 2.0
        below, above = jury.odds(np.stack([image - step, image + step]))
        assert (above - below) / 4 == pytest.approx(float(gradients[pixel]), rel=0.1, abs=2e-5)


def test_networks_that_learnt_nothing_are_the_same_again_and_others_than_the_trained(
    runs: list[Run], workspace: Workspace
) -> None:
    images = load_train(workspace).images[:5]
    jury = Jury(runs, THREADS)
    jury.seat((0, 0))
    trained = jury.recognize(images)
    jury.seat_untrained(0)
    first = jury.recognize(images)
    jury.seat((1, 1))
    jury.seat_untrained(0)
    assert np.array_equal(jury.recognize(images), first)
    assert np.abs(first - trained).max() > 1e-3
    jury.seat((0, 0))
    assert np.array_equal(jury.recognize(images), trained)


def test_integrated_gradients_of_real_networks_sum_to_the_difference(
    runs: list[Run], workspace: Workspace
) -> None:
    jury = Jury(runs, THREADS)
    jury.seat((0, 2))
    jury.turn_to(DIGIT)
    for image in load_train(workspace).images[:3]:
        found = integrate_gradients(jury.odds, jury.gradients, image)
        black, own = jury.odds(np.stack([np.zeros_like(image), image]))
        assert found.map.sum() == pytest.approx(own - black, abs=0.1)
        assert found.map.any()
        assert not found.map[image == 0].any()


@pytest.fixture
def linear(workspace: Workspace) -> tuple[Jury, np.ndarray]:
    """A jury of one network without a hidden layer, in which only 6 depends on the image.

    So the log-odds of 6 are a sum over pixels: the logit less the logarithm of nine.
    """
    jury = Jury([make_run(workspace, "linear", 3, network=Dense(()))], THREADS)
    weights = np.zeros((784, 10), np.float32)
    weights[:, DIGIT] = np.random.default_rng(3).normal(0, 0.05, 784)
    (network,) = jury._networks
    network.set_weights([weights, np.zeros(10, np.float32)])
    jury.turn_to(DIGIT)
    return jury, weights[:, DIGIT].reshape(28, 28) / 255


def test_all_methods_know_the_answer_of_a_sum(
    linear: tuple[Jury, np.ndarray], workspace: Workspace
) -> None:
    jury, weights = linear
    image, other = load_train(workspace).images[:2]
    expected = weights * image
    assert integrate_gradients(jury.odds, jury.gradients, image).map == pytest.approx(
        expected, abs=1e-5
    )
    assert occlude(jury.recognize, image, DIGIT, 1, 1) == pytest.approx(expected, abs=1e-4)
    if find_obstacle():
        pytest.skip("integrated gradients and occlusion do; shap is not installed")
    # With a single image to start from, nothing is left to chance.
    found = Expectation(jury.model, other[None]).explain(image)
    assert found == pytest.approx(weights * (image - other.astype(np.float32)), abs=1e-5)


def test_another_backend_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(Experiment("small", Dense(())))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ProjectError, match=r"KERAS_BACKEND=jax: .* need tensorflow"):
        differentiate(model)
