"""The graphics card's engine trains as the processor's does; here JAX computes on the processor."""

import contextlib
import io
import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import (
    Augmentation,
    ConvStages,
    Dense,
    Deotte,
    Experiment,
    PoolingConv,
    ResidualStages,
)
from digit_recognizer.learn.augment import (
    draw_affine,
    move_grid,
    sample_at,
    spread_of_control_points,
)
from digit_recognizer.learn.backend import choose_step, configure
from digit_recognizer.learn.engine import Fit
from digit_recognizer.learn.gpu import engine
from digit_recognizer.learn.gpu.engine import GpuEngine, choose_gpus, divide, start_process
from digit_recognizer.learn.gpu.worker import OutOfMemoryError
from digit_recognizer.learn.lineup import train_lineup
from digit_recognizer.learn.prediction import as_input, predict_probabilities
from digit_recognizer.learn.training import FoldData, compile_for_training, fit_fold
from digit_recognizer.learn.validate import validate_run
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import FoldResult, Run, open_run
from digit_recognizer.workspace import ProjectError, Workspace
from tests.commands import TINY, run, run_well, trained_folds
from tests.learn import on_jax

FOLDS = 3
SMALL = Experiment(
    "small",
    ConvStages((4, 8), dropout_rate=0.0, depths=(1, 1)),
    augmentation=Augmentation(rotation=5, shift=1, elastic=0.3),
    epochs=8,
    batch_size=16,
    learning_rate=1e-2,
    optimizer="adamw",
    weight_decay=0.02,
    schedule="triangular",
    label_smoothing=0.05,
    average_decay=0.9,
    test_shift=1,
    folds=FOLDS,
)
DENSE = Experiment("dense", Dense((8,), dropout_rate=0.2), epochs=2, batch_size=64, folds=FOLDS)


@pytest.fixture(scope="module")
def jax_process() -> Iterator[Executor]:
    with start_process(None) as process:
        yield process


@pytest.fixture(scope="module")
def home(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("gpu") / "home"
    shutil.copytree(_installed, root)
    return Workspace(root)


@pytest.fixture(scope="module")
def data(home: Workspace) -> FoldData:
    train, test = load_train(home), load_test(home)
    assert train.labels is not None
    folds = assign_folds(train.labels, FOLDS, 0)
    return FoldData(train.images, train.labels, folds, test.images)


def list_fits(experiment: Experiment, data: FoldData, folder: Path, *folds: int) -> list[Fit]:
    return [Fit(experiment, fold, data, "float32", folder / f"{fold}.json") for fold in folds]


def fit_all(on: GpuEngine, fits: list[Fit]) -> dict[str, FoldResult]:
    quiet = Console(file=io.StringIO())
    return {fit.label: result for fit, result in on.fit_all("test", fits, quiet)}


@pytest.fixture(scope="module")
def trained(home: Workspace, data: FoldData) -> Run:
    """A run that `make train DEVICE=gpu` has made, on a machine whose card is its processor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "find_gpus", lambda console: ("a card",))
        patch.setattr(GpuEngine, "threads", 1)  # as TensorFlow has in these tests
        patch.setitem(engine_experiments(), SMALL.name, SMALL)
        console = Console(file=io.StringIO(), soft_wrap=True)
        train_lineup(home, None, [SMALL.name], [], None, None, None, False, console, device="gpu")
        told = console.file.getvalue()  # type: ignore[attr-defined]
        assert "small: 3 folds to train, a card, float32" in told
        # Again: nothing is left to train.
        train_lineup(home, None, [SMALL.name], [], None, None, None, False, console, device="gpu")
        assert console.file.getvalue().count("folds to train") == 1  # type: ignore[attr-defined]
    return open_run(home, SMALL.name)


def engine_experiments() -> dict[str, Experiment]:
    from digit_recognizer.experiments.named import EXPERIMENTS

    return EXPERIMENTS


# --- equal meaning ------------------------------------------------------------------------------


def test_a_draw_moves_an_image_as_it_does_on_the_processor(
    jax_process: Executor, data: FoldData
) -> None:
    augmentation = Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2, elastic=0.5)
    images = data.images[:64]
    transforms, points, moved = jax_process.submit(
        on_jax.move_images, images, augmentation
    ).result()
    spread = spread_of_control_points()
    points = points.reshape(len(images), 2, 6, 6)
    along = (spread @ points @ spread.T).astype(np.float32)
    places = move_grid(transforms, (along[:, 0], along[:, 1]))
    expected = sample_at(as_input(images), *places)
    assert np.abs(moved - expected).max() < 0.05, "of 255"
    assert np.abs(moved - as_input(images)).max() > 50, "something was moved"


def test_draws_are_of_the_same_kind(jax_process: Executor) -> None:
    augmentation = Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2, elastic=0.5)
    count = 20_000
    drawn, points = jax_process.submit(on_jax.draw_transforms, augmentation, count).result()
    expected = draw_affine(augmentation, count, np.random.default_rng(0))[:, :6]
    for own, others in ((drawn, expected), (drawn**2, expected**2)):
        error = np.sqrt((own.var(axis=0) + others.var(axis=0)) / count)
        assert (np.abs(own.mean(axis=0) - others.mean(axis=0)) < 5 * error).all()
    assert np.abs(drawn).max(axis=0) == pytest.approx(np.abs(expected).max(axis=0), rel=0.05)
    assert points is not None and points.std() == pytest.approx(0.5, rel=0.01)
    _, nothing = jax_process.submit(on_jax.draw_transforms, Augmentation(shift=1), 4).result()
    assert nothing is None


@pytest.mark.parametrize(
    "network",
    [
        ConvStages((4, 6), 0.0, depths=(1, 2), first_size=5, first_padded=False),
        pytest.param(ResidualStages((3, 4, 5), 0.0), marks=pytest.mark.slow),
        pytest.param(Deotte(4, 0.0), marks=pytest.mark.slow),
        pytest.param(PoolingConv((3,), (5,)), marks=pytest.mark.slow),
    ],
    ids=lambda network: type(network).__name__,
)
def test_a_step_has_the_loss_gradients_and_statistics_of_the_processors(
    jax_process: Executor, data: FoldData, network: Any
) -> None:
    import tensorflow as tf  # noqa: TID251 - gradients, to compare with

    experiment = replace(SMALL, network=network)
    batch = np.arange(32)
    packed, loss, gradients, statistics = jax_process.submit(
        on_jax.take_step, experiment, data, batch
    ).result()
    model = load_model(experiment, packed, threads=1)
    import keras

    measure = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05)
    with tf.GradientTape() as tape:
        logits = model(as_input(data.images[batch]), training=True)
        expected = measure(np.eye(10, dtype=np.float32)[data.labels[batch]], logits)
    assert loss == pytest.approx(float(expected), rel=1e-4)
    own = tape.gradient(expected, [each.value for each in model.trainable_variables])
    assert len(gradients) == len(own)
    largest = float(max(np.abs(each).max() for each in own))
    for ours, theirs in zip(gradients, own, strict=True):
        assert ours == pytest.approx(np.asarray(theirs), abs=1e-4 * largest)
    moving = [each for each in model.non_trainable_variables if "moving" in each.path]
    assert len(statistics) == len(moving)
    for ours, theirs in zip(statistics, moving, strict=True):
        assert ours == pytest.approx(np.asarray(theirs), rel=1e-4, abs=1e-5)


def test_a_sharpness_aware_step_goes_by_the_gradient_that_the_processors_goes_by(
    jax_process: Executor, data: FoldData
) -> None:
    experiment = replace(SMALL, sharpness_radius=0.5)
    batch = np.arange(32)
    packed, momenta, statistics = jax_process.submit(
        on_jax.take_sharpness_aware_step, experiment, data, batch
    ).result()
    model = load_model(experiment, packed, threads=1)
    compile_for_training(model, experiment)
    step = choose_step(model, experiment.sharpness_radius)
    step(as_input(data.images[batch]), np.eye(10, dtype=np.float32)[data.labels[batch]])
    own = [each for each in model.optimizer.variables if each.path.endswith("momentum")]
    largest = float(max(np.abs(each).max() for each in own))
    assert largest > 0
    assert len(momenta) == len(own)
    for ours, theirs in zip(momenta, own, strict=True):
        assert ours == pytest.approx(np.asarray(theirs), abs=1e-3 * largest)
    moving = [each for each in model.non_trainable_variables if "moving" in each.path]
    for ours, theirs in zip(statistics, moving, strict=True):
        assert ours == pytest.approx(np.asarray(theirs), rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_a_network_with_digits_of_one_width_is_loaded_by_tensorflow(
    home: Workspace, data: FoldData, tmp_path: Path
) -> None:
    wide = replace(SMALL, digit_width=20, epochs=2)
    (result,) = fit_all(
        GpuEngine(("a card",), tmp_path / "compiled"), list_fits(wide, data, tmp_path, 0)
    ).values()
    model = load_model(wide, result.weights, threads=1)
    predicted = predict_probabilities(model, data.images[data.folds == 0], 1)
    assert predicted == pytest.approx(result.oof, abs=1e-4)


@pytest.mark.slow
def test_a_training_is_as_good_as_the_processors(trained: Run, data: FoldData) -> None:
    def count_errors(seed: int) -> int:
        wrong = 0
        for fold in range(FOLDS):
            result = fit_fold(replace(SMALL, seed=seed), fold, data, 1, lambda news: None)
            wrong += (result.oof.argmax(axis=1) != data.labels[data.folds == fold]).sum()
        return int(wrong)

    on_processor = [count_errors(seed) for seed in (0, 1)]
    on_card = trained.metrics["errors"]
    assert on_card < len(data.labels) / 4, "it has learnt"
    noise = 3 * np.sqrt(np.mean(on_processor) + on_card) + abs(np.diff(on_processor)[0])
    assert abs(on_card - np.mean(on_processor)) <= noise


@pytest.mark.slow
def test_tensorflow_predicts_the_same_from_the_saved_weights(
    trained: Run, data: FoldData, home: Workspace
) -> None:
    configure(1)
    for fold in range(FOLDS):
        model = load_model(SMALL, trained.read_weights(fold), threads=1)
        for images, on_record in (
            (data.images[data.folds == fold], trained.load_fold_oof(fold)),
            (data.test_images, trained.load_fold_test(fold)),
        ):
            assert predict_probabilities(model, images, 1) == pytest.approx(on_record, abs=1e-4)
    for validation in validate_run(trained, load_train(home), load_test(home)):
        assert validation.largest_difference < 1e-4
        assert validation.score.errors < len(data.labels) / 4


@pytest.mark.slow
def test_a_run_has_on_record_how_it_was_trained(trained: Run, data: FoldData) -> None:
    assert trained.config["environment"]["keras_backend"] == "jax"
    assert "jax" in trained.config["environment"]["libraries"]
    for fold in range(FOLDS):
        facts, history = trained.fold_facts(fold), trained.fold_history(fold)
        assert facts["folds_side_by_side"] == FOLDS
        assert facts["images_trained"] == SMALL.epochs * (data.folds != fold).sum()
        assert facts["compiling_seconds"] > 0
        assert list(history["epoch"]) == list(range(1, SMALL.epochs + 1))
        assert history["loss"].iloc[-1] < history["loss"].iloc[0]
        assert history["learning_rate"].iloc[-1] < 1e-3
        assert (history["held_out_accuracy"].iloc[-1] > 0.5).all()


# --- stacks -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_folds_result_does_not_depend_on_the_folds_beside_it(
    data: FoldData, tmp_path: Path
) -> None:
    on = GpuEngine(("a card", "another"), tmp_path / "compiled")
    assert str(on) == "1 x a card, 1 x another"
    together = fit_all(on, list_fits(DENSE, data, tmp_path, 0, 1, 2))
    alone = fit_all(on, list_fits(DENSE, data, tmp_path, 1))
    assert set(together) == {"dense fold 0", "dense fold 1", "dense fold 2"}
    # 0 and 2 were a stack, 1 was one by itself; so it is compiled for one fold both times.
    assert alone["dense fold 1"].oof == pytest.approx(together["dense fold 1"].oof, abs=1e-5)
    stacked = fit_all(GpuEngine(("a card",), on.cache), list_fits(DENSE, data, tmp_path, 0, 1))
    for label, result in stacked.items():
        assert result.oof == pytest.approx(together[label].oof, abs=1e-4)
    first, last = (together[f"dense fold {fold}"].test for fold in (0, 2))
    assert np.abs(first - last).max() > 0.01, "they are different networks"
    assert any(on.cache.iterdir()), "compiled programs are kept"


@pytest.mark.slow
def test_early_stopping_ends_each_fold_at_its_own_best(data: FoldData, tmp_path: Path) -> None:
    patient = replace(DENSE, patience=1, epochs=30, learning_rate=0.05)
    results = fit_all(
        GpuEngine(("a card",), tmp_path / "compiled"), list_fits(patient, data, tmp_path, 0, 1, 2)
    )
    for result in results.values():
        losses = [record["watched_loss"] for record in result.history]
        assert len(losses) < patient.epochs
        assert losses[-1] >= losses[-2] == min(losses)


@pytest.mark.slow
def test_a_training_that_diverges_is_an_error(data: FoldData, tmp_path: Path) -> None:
    wild = replace(DENSE, pixels="raw", learning_rate=1e30)
    with pytest.raises(ProjectError, match="dense fold 0: the training has diverged"):
        fit_all(
            GpuEngine(("a card",), tmp_path / "compiled"), list_fits(wild, data, tmp_path, 0, 1)
        )


def test_folds_of_each_experiment_are_divided_among_the_cards(
    data: FoldData, tmp_path: Path
) -> None:
    fits = [
        *list_fits(DENSE, data, tmp_path, 0, 1, 2),
        *list_fits(replace(DENSE, name="other"), data, tmp_path, 0),
    ]
    for gpus, sizes in ((1, [3, 1]), (2, [2, 1, 1]), (8, [1, 1, 1, 1])):
        stacks = divide(fits, gpus)
        assert [len(stack) for stack in stacks] == sizes
        assert sorted(map(id, itertools.chain(*stacks))) == sorted(map(id, fits))
        assert all(len({fit.experiment for fit in stack}) == 1 for stack in stacks)


# --- when something goes wrong ------------------------------------------------------------------


@pytest.fixture
def made_up_card(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[list[Fit]], None]], list[list[int]]]:
    """Set what happens when folds are trained; return the list of the stacks that were tried."""

    def make(happen: Callable[[list[Fit]], None]) -> list[list[int]]:
        tried: list[list[int]] = []

        @contextlib.contextmanager
        def start(gpu: int | None) -> Iterator[Executor]:
            with ThreadPoolExecutor(1) as thread:
                yield thread

        def train(fits: list[Fit], threads: int, cache: Path) -> list[int]:
            tried.append([fit.fold for fit in fits])
            happen(fits)
            return [fit.fold for fit in fits]

        monkeypatch.setattr(engine, "start_process", start)
        monkeypatch.setattr(engine.worker, "train_stack", train)
        return tried

    return make


def test_with_too_little_memory_fewer_folds_are_trained_side_by_side(
    made_up_card: Any, data: FoldData, tmp_path: Path
) -> None:
    def hold_two(fits: list[Fit]) -> None:
        if len(fits) > 2:
            raise OutOfMemoryError("RESOURCE_EXHAUSTED: 5 GB")

    tried = made_up_card(hold_two)
    console = Console(file=io.StringIO(), soft_wrap=True)
    six = replace(DENSE, folds=6)
    fits = list_fits(six, data, tmp_path, *range(6))
    results = GpuEngine(("a card",), tmp_path).fit_all("test", fits, console)
    assert {(fit.fold, result) for fit, result in results} == {(n, n) for n in range(6)}
    assert tried == [[0, 1, 2, 3, 4, 5], [0, 1, 2], [0, 1], [2], [3, 4, 5], [3, 4], [5]]
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert "too small for 6 folds side by side; trying 3." in told


def test_one_fold_that_does_not_fit_is_an_error(
    made_up_card: Any, data: FoldData, tmp_path: Path
) -> None:
    def hold_none(fits: list[Fit]) -> None:
        raise OutOfMemoryError("RESOURCE_EXHAUSTED: 5 GB")

    tried = made_up_card(hold_none)
    with pytest.raises(ProjectError, match=r"too small for dense fold 0 .*5 GB.*DEVICE=cpu"):
        fit_all(GpuEngine(("a card",), tmp_path), list_fits(DENSE, data, tmp_path, 0, 1))
    assert tried == [[0, 1], [0]]


def test_a_card_that_is_lost_is_an_error_and_what_was_done_is_kept(
    made_up_card: Any, data: FoldData, tmp_path: Path
) -> None:
    def lose_the_second(fits: list[Fit]) -> None:
        if fits[0].experiment.name == "other":
            raise TerminatedWorkerError("killed")

    made_up_card(lose_the_second)
    fits = [
        *list_fits(DENSE, data, tmp_path, 0, 1),
        *list_fits(replace(DENSE, name="other"), data, tmp_path, 0),
    ]
    console = Console(file=io.StringIO())
    results = GpuEngine(("a card",), tmp_path).fit_all("test", fits, console)
    assert [next(results)[0].label, next(results)[0].label] == ["dense fold 0", "dense fold 1"]
    with pytest.raises(ProjectError, match="trained other fold 0 on the graphics card was killed"):
        next(results)


@pytest.mark.slow
def test_a_killed_card_process_is_told_of_and_the_same_command_goes_on(
    workspace: Workspace,
) -> None:
    command = (workspace, "train", *TINY, "--device", "gpu")
    new = {"imported": False, "JAX_PLATFORMS": "cpu"}  # in forks, Keras computes by TensorFlow
    killed = run(*command, fault="epoch:1", **new)
    assert killed.returncode == 1, killed.stdout
    assert "on the graphics card was killed" in killed.stdout
    assert "Traceback" not in killed.stdout
    assert trained_folds(run_well(*command, **new)) == [0, 1, 2]
    assert "tiny: 3 folds to train" not in run_well(*command, **new), "nothing is left"
    assert open_run(workspace, "tiny").fold_facts(0)["environment"]["keras_backend"] == "jax"


def test_who_trains_is_what_was_asked_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), soft_wrap=True)

    def choose(device: str = "auto", jobs: int | None = None) -> str:
        return str(choose_gpus(workspace, device, jobs, console))

    monkeypatch.setattr(engine, "has_graphics_card", lambda: False)
    assert choose() == choose("cpu") == "None"
    with pytest.raises(ProjectError, match="there is no graphics card that can be used"):
        choose("gpu")
    with pytest.raises(ProjectError, match="DEVICE=tpu; expected one of auto, cpu, gpu"):
        choose("tpu")
    with pytest.raises(ProjectError, match="JOBS= is for the processor"):
        choose("gpu", jobs=2)
    monkeypatch.setattr(engine, "find_gpus", lambda console: ("a card",))
    assert choose() == choose("gpu") == "a card"
    assert choose("cpu") == choose(jobs=2) == "None"


def test_a_card_that_cannot_be_used_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "has_graphics_card", lambda: True)
    for has_jax, told in (
        (False, "no JAX that trains on it. `make setup GPU=1` installs it."),
        (True, "JAX cannot use it, so the processor trains"),
    ):
        monkeypatch.setattr(engine, "has_jax_for_cards", lambda found=has_jax: found)
        console = Console(file=io.StringIO(), soft_wrap=True)
        assert engine.find_gpus(console) == ()
        assert told in console.file.getvalue()  # type: ignore[attr-defined]
