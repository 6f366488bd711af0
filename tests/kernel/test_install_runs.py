"""What a kernel trained is installed byte for byte, or nothing of it is."""

import json
import os
import shutil
import signal
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.kernel import install_runs as module
from digit_recognizer.kernel.install_runs import install_runs
from digit_recognizer.kernel.pack import pack_runs, zip_members
from digit_recognizer.runs.folder import array_bytes, open_run
from digit_recognizer.workspace import ProjectError, Workspace, locked, sha256_of, write_json
from tests.commands import run, run_well
from tests.made_up_runs import make_experiment, make_up_run, open_made_up

Members = dict[str, bytes]


@pytest.fixture
def away(tmp_path: Path) -> Workspace:
    """The workspace in which a kernel has trained the run `made-up`."""
    workspace = Workspace(tmp_path / "away")
    make_up_run(workspace)
    write_json(workspace.runs / "latest.json", {"label": "made-up", "names": ["made-up"]})
    return workspace


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ho me")


def pack(workspace: Workspace, *names: str) -> Path:
    target = workspace.root / "runs.zip"
    pack_runs(workspace, list(names or ("made-up",)), target)
    return target


def contents_of(runs: Path) -> Members:
    return {
        str(path.relative_to(runs)): path.read_bytes()
        for path in sorted(runs.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def assert_refused(home: Workspace, archive: Path, message: str, fresh: bool = False) -> None:
    """The archive is refused, and `runs/` is byte for byte what it was."""
    before = contents_of(home.runs)
    with pytest.raises(ProjectError, match=message):
        install_runs(home, archive, fresh)
    assert contents_of(home.runs) == before
    assert not list(home.runs.glob(".incoming-*"))
    assert not (home.root / "evil").exists()


def test_runs_are_installed_byte_for_byte(away: Workspace, home: Workspace) -> None:
    make_up_run(away, "another", seed=1)
    (away.runs / "made-up" / "notes.txt").write_text("mine")
    archive = pack(away, "made-up", "another")
    for _ in range(2):
        assert install_runs(home, archive) == ["another", "made-up"]
        for name in ("made-up", "another"):
            brought = open_run(home, name)
            assert brought.is_complete
            assert np.array_equal(brought.load_oof(), open_run(away, name).load_oof())
        expected = contents_of(away.runs)
        del expected["made-up/notes.txt"]
        assert contents_of(home.runs) == expected
    before = archive.read_bytes()
    assert pack(home, "made-up", "another").read_bytes() == before


def test_a_run_that_was_cut_short_is_installed_and_continued(
    away: Workspace, home: Workspace
) -> None:
    make_up_run(away, "short", only_folds=(0, 2))
    (away.runs / "short" / "fold-1").mkdir()
    (away.runs / "short" / "fold-1" / "oof.npy").write_bytes(b"half")
    assert install_runs(home, pack(away, "short")) == ["short"]
    assert open_made_up(home, make_experiment("short")).finished_folds == [0, 2]
    assert not (home.runs / "latest.json").exists()


def test_what_has_no_finished_fold_is_not_packed(away: Workspace) -> None:
    open_made_up(away, make_experiment("begun"))
    assert not pack(away, "begun", "never").exists()


DONE = "made-up/fold-1/done.json"
CONFIG = "made-up/config.json"
WEIGHTS = "made-up/fold-1/model.weights.h5"


def changed_config(members: Members, key: str, value: object) -> bytes:
    config = json.loads(members[CONFIG])
    config["experiment"][key] = value
    return json.dumps(config).encode()


CHANGES: dict[str, tuple[Callable[[Members], Members], str]] = {
    **{
        f"a file at {name}": (
            lambda members, name=name: {**members, name: b"x"},
            "no part of a run",
        )
        for name in (
            *("../evil", "/evil", "made-up/../../evil", "made-up/fold-0/../../../evil", "C:/evil"),
            *("made-up/evil", "made-up/fold-0/evil.py", "made-up/fold-00/oof.npy", "evil"),
            *(".lock", ".made-up.lock", "made-up/fold-0/model.weights.h5/x", "made-up/"),
            *("made-up\\oof.npy", ".hidden/config.json", "made-up/fold-100/oof.npy"),
        )
    },
    "weights that were changed": (
        lambda members: {**members, WEIGHTS: members[WEIGHTS][:-1] + b"x"},
        "fold-1 of made-up is missing or not as it was written",
    ),
    "a fold without its record": (
        lambda members: {name: value for name, value in members.items() if name != DONE},
        "fold-1 of made-up is missing",
    ),
    "a fold that the experiment has not": (
        lambda members: (
            members
            | {
                name.replace("-1/", "-3/"): value
                for name, value in members.items()
                if "-1/" in name
            }
        ),
        "fold-3 of made-up is missing",
    ),
    "no fold at all": (
        lambda members: {name: value for name, value in members.items() if "fold-" not in name},
        "every fold of made-up is missing",
    ),
    "no configuration": (
        lambda members: {name: value for name, value in members.items() if name != CONFIG},
        "config.json is not the one",
    ),
    "another run's configuration": (
        lambda members: {**members, CONFIG: changed_config(members, "name", "other")},
        "config.json is not the one",
    ),
    "a key that no experiment has": (
        lambda members: {**members, CONFIG: changed_config(members, "evil", 1)},
        "Unknown keys: evil",
    ),
    "other folds": (
        lambda members: {**members, "made-up/folds.npy": array_bytes(np.zeros(120, np.int8))},
        "do not belong together|was changed",
    ),
    "other probabilities": (
        lambda members: {**members, "made-up/oof.npy": members["made-up/test.npy"]},
        "do not belong together",
    ),
    "an object array": (
        lambda members: {**members, "made-up/oof.npy": b"\x80\x04evil"},
        "cannot be read",
    ),
    "nothing but latest.json": (
        lambda members: {"latest.json": members["latest.json"]},
        "holds no run",
    ),
    "nothing": (lambda members: {}, "holds no run"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_archive_with_anything_wrong_is_refused_whole(
    away: Workspace, home: Workspace, change: str
) -> None:
    make_up_run(home, "mine")
    with zipfile.ZipFile(pack(away)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    alter, message = CHANGES[change]
    altered = away.root / "altered.zip"
    altered.write_bytes(zip_members(alter(members), packed=True))
    assert_refused(home, altered, message, fresh=True)


def test_links_doubles_and_large_files_are_refused(
    away: Workspace, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pack(away)

    def add(name: str, contents: bytes, mode: int) -> Path:
        altered = Path(shutil.copy(whole, away.root / "altered.zip"))
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        with zipfile.ZipFile(altered, "a") as archive:
            archive.writestr(member, contents)
        return altered

    linked = add("made-up/fold-7/oof.npy", b"/etc/passwd", stat.S_IFLNK | 0o777)
    assert_refused(home, linked, "as a link")
    assert_refused(home, add("Made-up/config.json", b"x", stat.S_IFREG | 0o644), "a file twice")
    large = add("made-up/fold-7/oof.npy", bytes(4000), 0)
    monkeypatch.setattr(module, "LARGEST_FILE", 3999)
    assert_refused(home, large, "is larger than")
    monkeypatch.undo()
    monkeypatch.setattr(module, "LARGEST_ARCHIVE", 9999)
    assert_refused(home, whole, "holds more than")


@pytest.mark.parametrize("part", [0, 0.3, 0.99])
def test_a_damaged_archive_is_refused(away: Workspace, home: Workspace, part: float) -> None:
    archive = pack(away)
    os.truncate(archive, int(archive.stat().st_size * part))
    assert_refused(home, archive, "cannot be read or unpacked")
    assert_refused(home, home.root / "nowhere.zip", "cannot be read or unpacked")


def test_every_flipped_bit_is_noticed_or_harmless(away: Workspace, home: Workspace) -> None:
    archive = pack(away)
    whole = archive.read_bytes()
    install_runs(home, archive)
    expected = contents_of(home.runs)
    for place in np.random.default_rng(0).integers(0, len(whole), 30):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        archive.write_bytes(damaged)
        shutil.rmtree(home.runs)
        try:
            install_runs(home, archive)
        except ProjectError:
            assert contents_of(home.runs) == {}
        else:
            assert contents_of(home.runs) == expected


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ({"data": "b" * 64}, "data: bbbbbbbbbbbb... there, aaaaaaaaaaaa... now"),
        ({"seed": 7}, "has other results of fold 0, 1, 2"),
        ({"seed": 7, "only_folds": (1,)}, "has other results of fold 1"),
    ],
)
def test_a_run_that_is_there_is_not_lost_unless_that_is_asked_for(
    away: Workspace, home: Workspace, there: dict[str, object], message: str
) -> None:
    archive = pack(away)
    make_up_run(home, **there)  # type: ignore[arg-type]
    assert_refused(home, archive, message + r"(.|\n)*FRESH=1")
    install_runs(home, archive, fresh=True)
    assert contents_of(home.runs) == contents_of(away.runs)


def test_a_run_of_another_configuration_is_not_lost(away: Workspace, home: Workspace) -> None:
    open_made_up(home, make_experiment("made-up", epochs=3))
    archive = pack(away)
    assert_refused(home, archive, "experiment.epochs: 3 there, 10 now")
    (home.runs / "made-up" / "config.json").write_text("{")
    install_runs(home, archive)

    (home.runs / "made-up" / "config.json").write_text("{")
    assert_refused(home, archive, "finished folds of an unknown experiment")


def test_one_run_that_cannot_come_keeps_the_others_out(away: Workspace, home: Workspace) -> None:
    make_up_run(away, "another")
    make_up_run(home, seed=7)
    assert_refused(home, pack(away, "another", "made-up"), "other results")


def test_what_was_trained_here_of_the_same_run_gives_way_to_the_whole(
    away: Workspace, home: Workspace
) -> None:
    make_up_run(home, only_folds=(0, 2))
    install_runs(home, pack(away))
    assert open_run(home, "made-up").is_complete

    # And the other way round, two folds would be lost.
    partly = Workspace(away.root / "partly")
    make_up_run(partly, only_folds=(1,))
    assert_refused(home, pack(partly), "other results of fold 0, 2")


def test_a_run_that_is_being_trained_is_left_alone(away: Workspace, home: Workspace) -> None:
    archive = pack(away)
    folder = home.runs / "made-up"
    with locked(home.runs / ".made-up.lock", folder):
        assert_refused(home, archive, "is in use by process", fresh=True)


def test_latest_is_what_came_home_only(away: Workspace, home: Workspace) -> None:
    write_json(away.runs / "latest.json", {"label": "x", "names": ["made-up", "elsewhere"]})
    install_runs(home, pack(away))
    assert not (home.runs / "latest.json").exists()


@pytest.mark.parametrize("fault", ["install run:1", "install run:2", "rename done.json:2"])
def test_killed_on_the_way_home_the_same_command_gets_there(
    away: Workspace, home: Workspace, fault: str
) -> None:
    archive = pack(away)
    make_up_run(home, seed=7)
    arguments = ("--runs", str(archive), "--fresh")
    assert run(home, "kernel", *arguments, fault=fault).returncode == -signal.SIGKILL
    run_well(home, "kernel", *arguments)
    assert contents_of(home.runs) == contents_of(away.runs)
    assert sha256_of(pack(home)) == sha256_of(archive)
