"""Networks with random weights in a run folder, and explanations without networks."""

import numpy as np

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.experiments.experiment import Experiment, Network, PoolingConv
from digit_recognizer.learn.backend import configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import weights_of
from digit_recognizer.runs.folder import FoldResult, Run
from digit_recognizer.runs.selection import Selection
from digit_recognizer.use.explain.choose import Chosen
from digit_recognizer.use.explain.examine import (
    INTEGRATED,
    OCCLUSION,
    SHAP,
    Answer,
    Explanation,
    Spot,
)
from digit_recognizer.use.explain.findings import Findings
from digit_recognizer.use.explain.gradients import Integrated
from digit_recognizer.workspace import Workspace
from tests.made_up_runs import make_fold_result, open_made_up

FOLDS = 3
THREADS = 1  # as in other tests, because it cannot change within a process


def make_run(
    workspace: Workspace,
    name: str,
    seed: int,
    network: Network = PoolingConv((3,), (8,)),  # noqa: B008 - frozen
    test_shift: int = 0,
) -> Run:
    """Make a complete run of networks with random weights, with their predictions."""
    configure(THREADS)
    from keras import utils

    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    folds = np.random.default_rng(seed).integers(0, FOLDS, len(train)).astype(np.int8)
    experiment = Experiment(name, network, folds=FOLDS, test_shift=test_shift)
    run = open_made_up(
        workspace,
        experiment,
        labels=train.labels,
        folds=folds,
        data_fingerprint=fingerprint_of(train, test),
    )
    for fold in range(FOLDS):
        utils.set_random_seed(100 * seed + fold)
        model = build_model(experiment)
        made = make_fold_result(fold, train.labels, folds, test_images=len(test))
        predicted = predict_probabilities(model, train.images[folds == fold], experiment.test_shift)
        run.save_fold(FoldResult(**{**vars(made), "weights": weights_of(model), "oof": predicted}))
    run.finish(train.labels)
    return run


def make_findings(with_shap: bool = True, name: str = "made-up", seed: int = 0) -> Findings:
    """Return explanations of made-up images: an error that a spot changes, and a correct one."""
    generator = np.random.default_rng(seed)
    methods = [OCCLUSION, INTEGRATED, *([SHAP] if with_shap else [])]
    wrong = Chosen(11, 4, 9, 0.9, 0.05, 4)
    right = Chosen(7, 3, 3, 0.8, 0.8, 5)

    def explain(chosen: Chosen, has_spot: bool) -> Explanation:
        image = generator.integers(0, 256, (28, 28), np.uint8)
        image[:5] = 0
        window = np.zeros((28, 28), bool)
        window[8:13, 8:13] = True
        answers = []
        for digit in chosen.digits:
            maps = {
                method: (image * generator.normal(size=(28, 28))).astype(np.float32)
                for method in methods
            }
            change = float(maps[INTEGRATED].sum()) + 0.03
            integrated = Integrated(maps[INTEGRATED], change, 128)
            answers.append(Answer(digit, 1.5, integrated, maps, 2.5 if with_shap else None))
        probabilities = np.full(10, 0.1, np.float32)
        probabilities[chosen.predicted] = chosen.probability + 0.0004
        spot = Spot(window, 4, 0.7) if has_spot else None
        return Explanation(chosen, image, (2,), probabilities, answers, spot)

    return Findings(
        Selection(name, (name,)),
        240,
        31,
        [explain(wrong, True)],
        [explain(right, False)],
        {method: [(0.1, 0.5), (-0.3, 0.4)] for method in methods},
        None if with_shap else "The package shap is not installed.",
    )
