"""Networks of dense layers."""

from typing import Any

from digit_recognizer.experiments.experiment import Dense


def stack_dense(images: Any, network: Dense) -> Any:
    from keras import layers

    features = layers.Flatten()(images)
    for units in network.hidden_units:
        if network.batch_normalization:
            features = layers.Dense(units, use_bias=False)(features)
            # A run of 20 epochs at batch 2000 has 340 steps: Keras's momentum .99 is too slow.
            features = layers.BatchNormalization(momentum=0.9)(features)
            features = layers.ReLU()(features)
        else:
            features = layers.Dense(units, activation="relu")(features)
        if network.dropout_rate:
            features = layers.Dropout(network.dropout_rate)(features)
    return features
