"""Convolutional networks."""

from typing import Any

from digit_recognizer.experiments.experiment import ConvStages, Deotte, PoolingConv, ResidualStages
from digit_recognizer.learn.backend import batch_normalization, convolution, max_pooling


def stack_pooling_conv(images: Any, network: PoolingConv) -> Any:
    from keras import layers

    features = images
    for filters in network.filters:
        features = convolution(filters, 3, activation="relu")(features)
        features = max_pooling(2)(features)
    features = layers.Flatten()(features)
    for units in network.hidden_units:
        features = layers.Dense(units, activation="relu")(features)
    return features


def stack_deotte(images: Any, network: Deotte) -> Any:
    from keras import layers

    def convolve(features: Any, filters: int, size: int, **options: Any) -> Any:
        features = convolution(filters, size, activation="relu", **options)(features)
        return batch_normalization(momentum=0.99)(features)

    features = images
    for filters in (network.width, 2 * network.width):
        features = convolve(features, filters, 3)
        features = convolve(features, filters, 3)
        features = convolve(features, filters, 5, strides=2, padding="same")
        features = layers.Dropout(network.dropout_rate)(features)
    features = convolve(features, 4 * network.width, 4)
    features = layers.Flatten()(features)
    return layers.Dropout(network.dropout_rate)(features)


def stack_conv_stages(images: Any, network: ConvStages) -> Any:
    from keras import layers

    features = layers.Cropping2D(network.crop)(images) if network.crop else images
    depths = network.depths or (2,) * len(network.filters)
    size = network.first_size
    padded_first = {0: network.first_padded, 1: network.second_padded}
    for stage, (filters, depth) in enumerate(zip(network.filters, depths, strict=True)):
        padded = padded_first.get(stage, True)
        for index in range(depth):
            pool = index == depth - 1
            features = _convolve(features, filters, size, pool=pool, padded=padded)
            size, padded = 3, True
    return _flatten(features, network.dropout_rate)


def stack_residual_stages(images: Any, network: ResidualStages) -> Any:
    from keras import layers

    first, *others = network.filters
    features = _convolve(images, first, 5, pool=True, padded=False)
    for filters in others:
        features = _convolve(features, filters, 3, pool=True)
        pair = _convolve(_convolve(features, filters, 3), filters, 3)
        features = layers.Add()([features, pair])
    return _flatten(features, network.dropout_rate)


def _convolve(
    features: Any, filters: int, size: int, *, pool: bool = False, padded: bool = True
) -> Any:
    from keras import layers

    padding = "same" if padded else "valid"
    features = convolution(filters, size, padding=padding, use_bias=False)(features)
    if pool:
        # Before the normalisation, which then has a quarter of the work.
        features = max_pooling(2)(features)
    # Short schedules: statistics must follow the weights within some tens of steps.
    features = batch_normalization(momentum=0.9)(features)
    return layers.ReLU()(features)


def _flatten(features: Any, dropout_rate: float) -> Any:
    from keras import layers

    features = layers.Flatten()(features)
    return layers.Dropout(dropout_rate)(features) if dropout_rate else features
