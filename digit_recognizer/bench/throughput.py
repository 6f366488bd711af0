"""Images per second beside stock Keras and PyTorch, and the part of the machine's peak speed.

In: an experiment, a workspace with data. Out: rows of the table. What always holds: the contenders
train the same network with the same batch size and take turns. Ours has as many processes as
`make train` would use; the others are one process with all threads. The rows say what the others
leave out.
"""

import contextlib
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from digit_recognizer.bench import ours, pytorch
from digit_recognizer.bench.contenders import Contender, ContenderError, contending, take_turns
from digit_recognizer.bench.layers import count_multiply_adds
from digit_recognizer.bench.sizes import Sizes
from digit_recognizer.bench.table import Row, summarize
from digit_recognizer.bench.turns import Task
from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.learn.engine import Engine
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import Workspace

_PASSES = 3  # forward, backward to the layer's input, backward to its weights
_ALONE = "ours in one process"  # shows what several processes gain


def measure_throughput(workspace: Workspace, experiment: Experiment, sizes: Sizes) -> Iterator[Row]:
    task = Task("", str(workspace.root), to_dict(experiment), available_cores())
    per_turn = sizes.steps * experiment.batch_size
    engine = ours.suiting_engine(experiment, experiment.folds)
    speeds, facts = compete("train", replace(task, images=per_turn), sizes, engine)
    found = facts["ours"]
    task = task.knowing(found)
    extras = _name_extras(experiment)
    yield from _describe(f"training {experiment.name}", extras, speeds, facts)
    predicting, known = compete("predict", replace(task, images=sizes.predicted), sizes, engine)
    yield from _describe(f"predicting with {experiment.name}", "", predicting, known)

    group = f"product of two {sizes.side:,} x {sizes.side:,} matrices"
    peaks = _measure_peaks(task, sizes)
    for precision, flops in peaks.items():
        yield replace(
            summarize(group, precision, [each / 1e9 for each in flops], "GFLOP/s"),
            figure=f"{max(flops) / 1e9:,.0f} GFLOP/s",
            note=f"best of {len(flops)}",
        )
    multiply_adds = count_multiply_adds(found["layers"])
    speed = statistics.median(speeds["ours"])
    part = part_of_peak(multiply_adds, speed, max(peaks[found["precision"]]))
    yield Row(
        group,
        f"our training of {experiment.name}, part of the best {found['precision']}",
        format_percent(part),
        note=f"2 x {_PASSES} x {multiply_adds / 1e6:.1f} million multiply-adds an image, at the "
        "images/s above",
    )


def part_of_peak(multiply_adds: int, images_per_second: float, peak_flops: float) -> float:
    """Return the training's operations per second as a part of the machine's peak."""
    return 2 * _PASSES * multiply_adds * images_per_second / peak_flops


def compete(
    action: str, task: Task, sizes: Sizes, engine: Engine
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """Return each contender's images per second in each turn, and its facts.

    Each of our processes does the whole task; the engine says how many there are.
    """
    engines = {name: Engine.with_jobs(1) for name in sizes.contenders} | {"ours": engine}
    with contextlib.ExitStack() as stack:
        contenders: dict[str, Contender] = {}
        facts: dict[str, dict[str, Any]] = {}
        for name in sizes.contenders:
            if name == "pytorch" and not pytorch.is_installed():
                facts[name] = {"missing": "not installed"}
                continue
            if name == _ALONE and engine.jobs == 1:
                continue  # "ours" is one process already
            role = f"{action} {'ours' if name == _ALONE else name}"
            # PyTorch gets the network from ours, which is warm before it.
            own = task.knowing(facts.get("ours", {}))
            own = replace(own, role=role, threads=engines[name].threads)
            contender = stack.enter_context(contending(own, engines[name].jobs))
            try:
                known = contender.warm_up()
                facts[name] = known | {"engine": ours.describe_engine(engines[name])}
                contenders[name] = contender
            except ContenderError as error:
                if name != "pytorch":
                    raise
                facts[name] = {"missing": f"failed ({error})"}
        seconds = take_turns(contenders, sizes.rounds)
    speeds = {
        name: [engines[name].jobs * task.images / each for each in taken]
        for name, taken in seconds.items()
    }
    return speeds, facts


def _name_extras(experiment: Experiment) -> str:
    """Return what our training does and the others leave out."""
    augmented = experiment.augmentation != Augmentation()
    extras = {"augmented": augmented, "weights averaged": experiment.average_decay > 0}
    return ", ".join(name for name, has in extras.items() if has)


def _describe(
    group: str,
    extras: str,
    speeds: dict[str, list[float]],
    facts: dict[str, dict[str, Any]],
) -> Iterator[Row]:
    precision = facts["ours"]["precision"]
    middle = statistics.median(speeds["ours"])
    for name, known in facts.items():
        if "missing" in known:
            yield Row(group, "PyTorch", known["missing"])
        elif name in ("ours", _ALONE):
            label = f"ours in {known['engine']}, {precision}"
            notes = [extras] if extras else []
            if name == _ALONE:
                ratio = f"{middle / statistics.median(speeds[name]):.2f} times as fast"
                notes.append(f"{facts['ours']['engine']} are {ratio}")
            yield summarize(group, label, speeds[name], "images/s", "; ".join(notes))
        else:
            if "version" in known:
                label = f"PyTorch {known['version']}, {precision}"
            else:
                # Whether Keras uses XLA by default depends on its version and the device.
                mode = "told to use XLA" if name == "stock with XLA" else "by default"
                label = f"Keras, {mode} ({'with' if known['xla'] else 'without'} XLA), float32"
            less = f"not {extras.replace(',', ' nor')}; " if extras else ""
            ratio = f"ours is {middle / statistics.median(speeds[name]):.1f} times as fast"
            yield summarize(group, label, speeds[name], "images/s", less + ratio)


def _measure_peaks(task: Task, sizes: Sizes) -> dict[str, list[float]]:
    """Return the floating-point operations per second of each product, by precision."""
    with contending(replace(task, role="multiply", side=sizes.side)) as contender:
        contender.warm_up()
        turns = [contender.turn() or {} for _ in range(2 * sizes.rounds)]
    operations = 2 * sizes.side**3
    return {key: [operations / turn[key] for turn in turns] for key in turns[0]}
