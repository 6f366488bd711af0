"""What Keras's backend needs to be told, the one layer that it computes better itself, gradients
by pixels, and LiteRT files.

This is the only file that knows TensorFlow: with another KERAS_BACKEND the rest of `learn` works
as it is. What always holds: on CPU, after `configure`, the same seed, data, thread count and
library versions give the same bits. On a GPU they give nearly the same results: there TensorFlow's
deterministic operations are slow where they exist at all, and an operation without one fails.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from digit_recognizer.workspace import ProjectError

# The part of float32's time from which bfloat16 is worth its coarser numbers.
_WORTHWHILE = 0.75
_PROBES = 5

# Takes images and targets; returns their loss and accuracy.
Step = Callable[[Any, Any], tuple[float, float]]


@contextlib.contextmanager
def _holding_back_stderr() -> Iterator[None]:
    """Keep stderr for the case that the block fails.

    While it loads, TensorFlow announces oneDNN from C++, before its own log level is in force.
    """
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)


@cache
def configure(threads: int) -> None:
    """Import Keras with this many threads; a process can do that once, for one number of them."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and errors still show
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with _holding_back_stderr():
        import keras
    if keras.backend.backend() != "tensorflow":
        return
    with _holding_back_stderr():
        import tensorflow as tf

    # TensorFlow warns because every fold's new network is traced again; here that is meant.
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cards = tf.config.list_physical_devices("GPU")
    for card in cards:
        # Otherwise the first process takes the whole memory, and a second one (JOBS=2) finds none.
        tf.config.experimental.set_memory_growth(card, True)
    if not cards:
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers that the block makes compute in this precision, and keep their weights in float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@cache
def choose_precision(threads: int) -> str:
    """Return the precision that convolutions are fast in here.

    Processors without bfloat16 in hardware take several times as long for it, those with it half
    as long; so a moment's measurement tells, and noise does not matter.
    """
    configure(threads)
    if describe_device() != "CPU":
        return "float32"
    seconds = {precision: _time_convolution(precision) for precision in ("float32", "bfloat16")}
    return "bfloat16" if seconds["bfloat16"] < _WORTHWHILE * seconds["float32"] else "float32"


def _time_convolution(precision: str) -> float:
    """Return the seconds that a typical convolution takes at its best."""
    import tensorflow as tf

    images = tf.ones((128, 14, 14, 64), precision)
    kernel = tf.ones((3, 3, 64, 64), precision)
    seconds = []
    for _ in range(_PROBES):
        started = time.perf_counter()
        tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def describe_device() -> str:
    """Return the kind of device that the networks run on."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        kind = str(jax.devices()[0].device_kind)
        return kind if kind != "cpu" else "CPU"
    if keras.backend.backend() != "tensorflow":
        return str(keras.backend.backend())
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(card).get("device_name") for card in cards]
    return ", ".join(str(name) for name in names) or "CPU"


def differentiate(model: Any) -> Callable[[Any], Any]:
    """Return a function of images: by how much each pixel moves the model's output for its image.

    Keras itself has gradients for training only, each backend its own for anything else.
    """
    tf = _require_tensorflow("gradients by pixels")

    def gradients(images: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            outputs = model(images, training=False)
        return tape.gradient(outputs, images)

    # Batches of any size share one trace: it takes as long as some hundred images.
    traced = tf.function(gradients, input_signature=[tf.TensorSpec(model.input.shape, tf.float32)])
    return lambda images: traced(images).numpy()


def choose_step(model: Any, sharpness_radius: float) -> Step:
    """Return what trains the compiled model by a batch."""
    if sharpness_radius:
        return _sharpness_aware(model, sharpness_radius)

    def step(images: Any, targets: Any) -> tuple[float, float]:
        logs = model.train_on_batch(images, targets, return_dict=True)
        return logs["loss"], logs["accuracy"]

    return step


def _sharpness_aware(model: Any, radius: float) -> Step:
    """Return a step by the gradient at the worst weights that are `radius` away.

    Foret et al., arXiv 2010.01412. Keras has no such step, and its own takes one gradient.
    """
    tf = _require_tensorflow("trainings with a sharpness_radius")
    weights = model.trainable_variables
    statistics = [each for each in model.non_trainable_variables if str(each.dtype) == "float32"]

    def differentiate_at(images: Any, targets: Any) -> tuple[Any, Any, list[Any]]:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = model.compute_loss(y=targets, y_pred=logits)
        return loss, logits, tape.gradient(loss, weights)

    @tf.function(input_signature=[tf.TensorSpec(model.input.shape), tf.TensorSpec((None, 10))])  # type: ignore[untyped-decorator]
    def step(images: Any, targets: Any) -> tuple[Any, Any]:
        loss, logits, gradients = differentiate_at(images, targets)
        # Neither the weights nor the statistics of the excursion are to stay.
        before = [tf.identity(each.value) for each in (*weights, *statistics)]
        scale = radius / tf.maximum(tf.linalg.global_norm(gradients), 1e-12)
        for variable, gradient in zip(weights, gradients, strict=True):
            variable.assign_add(gradient * scale)
        _, _, gradients = differentiate_at(images, targets)
        for variable, value in zip((*weights, *statistics), before, strict=True):
            variable.assign(value)
        model.optimizer.apply_gradients(list(zip(gradients, weights, strict=True)))
        right = tf.equal(tf.argmax(logits, 1), tf.argmax(targets, 1))
        return loss, tf.reduce_mean(tf.cast(right, tf.float32))

    def train(images: Any, targets: Any) -> tuple[float, float]:
        loss, accuracy = step(images, targets)
        return float(loss), float(accuracy)

    return train


def batch_normalization(momentum: float) -> Any:
    """Return a layer that normalises feature maps, by TensorFlow's fused kernel where there is one.

    Keras computes it from elementary operations, each a pass over the feature maps.
    """
    import keras

    if keras.backend.backend() == "jax":
        from digit_recognizer.learn.gpu.layers import FusedBatchNormalization

        return FusedBatchNormalization(momentum=momentum)
    if keras.backend.backend() != "tensorflow":
        return keras.layers.BatchNormalization(momentum=momentum)
    return _fused_layer()(momentum=momentum)


def convolution(*arguments: Any, **options: Any) -> Any:
    """Return Keras's layer of that name, or one that cards are faster at."""
    return _layer("Conv2D")(*arguments, **options)


def max_pooling(size: int) -> Any:
    """Return Keras's layer of that name, or one that cards are faster at."""
    return _layer("MaxPooling2D")(size)


def _layer(name: str) -> Any:
    import keras

    if keras.backend.backend() == "jax":
        from digit_recognizer.learn.gpu import layers

        return getattr(layers, name)
    return getattr(keras.layers, name)


@cache
def _fused_layer() -> Any:
    import keras
    import tensorflow as tf

    class FusedBatchNormalization(keras.layers.BatchNormalization):
        """`keras.layers.BatchNormalization` over the last axis of (n, height, width, channels)."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not (training and self.trainable):
                outputs, _, _ = tf.compat.v1.nn.fused_batch_norm(
                    inputs,
                    self.gamma,
                    self.beta,
                    mean=self.moving_mean,
                    variance=self.moving_variance,
                    epsilon=self.epsilon,
                    is_training=False,
                )
                return outputs
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
            )
            # The kernel returns the unbiased variance, which is the one to remember.
            for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + new * (1.0 - self.momentum))
            return outputs

    return FusedBatchNormalization


def convert_to_litert(model: Any) -> bytes:
    """Return the Keras model as a LiteRT file, for batches of any size."""
    tf = _require_tensorflow("LiteRT files")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # TensorFlow says where it keeps what it converts from, in a folder that is gone by then.
        warnings.simplefilter("ignore")
        with _holding_back_stderr():
            contents: bytes = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    return contents


def load_litert(contents: bytes, threads: int) -> Callable[..., dict[str, Any]]:
    """Return what a LiteRT file computes, as a function from its inputs to its outputs by name."""
    tf = _require_tensorflow("LiteRT files")
    with warnings.catch_warnings(), _holding_back_stderr():
        warnings.simplefilter("ignore")  # its newer package is not TensorFlow's
        interpreter = tf.lite.Interpreter(model_content=contents, num_threads=threads)
        interpreter.allocate_tensors()  # which it announces
        compute: Callable[..., dict[str, Any]] = interpreter.get_signature_runner()
    return compute


def _require_tensorflow(what: str) -> Any:
    """Return TensorFlow for what no other backend of Keras does here."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ProjectError(
            f"KERAS_BACKEND={keras.backend.backend()}: {what} need tensorflow here. Run the same "
            "command with KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    return tf
