"""From the description of a network to a fresh Keras model.

In: an experiment. Out: a model that takes pixels 0..255 as (n, 28, 28, 1) float32 and returns ten
logits. What always holds: the model is new, with weights drawn from the global seed, and
everything that must happen to a pixel before the first layer is inside it.
"""

from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import (
    Adopted,
    ConvStages,
    Dense,
    Deotte,
    Experiment,
    PoolingConv,
    ResidualStages,
)
from digit_recognizer.learn.backend import computing_in
from digit_recognizer.learn.models.convolutional import (
    stack_conv_stages,
    stack_deotte,
    stack_pooling_conv,
    stack_residual_stages,
)
from digit_recognizer.learn.models.dense import stack_dense
from digit_recognizer.learn.models.digit_width import digit_width_layer, stretch_digits
from digit_recognizer.workspace import ProjectError


def prepare_for_training(experiment: Experiment, images: np.ndarray) -> np.ndarray:
    """Return uint8 images as the experiment's training moves them; predictions take the original.

    What its network does to an image before the first layer, except in training.
    """
    if not experiment.digit_width:
        return images
    return stretch_digits(images, experiment.digit_width)


def build_model(experiment: Experiment, precision: str = "float32") -> Any:
    """Return the network; its logits are float32 in every precision."""
    with computing_in(precision):
        return _build(experiment)


def _build(experiment: Experiment) -> Any:
    from keras import Input, Model, layers

    pixels = images = Input((28, 28, 1))
    if experiment.digit_width:
        images = digit_width_layer()(experiment.digit_width)(pixels)
    scaled = layers.Rescaling(1 / 255)(images) if experiment.pixels == "unit" else images
    match experiment.network:
        case Dense() as network:
            features = stack_dense(scaled, network)
        case PoolingConv() as network:
            features = stack_pooling_conv(scaled, network)
        case Deotte() as network:
            features = stack_deotte(scaled, network)
        case ConvStages() as network:
            features = stack_conv_stages(scaled, network)
        case ResidualStages() as network:
            features = stack_residual_stages(scaled, network)
        case Adopted():
            raise ProjectError(f"{experiment.name} was adopted; there is no network of it.")
    return Model(pixels, layers.Dense(10, dtype="float32")(features), name=experiment.name)
