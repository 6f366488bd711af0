"""The same network in PyTorch, if it is installed: `pip install "torch>=2.6,<3"`.

In: tasks with the network's layers. Out: turns. What always holds: everything that is known to make
it faster on CPU is on (channels last, bfloat16 where ours uses it, the fused optimizer), and images
are not augmented. Only this file imports PyTorch.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from digit_recognizer.bench.turns import Task, Turns

_BATCH = 500  # for predictions, as in ours


def is_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def train(task: Task, turns: Turns) -> None:
    """A turn is an epoch of the task's images, after one that warms up."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(task.threads)
    network = build_network(task.layers).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    pixels, labels = _load(task)
    batch_size = task.resolved.batch_size

    def train_epoch() -> None:
        order = torch.randperm(len(pixels))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            with _computing_in(task.precision):
                loss = cross_entropy(network(pixels[batch].float()), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    train_epoch()
    turns.take(**_introduce(network))
    while True:
        train_epoch()
        turns.take()


def predict(task: Task, turns: Turns) -> None:
    import torch

    torch.set_num_threads(task.threads)
    network = build_network(task.layers).eval()
    pixels, _ = _load(task)

    def predict_all() -> None:
        with torch.inference_mode(), _computing_in(task.precision):
            for start in range(0, len(pixels), _BATCH):
                network(pixels[start : start + _BATCH].float()).softmax(dim=1)

    predict_all()
    turns.take(**_introduce(network))
    while True:
        predict_all()
        turns.take()


def build_network(layers: list[dict[str, Any]]) -> Any:
    """Return the network from the list that `layers.py` makes, channels last."""
    import torch
    from torch import nn

    parts = [part for layer in layers for part in _build_layer(layer)]
    return nn.Sequential(*parts).to(memory_format=torch.channels_last)


def _introduce(network: Any) -> dict[str, Any]:
    import torch

    version = str(torch.__version__).partition("+")[0]
    return {"version": version, "parameters": sum(part.numel() for part in network.parameters())}


def _build_layer(layer: dict[str, Any]) -> list[Any]:
    """Return a layer with its activation; some, such as those that join branches, are unknown."""
    from torch import nn

    options, channels = layer["options"], layer["input"][-1]
    builders: dict[str, Callable[[], list[Any]]] = {
        "Rescaling": lambda: [_rescaling(options["scale"])],
        "Conv2D": lambda: [*_convolve(layer), *_activate(options["activation"])],
        "Dense": lambda: [
            nn.Linear(channels, options["units"], bias=options["use_bias"]),
            *_activate(options["activation"]),
        ],
        "BatchNormalization": lambda: [
            (nn.BatchNorm2d if len(layer["input"]) == 3 else nn.BatchNorm1d)(
                channels, options["epsilon"], 1 - options["momentum"]
            )
        ],
        "ReLU": lambda: [nn.ReLU(inplace=True)],
        "Activation": lambda: _activate(options["activation"]),
        "MaxPooling2D": lambda: [
            *_pad(layer, options["pool_size"]),
            nn.MaxPool2d(tuple(options["pool_size"]), tuple(options["strides"])),
        ],
        "GlobalAveragePooling2D": lambda: [nn.AdaptiveAvgPool2d(1), nn.Flatten()],
        "Flatten": lambda: [nn.Flatten()],
        "Dropout": lambda: [nn.Dropout(options["rate"])],
    }
    if layer["kind"] not in builders:
        raise ValueError(f"no translation of the layer {layer['kind']}")
    return builders[layer["kind"]]()


def _convolve(layer: dict[str, Any]) -> list[Any]:
    from torch import nn

    options = layer["options"]
    convolution = nn.Conv2d(
        layer["input"][-1],
        options["filters"],
        tuple(options["kernel_size"]),
        tuple(options["strides"]),
        dilation=tuple(options["dilation_rate"]),
        groups=options["groups"],
        bias=options["use_bias"],
    )
    return [*_pad(layer, options["kernel_size"]), convolution]


def _activate(name: str) -> list[Any]:
    from torch import nn

    known: dict[str, list[Any]] = {
        "linear": [],
        "relu": [nn.ReLU(inplace=True)],
        "gelu": [nn.GELU()],
        "silu": [nn.SiLU(inplace=True)],
    }
    if name not in known:
        raise ValueError(f"no translation of the activation {name}")
    return known[name]


def _pad(layer: dict[str, Any], size: list[int]) -> list[Any]:
    """Return what Keras's padding="same" adds, which may differ between the two sides."""
    from torch import nn

    options = layer["options"]
    if options["padding"] == "valid":
        return []
    sides: list[int] = []
    for axis in (1, 0):  # PyTorch takes the last axis first
        stride = options["strides"][axis]
        reach = (options.get("dilation_rate") or [1, 1])[axis] * (size[axis] - 1) + 1
        needed = (layer["output"][axis] - 1) * stride + reach - layer["input"][axis]
        sides += [max(needed, 0) // 2, max(needed, 0) - max(needed, 0) // 2]
    return [nn.ZeroPad2d(tuple(sides))] if any(sides) else []


def _rescaling(scale: float) -> Any:
    from torch import nn

    class Rescaling(nn.Module):
        def forward(self, images: Any) -> Any:
            return images * scale

    return Rescaling()


def _computing_in(precision: str) -> Any:
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def _load(task: Task) -> tuple[Any, Any]:
    """Return images (n, 1, 28, 28), uint8, and labels."""
    import torch

    images, labels = task.load()
    pixels = torch.from_numpy(np.ascontiguousarray(images)[:, None])
    return pixels, torch.from_numpy(labels.astype(np.int64))
