"""The parts of training on a cluster that need none."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.learn.cluster.engine import agree_on_precision
from digit_recognizer.learn.cluster.facts import gather_facts, list_mismatches
from digit_recognizer.learn.cluster.host import place_workers
from digit_recognizer.learn.cluster.subprocess_call import ProcessDiedError, call_apart
from digit_recognizer.workspace import ProjectError, write_file
from tests.commands import PROJECT
from tests.processes import await_true, is_running


def wait_quietly() -> None:
    pass


def test_a_call_apart_returns_and_raises_what_the_function_does() -> None:
    assert call_apart(divmod, 17, 5, meanwhile=wait_quietly) == (3, 2)
    assert call_apart(os.getpid, meanwhile=wait_quietly) != os.getpid()
    with pytest.raises(ProjectError, match="PORT=no; expected"):
        call_apart(refuse, meanwhile=wait_quietly)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        call_apart(divmod, 1, 0, meanwhile=wait_quietly)
    with pytest.raises(RuntimeError, match="cannot pickle 'module' object"):
        call_apart(importlib.import_module, "json", meanwhile=wait_quietly)


def test_a_process_that_dies_says_how_and_what_it_said() -> None:
    with pytest.raises(ProcessDiedError, match="signal 9"):
        call_apart(kill_itself, meanwhile=wait_quietly)
    with pytest.raises(ProcessDiedError, match="exit code 3: no more"):
        call_apart(exit_with_words, meanwhile=wait_quietly)


def test_what_is_raised_meanwhile_ends_the_call_and_its_process(tmp_path: Path) -> None:
    note = tmp_path / "process"

    def stop_when_it_runs() -> None:
        if note.exists():
            raise TimeoutError

    with pytest.raises(TimeoutError):
        call_apart(sleep_long, note, meanwhile=stop_when_it_runs)
    assert not is_running(int(note.read_text()))


def test_a_process_apart_ends_with_its_caller(tmp_path: Path) -> None:
    note = tmp_path / "process"
    script = (
        "from pathlib import Path\n"
        "from digit_recognizer.learn.cluster.subprocess_call import call_apart\n"
        "from tests.learn.test_cluster_parts import sleep_long;"
        f"call_apart(sleep_long, Path({str(note)!r}), meanwhile=lambda: None)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT) as caller:
        try:
            await_true(note.exists, "a process is started")
        finally:
            caller.kill()
    await_true(lambda: not is_running(int(note.read_text())), "it ends with its caller")


def sleep_long(note: Path) -> None:
    write_file(note, str(os.getpid()).encode())
    time.sleep(600)


def refuse() -> None:
    raise ProjectError("PORT=no; expected a number.")


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit_with_words() -> None:
    os.write(2, b"no more")
    os._exit(3)


def test_only_what_changes_a_result_is_a_mismatch() -> None:
    own = gather_facts()
    assert list_mismatches(own, own) == []
    code = own["code"].split()[0]
    assert list_mismatches({**own, "code": f"{code} (commit of documents)"}, own) == []
    assert list_mismatches({**own, "numpy": "1.0"}, own) == [
        f"numpy 1.0 there, {own['numpy']} here"
    ]
    (other,) = list_mismatches({**own, "code": "0123 (commit abc)"}, own)
    assert other.startswith("code 0123 (commit abc) there, ")
    # An older worker may not know a fact at all.
    assert list_mismatches({}, own)[0].startswith("code None there")


def test_what_a_person_asks_of_a_cluster() -> None:
    assert Cluster.of(None, [], None) is None
    assert Cluster.of("", [], None) is None
    asked = Cluster.of("tcp://a:1", ["GPU=1", "memory=2.5"], 5)
    assert asked
    assert asked.resources == {"GPU": 1, "memory": 2.5}
    assert asked.patience == 5
    open_to_all = Cluster.of("tcp://a:1", ["GPU=0"], None)
    assert open_to_all
    assert open_to_all.resources == {}
    unsaid = Cluster.of("tcp://a:1", [], None)
    assert unsaid
    assert unsaid.resources is None
    for wrong in ("GPU", "GPU=", "=1", "GPU=-1", "GPU=one"):
        with pytest.raises(ProjectError, match="expected for instance"):
            Cluster.of("tcp://a:1", [wrong], None)


def test_one_slow_worker_decides_the_precision_for_all() -> None:
    assert agree_on_precision({"a": "bfloat16", "b": "bfloat16"}) == ("bfloat16", [])
    assert agree_on_precision({"a": "float32", "b": "float32"}) == ("float32", [])
    mixed = {"c": "float32", "b": "bfloat16", "a": "float32"}
    assert agree_on_precision(mixed) == ("float32", ["a", "c"])


def test_each_worker_has_a_card_of_its_own_where_there_are_any() -> None:
    """Cards that are made up: what comes of it was never seen on a real one."""
    placed = list(place_workers(None, ["0", "1", "2"]))
    assert [each["env"]["CUDA_VISIBLE_DEVICES"] for each in placed] == ["0", "1", "2"]
    assert all(each["resources"] == {"GPU": 1} for each in placed)
    shared = list(place_workers(4, ["0", "1"]))
    assert [each["env"]["CUDA_VISIBLE_DEVICES"] for each in shared] == ["0", "1", "0", "1"]
    assert list(place_workers(3, [])) == [{}, {}, {}]
