"""Networks that see the image as an image."""

from typing import Any

from digit_recognizer.experiments import ConvStages, Deotte, PoolingConv
from digit_recognizer.learn.backend import batch_normalization


def stack_pooling_conv(images: Any, network: PoolingConv) -> Any:
    from keras import layers

    features = images
    for filters in network.filters:
        features = layers.Conv2D(filters, 3, activation="relu")(features)
        features = layers.MaxPooling2D(2)(features)
    features = layers.Flatten()(features)
    for units in network.hidden_units:
        features = layers.Dense(units, activation="relu")(features)
    return features


def stack_deotte(images: Any, network: Deotte) -> Any:
    from keras import layers

    def convolve(features: Any, filters: int, size: int, **options: Any) -> Any:
        features = layers.Conv2D(filters, size, activation="relu", **options)(features)
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

    features = images
    size = network.first_size
    depths = network.depths or (2,) * len(network.filters)
    for filters, depth in zip(network.filters, depths, strict=True):
        for index in range(depth):
            features = layers.Conv2D(filters, size, padding="same", use_bias=False)(features)
            if index == depth - 1:
                # Before the normalisation, which then has a quarter of the work.
                features = layers.MaxPooling2D(2)(features)
            # Short schedules: statistics must follow the weights within some tens of steps.
            features = batch_normalization(momentum=0.9)(features)
            features = layers.ReLU()(features)
            size = 3
    features = layers.Flatten()(features)
    return layers.Dropout(network.dropout_rate)(features) if network.dropout_rate else features
