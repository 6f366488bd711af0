"""How many errors a run makes on photo-like pictures of held-out digits, for each kind.

    python -m tests.use.pictures.measure stages

Each digit comes from the training part and is predicted only by the network of its own fold, which
was not trained on it. For comparison: the same digits without a picture.
"""

import sys

import numpy as np

from digit_recognizer.data.dataset import load_train
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import open_run
from digit_recognizer.use.pictures.cut_out import cut_out
from digit_recognizer.use.pictures.read import PictureError, read_picture
from digit_recognizer.workspace import Workspace
from tests.use.pictures.photos import KINDS, make_photo

OF_EACH_KIND = 50


def main(name: str) -> None:
    workspace = Workspace.current()
    train, run = load_train(workspace), open_run(workspace, name)
    assert train.labels is not None
    count = OF_EACH_KIND * len(KINDS)
    chosen = np.random.default_rng(0).choice(len(train), count, replace=False)
    kinds = [kind for kind in KINDS for _ in range(OF_EACH_KIND)]
    seen, empty = np.zeros((count, 28, 28), np.uint8), 0
    for place, (index, kind) in enumerate(zip(chosen, kinds, strict=True)):
        try:
            seen[place] = cut_out(read_picture(make_photo(train.images[index], kind, place)))
        except PictureError:
            empty += 1
    wrong, wrong_as_they_are = np.zeros(count, bool), np.zeros(count, bool)
    folds, experiment = run.folds[chosen], run.experiment
    for fold in range(experiment.folds):
        model = load_model(experiment, run.read_weights(fold), 1)
        own = folds == fold
        for images, result in ((seen, wrong), (train.images[chosen], wrong_as_they_are)):
            read = predict_probabilities(model, images[own], experiment.test_shift).argmax(axis=1)
            result[own] = read != train.labels[chosen][own]
    for kind in KINDS:
        print(f"{kind:12} {wrong[[each == kind for each in kinds]].sum():3} of {OF_EACH_KIND}")
    print(f"all          {wrong.sum():3} of {count} wrong ({1 - wrong.mean():.1%} right)")
    print(f"pictures on which no digit was found: {empty}")
    print(f"the same digits without a picture: {wrong_as_they_are.sum()} of {count} wrong")


if __name__ == "__main__":
    main(sys.argv[1])
