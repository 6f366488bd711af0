"""The table has every promised row, on a terminal and in `reports/bench.md`."""

import contextlib
import io
import re
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from rich.console import Console

from digit_recognizer.bench import contenders, ours, throughput, whole_command
from digit_recognizer.bench.contenders import ContenderError, contending, take_turns
from digit_recognizer.bench.processes import Measured
from digit_recognizer.bench.run import run_bench
from digit_recognizer.bench.sizes import FULL, QUICK, Sizes
from digit_recognizer.bench.table import Row, format_markdown, format_number, summarize
from digit_recognizer.bench.turns import Task
from digit_recognizer.bench.whole_command import WholeCommand
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.engine import Engine
from digit_recognizer.workspace import Workspace
from tests.bench.turns_of import make_task

TINY = Sizes(
    rounds=2,
    steps=1,
    predicted=32,
    contenders=("ours", "ours in one process", "stock", "pytorch"),
    side=16,
    rows=300,
    growth=(200, 400),
    reach_seconds=1,
)

pytestmark = pytest.mark.slow


TEAM, ALONE = Engine(2, 1), Engine(1, 2)


class MadeUp(contenders.Contender):
    """Answers at once, without computing; PyTorch does not even start."""

    seconds = 2.0

    def warm_up(self) -> dict[str, Any]:
        if "pytorch" in self._task.role:
            raise ContenderError("no library")
        layers = [{"multiply_adds": 1_000_000}]
        return {"precision": "float32", "layers": layers, "xla": False}

    def turn(self) -> dict[str, Any]:
        return {"float32": 1e-6, "bfloat16": 5e-7}

    def time_turn(self) -> float:
        return self.seconds


def test_the_table_has_every_promised_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders, "Contender", MadeUp)
    monkeypatch.setattr(throughput.pytorch, "is_installed", lambda: False)
    monkeypatch.setattr(Engine, "that_suits", lambda fits, image_passes: TEAM)
    monkeypatch.setattr(Engine, "with_jobs", lambda jobs: ALONE)
    # Tested elsewhere; here each of them would take seconds.
    monkeypatch.setattr(
        whole_command,
        "run_whole",
        lambda made, name, epochs, rows, *_: WholeCommand(
            rows, Measured(rows / 10, rows * 10**6, "all its processes together"), 1.0, epochs, 1.0
        ),
    )
    output = io.StringIO()
    console = Console(file=output, soft_wrap=True, width=80)
    run_bench(workspace, TINY, console, EXPERIMENTS["conv-32"])
    text = (workspace.reports / "bench.md").read_text()
    for row in (
        r"start \(imports only\) \| [\d.]+ s \| [\d.]+ to [\d.]+ \| median of 2",
        r"parsed \| [\d.]+ s",
        r"from the cache \| [\d.]+ s",
        r"ours in 2 processes of 1 thread, float32 \| [\d.,]+ images/s",
        r"ours in one process of 2 threads, float32 \| [\d.,]+ images/s .*; "
        r"2 processes of 1 thread are 2.00 times as fast",
        r"Keras, by default \(without XLA\), float32 \| [\d.,]+ images/s .* times as fast",
        r"PyTorch \| not installed",
        r"float32 \| [\d,]+ GFLOP/s .* best of 4",
        r"bfloat16 \| [\d,]+ GFLOP/s",
        r"part of the best float32 \| \d+ % ",
        r"\*\*make train of conv-32, 2 epochs of 2 folds in 2 processes of 1 thread, 300 rows",
        r"all of it \| [\d.]+ s",
        r"highest memory \| 300 MB \|  \| one run; all its processes together",
        r"part that is not training \| \d+ %",
        r"the same with 10 epochs \| \d+ %",
        r"200 rows \| [\d.]+ s",
        r"400 rows \| [\d.]+ s .* each further 1,000",
        r"left out \|  \| data/ has 240 labelled rows",
    ):
        assert re.search(rf"^\| .*{row}", text, re.MULTILINE), row
    shown = output.getvalue()
    assert "training conv-32: PyTorch: not installed" in shown
    assert "Written: reports/bench.md" in shown
    assert not list(workspace.runs.glob("*/")), "measurements leave no run behind"


def test_a_median_shows_its_number_of_values_and_their_range() -> None:
    row = summarize("group", "what", [3.0, 1.0, 200.0], "s", "cold")
    assert row.cells == ("what", "3.00 s", "1.00 to 200", "median of 3; cold")
    assert summarize("group", "what", [3.0], "s").cells == ("what", "3.00 s", "", "one run")


def test_numbers_keep_about_three_digits() -> None:
    numbers = [12_345.6, 99.94, 1.234, 0.0456, -20.0]
    assert [format_number(each) for each in numbers] == ["12,346", "99.9", "1.23", "0.046", "-20.0"]


def test_a_group_is_named_once() -> None:
    rows = [Row("a", "x", "1"), Row("a", "y", "2"), Row("b", "z", "3")]
    text = format_markdown(["a machine"], rows)
    assert text.count("**a**") == text.count("**b**") == 1
    assert "- a machine\n" in text


def test_the_part_of_the_peak_counts_three_passes() -> None:
    # A million multiply-adds are two million operations forward, and twice that backward.
    assert throughput.part_of_peak(1_000_000, 1_000, 12e9) == 0.5


def test_contenders_take_turns_and_warm_up_before_each() -> None:
    order: list[str] = []

    class Recorded:
        def __init__(self, name: str) -> None:
            self._name = name

        def turn(self) -> None:
            order.append(self._name)

        def time_turn(self) -> float:
            order.append(self._name.upper())
            return len(order)

    seconds = take_turns({"a": Recorded("a"), "b": Recorded("b")}, 3)  # type: ignore[dict-item]
    assert "".join(order) == "aAbBaAbBaAbB"
    assert seconds == {"a": [2, 6, 10], "b": [4, 8, 12]}


class OnPaper:
    """A member without a process, which records orders and waits."""

    log: ClassVar[list[str]] = []

    def __init__(self, task: Task) -> None:
        self._says = f"{task.role} in {task.precision or 'what it finds'}"

    def order_task(self) -> None:
        self.log.append(f"{self._says}: task")

    def order_turn(self) -> None:
        self.log.append("turn")

    def wait(self) -> dict[str, Any]:
        self.log.append("wait")
        return {"precision": "bfloat16"}

    def close(self) -> None:
        self.log.append("close")


def test_a_team_has_the_precision_of_its_first_process_and_simultaneous_turns(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders, "Member", OnPaper)
    monkeypatch.setattr(OnPaper, "log", log := [])
    with contending(make_task(workspace, "it"), 3) as team:
        assert team.warm_up() == {"precision": "bfloat16"}
        alone, told = ["it in what it finds: task", "wait"], "it in bfloat16: task"
        assert log == [*alone, told, told, "wait", "wait"]
        log.clear()
        assert team.time_turn() > 0
        assert log == ["turn"] * 3 + ["wait"] * 3
        log.clear()
    assert log == ["close"] * 3


@pytest.mark.slow
def test_the_processes_of_a_team_end_together(workspace: Workspace) -> None:
    task = make_task(workspace, "train ours", EXPERIMENTS["dense-50-50"], images=64)
    with contending(task, 2) as team:
        assert team.warm_up()["precision"] == "float32"
        processes = [member.process for member in team.members]
        assert len({process.pid for process in processes}) == 2
        assert all(0 < each < 10 for each in take_turns({"ours": team}, 2)["ours"])
        processes[1].kill()
        with pytest.raises(ContenderError, match="train ours: ended without a message"):
            team.turn()
        assert processes[0].poll() is None
    assert all(process.returncode is not None for process in processes)


@pytest.mark.slow
def test_a_contender_is_a_process_that_answers_turn_by_turn(workspace: Workspace) -> None:
    experiment = EXPERIMENTS["dense-50-50"]
    with contending(make_task(workspace, "train ours", experiment, images=64)) as contender:
        assert contender.warm_up()["precision"] == "float32"
        seconds = take_turns({"ours": contender}, 2)["ours"]
    assert len(seconds) == 2
    assert all(0 < each < 10 for each in seconds)


def test_a_contender_reports_that_it_has_nothing_more_to_do(workspace: Workspace) -> None:
    task = make_task(
        workspace,
        "reach by the whole training",
        replace(EXPERIMENTS["dense-50-50"], epochs=1, folds=2),
    )
    with contending(task) as contender:
        contender.warm_up()
        first = contender.turn()
        assert first
        assert first["epochs"] == 1
        assert contender.turn() is None


def test_a_contender_that_fails_is_reported_with_its_last_line(workspace: Workspace) -> None:
    with contending(make_task(workspace, "none such")) as contender:
        process = contender.members[0].process
        with pytest.raises(ContenderError, match="none such: KeyError"):
            contender.warm_up()
    assert process.returncode is not None


def test_a_contender_ends_with_the_block(workspace: Workspace) -> None:
    with (
        contextlib.suppress(KeyboardInterrupt),
        contenders.contending(make_task(workspace, "multiply", side=8)) as contender,
    ):
        process = contender.members[0].process
        assert process.poll() is None
        raise KeyboardInterrupt
    assert process.returncode is not None


def test_a_broken_pytorch_does_not_affect_the_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders, "Contender", MadeUp)
    monkeypatch.setattr(throughput.pytorch, "is_installed", lambda: True)
    task = make_task(workspace, "", images=10)
    speeds, facts = throughput.compete("train", task, TINY, ALONE)
    assert speeds == {"ours": [5.0, 5.0], "stock": [5.0, 5.0]}
    assert facts["pytorch"] == {"missing": "failed (no library)"}


def test_the_images_of_all_processes_of_a_team_count(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, int, int]] = []

    class Noted(MadeUp):
        def __init__(self, task: Task, processes: int = 1) -> None:
            started.append((task.role, processes, task.threads))
            super().__init__(task, processes)

    monkeypatch.setattr(contenders, "Contender", Noted)
    monkeypatch.setattr(throughput.pytorch, "is_installed", lambda: False)
    all_threads = Engine.with_jobs(1).threads
    task = make_task(workspace, "", images=10)
    speeds, facts = throughput.compete("train", task, TINY, Engine(3, 5))
    assert speeds["ours"] == [15.0, 15.0]
    assert speeds["ours in one process"] == speeds["stock"] == [5.0, 5.0]
    assert facts["ours"]["engine"] == "3 processes of 5 threads"
    assert started == [
        ("train ours", 3, 5),
        ("train ours", 1, all_threads),
        ("train stock", 1, all_threads),
    ]


def test_ours_has_the_processes_of_a_whole_training(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Engine, "that_suits", lambda *work: asked.append(work) or TEAM)
    experiment = replace(EXPERIMENTS["conv-32"], epochs=3)
    assert ours.suiting_engine(experiment, 2) == TEAM
    assert asked == [(2, 2 * 42_000 * 3)]


def test_an_engine_is_described_in_words() -> None:
    assert ours.describe_engine(TEAM) == "2 processes of 1 thread"
    assert ours.describe_engine(ALONE) == "one process of 2 threads"
    assert ours.describe_engine(Engine(1, 1)) == "one process of 1 thread"


def test_the_quick_size_measures_no_more_than_the_full_one() -> None:
    assert set(QUICK.contenders) <= set(FULL.contenders)
    assert QUICK.rounds <= FULL.rounds
    assert QUICK.rows <= FULL.rows
    assert sum(QUICK.growth) <= sum(FULL.growth)
    assert QUICK.reach_seconds == 0
