"""A whole line-up as one LiteRT file, for phones and small boards; the same computation as in ONNX.

In: the networks of all folds of all experiments. Out: the file's bytes, and its predictions. What
always holds: input and output are those of the ONNX file.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from digit_recognizer.learn.backend import convert_to_litert, load_litert
from digit_recognizer.use.keras_recognizer import KerasRecognizer, Member
from digit_recognizer.use.model_file import INPUT, OUTPUT
from digit_recognizer.use.recognizer import require_images

_AT_ONCE = 32


def write_litert(recognizer: KerasRecognizer) -> bytes:
    return convert_to_litert(_join(recognizer))


class LiteRtRecognizer:
    def __init__(self, label: str, contents: bytes, threads: int) -> None:
        self.label = label
        self.contents = contents
        self._run: Callable[..., dict[str, np.ndarray]] = load_litert(contents, threads)

    def recognize(self, images: np.ndarray) -> np.ndarray:
        require_images(images)
        parts = [images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE)]
        nothing = np.zeros((0, 10), np.float32)
        return np.concatenate([nothing, *(self._run(**{INPUT: part})[OUTPUT] for part in parts)])


def _join(recognizer: KerasRecognizer) -> Any:
    """Return one Keras model of all networks, with the steps before and after them."""
    from keras import Input, Model, ops

    images = Input((28, 28), dtype="uint8", name=INPUT)
    pixels = ops.expand_dims(ops.cast(images, "float32"), -1)
    members = [_join_member(member, pixels) for member in recognizer.members]
    return Model(images, {OUTPUT: ops.mean(ops.stack(members), axis=0)})


def _join_member(member: Member, pixels: Any) -> Any:
    from keras import Model, layers, ops

    moves = [pixels]
    if shift := member.test_shift:
        padded = layers.ZeroPadding2D(shift)(pixels)
        cuts = ((0, 2 * shift), (2 * shift, 0))
        moves += [layers.Cropping2D((cut, cut))(padded) for cut in cuts]
    stacked = ops.concatenate(moves, axis=0)
    folds = []
    for fold, network in enumerate(member.networks):
        # Names must differ, and the networks of all folds have their experiment's name.
        named = Model(network.input, network.output, name=f"{member.name}-{fold}")
        folds.append(ops.softmax(named(stacked)))
    mean = ops.mean(ops.stack(folds), axis=0)
    return ops.mean(ops.reshape(mean, (len(moves), -1, 10)), axis=0)
