"""All experiments and line-ups that have a name.

An experiment is a difference from the defaults of `Experiment`. Its comment says what it is; its
score is in the README's table. A line-up is a list of experiments whose predictions are averaged.
"""

from dataclasses import replace
from typing import Any

from digit_recognizer.experiments.experiment import (
    Augmentation,
    ConvStages,
    Dense,
    Deotte,
    Experiment,
    PoolingConv,
    ResidualStages,
)

_DEOTTE_AUGMENTATION = Augmentation(rotation=10, scale=0.1, shift=2.8)
_MILD_AUGMENTATION = Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2)
_WEAK_AUGMENTATION = Augmentation(rotation=7, scale=0.07, shear=0.07, shift=1.5)
_STRONG_AUGMENTATION = Augmentation(rotation=12, scale=0.12, shear=0.12, shift=2.5, elastic=0.6)
_OURS: dict[str, Any] = {
    "optimizer": "adamw",
    "weight_decay": 0.02,
    "schedule": "triangular",
    "label_smoothing": 0.05,
    "average_decay": 0.99,
    "precision": "auto",
}
_STAGES: dict[str, Any] = {**_OURS, "batch_size": 128, "learning_rate": 1e-2, "test_shift": 1}

# Cropped to 24x24, which a digit moved by some pixels still fits: a third less work.
_NARROW = ConvStages((32, 64, 64), 0.2, depths=(1, 2, 2), first_size=5, first_padded=False, crop=2)

_ALL = (
    # The common starting points of this competition, each with the training its author describes.
    Experiment(
        "dense-784-784-256-128",
        Dense((784, 784, 256, 128)),
        pixels="raw",
        published="97.86 % (on its own training data)",
    ),
    Experiment("dense-128-128", Dense((128, 128)), epochs=3, published="about 97 %"),
    # The first of a pair, as a baseline for conv-32; both are fed raw pixels.
    Experiment("dense-50-50", Dense((50, 50)), pixels="raw", published="the weaker of its pair"),
    Experiment("conv-32", PoolingConv((32,), (128,)), pixels="raw", published="98.66 %"),
    Experiment("dense-128-64", Dense((128, 64)), published="about 97 %"),
    # Its 20 % held out are what each of five folds holds out anyway.
    Experiment("dense-256-128", Dense((256, 128)), epochs=20, batch_size=2000, published='"high"'),
    # The two next steps that the author of dense-256-128 names.
    Experiment(
        "dense-256-128-regularized",
        Dense((256, 128), dropout_rate=0.3, batch_normalization=True),
        epochs=20,
        batch_size=2000,
        published="a stated next step",
    ),
    Experiment(
        "dense-256-128-early-stopping",
        Dense((256, 128)),
        epochs=100,
        batch_size=2000,
        patience=5,
        published="a stated next step",
    ),
    # C. Deotte's "25 Million Images" (Kaggle, 2018): 15 of these and their like were the record.
    Experiment(
        "deotte",
        Deotte(),
        augmentation=_DEOTTE_AUGMENTATION,
        epochs=45,
        batch_size=64,
        schedule="exponential",
        decay_per_epoch=0.95,
        published="99.757 % (Kaggle's board, 15 networks)",
    ),
    # Our own: few epochs of a triangular schedule, label smoothing, averaged weights; small batches
    # and high rates, because the shorter the training, the more each step must do. Folds are even
    # in number, so that two cores end together.
    Experiment(
        "stages-short",
        # Another third less: more epochs for the same time, which pays as long as there are few.
        replace(_NARROW, second_padded=False),
        augmentation=_WEAK_AUGMENTATION,
        epochs=8,
        folds=4,  # fewer leave time for longer training
        **_STAGES,
    ),
    # More folds of fewer epochs: each network learns from more of the digits.
    Experiment("stages", _NARROW, augmentation=_WEAK_AUGMENTATION, epochs=10, folds=8, **_STAGES),
    # For the blend: on other folds, moved farther.
    Experiment(
        "stages-long", _NARROW, augmentation=_MILD_AUGMENTATION, epochs=18, folds=6, **_STAGES
    ),
    # For the blend: digits in another shape, moved in other ways.
    Experiment(
        "stages-stretched",
        _NARROW,
        digit_width=20,
        augmentation=replace(_MILD_AUGMENTATION, elastic=0.5),
        epochs=16,
        folds=8,
        **_STAGES,
    ),
    # For a graphics card: two passes a step, towards flatter minima.
    Experiment(
        "stages-sharp",
        _NARROW,
        augmentation=_MILD_AUGMENTATION,
        epochs=18,
        folds=6,
        sharpness_radius=0.05,
        **_STAGES,
    ),
    # A network of another kind, moved farther.
    Experiment(
        "residual",
        ResidualStages((32, 64, 64), dropout_rate=0.3),
        augmentation=_STRONG_AUGMENTATION,
        epochs=24,
        folds=6,
        **{**_STAGES, "learning_rate": 8e-3},
    ),
    # For the bundled sample: a thousand images want small batches and more epochs.
    Experiment(
        "sample-stages",
        ConvStages((16, 32, 64)),
        augmentation=Augmentation(rotation=10, scale=0.1, shear=0.1, shift=1.5),
        epochs=20,
        batch_size=64,
        learning_rate=3e-3,
        test_shift=1,
        **{**_OURS, "average_decay": 0.98},
    ),
)
EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}

LINEUPS: dict[str, tuple[str, ...]] = {
    "sample": ("sample-stages",),
    "quick": ("stages-short",),
    "standard": ("stages",),
    "best": ("stages", "stages-long", "stages-stretched"),
    "record": ("stages", "stages-long", "stages-stretched", "stages-sharp", "residual"),
}
