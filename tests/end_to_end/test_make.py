"""The make targets, from a clone whose path holds a space."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import PROJECT, options_of_make
from tests.processes import await_true

ENVIRONMENT = Path(sys.prefix)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the make targets need, in a folder of its own."""
    target = tmp_path / "a clone's folder"
    target.mkdir()
    for name in ("digit_recognizer", "scripts"):
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (PROJECT / "Makefile", *PROJECT.glob("requirements*.txt")):
        shutil.copy2(path, target)
    return target


def fresh_environment() -> dict[str, str]:
    """The environment without what `make test` itself has put there."""
    made = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", *options_of_make()}
    return {name: value for name, value in os.environ.items() if name not in made}


def make(clone: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=clone,
        env=fresh_environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )


def pin_nothing(clone: Path) -> None:
    """Requirements that install in no time and without a network."""
    for path in clone.glob("requirements*.txt"):
        path.write_text("# nothing\n")


def test_the_makefile_has_nothing_that_make_3_81_lacks() -> None:
    text = (PROJECT / "Makefile").read_text()
    for newer in (".ONESHELL", ".RECIPEPREFIX", "$(file", "&:", "undefine ", "$(let", "!="):
        assert newer not in text, newer
    assert not re.search(r"^define .*=", text, re.MULTILINE)


def test_help_names_every_target(clone: Path) -> None:
    text = (clone / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()  # type: ignore[index]
    shown = make(clone).stdout
    for target in targets:
        if target.startswith("setup-"):  # what targets begin with, nobody types
            continue
        assert re.search(rf"^{target} +\w", shown, re.MULTILINE), target


def test_setup_makes_an_environment_once_and_where_it_is_told(clone: Path, tmp_path: Path) -> None:
    pin_nothing(clone)
    elsewhere = tmp_path / "some where"
    first = make(clone, "setup", f"VENV={elsewhere}")
    assert first.returncode == 0, first.stdout
    assert "Making the virtual environment" in first.stdout
    assert not (clone / ".venv").exists()
    assert make(clone, "setup", f"VENV={elsewhere}").stdout == ""

    (clone / "requirements.txt").write_text("# other pins\n")
    changed = make(clone, "setup", f"VENV={elsewhere}").stdout
    assert "Installing" in changed
    assert "Making" not in changed


@pytest.mark.slow
def test_a_make_killed_half_way_is_not_trusted_by_the_next(clone: Path, tmp_path: Path) -> None:
    pin_nothing(clone)
    # A Python that makes half an environment and then takes the whole command down with it.
    real = shlex.quote(sys.executable)
    half = tmp_path / "half-python"
    half.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = -m ]; then mkdir -p "$3/bin"; touch "$3/pyvenv.cfg"; '
        f'ln -s {real} "$3/bin/python"; kill -9 0; fi\n'
        f'exec {real} "$@"\n'
    )
    half.chmod(0o755)
    killed = subprocess.run(
        ["make", "setup", f"PYTHON={half}"],
        cwd=clone,
        env=fresh_environment(),
        start_new_session=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (clone / ".venv/bin/python").exists()

    repaired = make(clone, "setup")
    assert repaired.returncode == 0, repaired.stdout
    assert "Making the virtual environment" in repaired.stdout
    assert (clone / ".venv/bin/pip").exists()


def test_setup_deletes_nothing_that_it_did_not_make(clone: Path, tmp_path: Path) -> None:
    pin_nothing(clone)
    precious = tmp_path / "mine"
    precious.mkdir()
    (precious / "pyvenv.cfg").write_text("mine")
    refused = make(clone, "setup", f"VENV={precious}")
    assert refused.returncode != 0
    assert "was not made by this command" in refused.stdout
    assert (precious / "pyvenv.cfg").read_text() == "mine"


def test_misspelt_options_are_refused_and_values_are_taken_as_typed(clone: Path) -> None:
    pin_nothing(clone)
    for misspelt, told in (
        ("EXPERIMANTS=deotte", "There is no option EXPERIMANTS"),
        ("EXPERIMENT=deotte", "EXPERIMENT is for: tune."),
    ):
        refused = make(clone, "train", misspelt)
        assert refused.returncode != 0
        assert told in refused.stdout
    shown = make(clone, "-n", "train", "FRESH=0").stdout
    assert "--fresh" not in shown
    assert "--fresh" in make(clone, "-n", "train", "FRESH=1").stdout
    # What would reach the script is what was typed, whatever make or a shell could see in it.
    (clone / "Makefile").open("a").write('\nshow:\n## SOURCE=what\n\t@printf "%s" "$$SOURCE"\n')
    typed = "/tmp/a $HOME `id` $(id) \\ 'x' \"y\""
    assert make(clone, "show", f"SOURCE={typed}").stdout == typed
    assert "NAME=x" not in make(clone, "-n", "train", NAME="x").stdout


@pytest.mark.parametrize(
    ("command", "refused", "told"),
    [
        ("train SOURCE=mnist", "SOURCE", "SOURCE is for: download."),
        ("train TRIALS=4", "TRIALS", "TRIALS is for: tune."),
        ("submit NAME=foo", "NAME", "NAME is for: adopt kernel train."),
        ("submit SET=", "SET", "SET is for: kernel train."),
        (
            "report LINEUP=quick",
            "LINEUP",
            "The options of `make report`: EXPERIMENTS FORMAT PYTHON",
        ),
        ("leaderboard EXPERIMENTS=", "EXPERIMENTS", "EXPERIMENTS is for:"),
        ("validate FOLDS=0", "FOLDS", "FOLDS is for: adopt train tune."),
        ("train GPU=1", "GPU", "GPU is for: setup."),
        ("LINEUP=quick", "LINEUP", "`make help` does not take LINEUP."),
    ],
)
def test_a_target_refuses_the_options_of_others(command: str, refused: str, told: str) -> None:
    done = make(PROJECT, "-n", *command.split())
    assert done.returncode != 0
    assert f"does not take {refused}." in done.stdout
    assert told in done.stdout


def test_an_option_is_taken_where_one_of_several_targets_takes_it() -> None:
    for command in (
        "download train submit SOURCE=sample LINEUP=quick UPLOAD=no",
        "train RESOURCES=GPU=1 CLUSTER=tcp://a:1",
        "kernel WAIT=5 VENV=.venv PYTHON=python3 DEBUG=1",
    ):
        done = make(PROJECT, "-n", *command.split())
        assert done.returncode == 0, done.stdout


# In place of Python, so that no environment is really made: its `pip` installs nothing, and does
# what the test says once it comes to a certain file.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip") case $* in *"${AT:-nothing}") eval "$DO" ;; esac ;;
"--version "*) echo Python 3.12.0 ;;
esac
"""


@pytest.fixture
def with_tune(clone: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A clone whose finished CPU environment has an extra, and variables that find a card."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text(FAKE_PYTHON)
    (tools / "nvidia-smi").write_text("#!/bin/sh\necho GPU 0: a card\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    variables = {"PYTHON": str(tools / "python"), "PATH": f"{tools}:{os.environ['PATH']}"}
    made = make(clone, "setup-tune", **variables)
    assert made.returncode == 0, made.stdout
    (clone / ".venv/old").touch()
    return clone, variables


def stamps(clone: Path) -> set[str]:
    return {path.name.removeprefix(".installed-") for path in clone.glob(".venv/.installed-*")}


def test_gpu_adds_to_the_environment_what_trains_on_a_card(
    with_tune: tuple[Path, dict[str, str]],
) -> None:
    clone, variables = with_tune
    # A variable of somebody's environment is not a request to install anything.
    assert make(clone, "-s", "setup-tune", GPU="1", **variables).stdout == ""
    done = make(clone, "setup", "GPU=1", **variables)
    assert done.returncode == 0, done.stdout
    assert stamps(clone) == {f"requirements{each}.txt" for each in ("", "-tune", "-gpu")}
    assert (clone / ".venv/old").exists(), "it is the same environment"


def test_gpu_without_a_card_changes_nothing(with_tune: tuple[Path, dict[str, str]]) -> None:
    if list(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists():
        pytest.skip("this machine has a card")
    clone, variables = with_tune
    (Path(variables["PYTHON"]).parent / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    refused = make(clone, "setup", "GPU=1", **variables)
    assert refused.returncode != 0
    assert "GPU=1 needs an NVIDIA card, and there is none here" in refused.stdout
    assert stamps(clone) == {"requirements.txt", "requirements-tune.txt"}


@pytest.mark.parametrize("fault", ["exit 1", "kill -TERM 0", "kill -INT 0", "kill -KILL 0"])
def test_an_installation_that_fails_leaves_what_was_there(
    with_tune: tuple[Path, dict[str, str]], fault: str
) -> None:
    clone, variables = with_tune
    failed = subprocess.run(
        ["make", "setup", "GPU=1"],
        cwd=clone,
        env=fresh_environment() | variables | {"AT": "requirements-gpu.txt", "DO": fault},
        start_new_session=True,
        check=False,
    )
    assert failed.returncode != 0
    # `make` may end at the signal before what it had started has ended.
    await_true(lambda: make(clone, "-s", "setup", **variables).returncode == 0, "the lock is free")
    assert (clone / ".venv/old").exists()
    assert stamps(clone) == {"requirements.txt", "requirements-tune.txt"}


def test_an_environment_for_exported_files_alone_becomes_a_whole_one(
    clone: Path, with_tune: tuple[Path, dict[str, str]]
) -> None:
    _, variables = with_tune
    shutil.rmtree(clone / ".venv")

    def set_up(kind: str) -> None:
        command = ["scripts/setup.sh", ".venv", kind]
        subprocess.run(command, cwd=clone, env=fresh_environment() | variables, check=True)

    set_up("use-alone")
    (clone / ".venv/old").touch()
    set_up("base")
    assert (clone / ".venv/old").exists()
    assert stamps(clone) == {"requirements.txt", "requirements-use.txt"}


@pytest.mark.slow
def test_two_first_commands_do_not_destroy_each_others_environment(clone: Path) -> None:
    pin_nothing(clone)
    lock = clone / ".venv.setup-lock"
    lock.mkdir()
    (lock / "process").write_text(str(os.getpid()))
    refused = make(clone, "setup")
    assert refused.returncode != 0
    assert f"process {os.getpid()} is setting up" in refused.stdout
    (lock / "process").write_text("99999999")  # of a command that was killed
    assert make(clone, "setup").returncode == 0
    assert not lock.exists()


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path) -> None:
    pin_nothing(clone)
    assert make(clone, "setup").returncode == 0
    for path in (clone / ".venv/bin").glob("python*"):
        path.unlink()
        path.symlink_to("/nowhere/python")
    repaired = make(clone, "setup")
    assert repaired.returncode == 0, repaired.stdout
    assert "Making the virtual environment" in repaired.stdout


def test_an_unsuitable_python_is_refused_by_name(clone: Path, tmp_path: Path) -> None:
    old = tmp_path / "python2"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 2.7.18 && exit 0\nexit 1\n')
    old.chmod(0o755)
    refused = make(clone, "setup", f"PYTHON={old}")
    assert refused.returncode != 0
    assert "is Python 2.7.18" in refused.stdout
    assert not (clone / ".venv").exists()


def test_pins_agree_with_each_other() -> None:
    def read(name: str) -> dict[str, str]:
        lines = (PROJECT / name).read_text().splitlines()
        pins = [line.split()[0] for line in lines if line and not line.startswith("#")]
        assert all("==" in pin for pin in pins), name
        return dict(pin.split("==") for pin in pins)

    base = read("requirements.txt")
    for name in ("requirements-dev.txt", "requirements-gpu.txt"):
        other = read(name)
        assert {key: other[key] for key in base.keys() & other.keys()} == {
            key: base[key] for key in base.keys() & other.keys()
        }
    assert "tensorflow-cpu" not in read("requirements-gpu.txt")
    assert not {"tensorflow", "tensorflow-cpu"} & read("requirements-dev.txt").keys()


def lend_environment(clone: Path) -> str:
    """The environment that runs this test, as one that `make` finds finished."""
    if not (ENVIRONMENT / ".made-by-setup").exists():
        pytest.skip("these tests run in an environment that `make setup` did not make")
    return str(ENVIRONMENT)


@pytest.mark.slow
def test_the_readmes_first_command_run_again_repeats_nothing(clone: Path) -> None:
    """With a small network; `.ci/run` takes the line-up that the README's command does."""
    venv = lend_environment(clone)
    variables = {"VENV": venv, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    command = ("download", "train", "submit", "EXPERIMENTS=dense-128-128")
    first = make(clone, *command, **variables)
    assert first.returncode == 0, first.stdout
    assert "BUNDLED SAMPLE" in first.stdout
    assert "Traceback" not in first.stdout
    score = re.search(r"Offline score.*?([0-9.]+) %", first.stdout, re.DOTALL)
    assert score
    assert float(score[1]) >= 85
    submission = clone / "submissions/submission.csv"
    assert len(submission.read_text().splitlines()) == 1 + 719

    before = submission.read_bytes()
    second = make(clone, *command, **variables)
    assert second.returncode == 0, second.stdout
    assert "already there" in second.stdout
    assert "fold 0:" not in second.stdout, "what was trained is not trained again"
    assert submission.read_bytes() == before

    validated = make(clone, "validate", **variables)
    assert validated.stdout.count("bit-identical to training") == 5, validated.stdout
    for target in ("report", "leaderboard"):
        done = make(clone, target, **variables)
        assert done.returncode == 0, done.stdout
        assert "dense-128-128" in done.stdout
    changed = make(clone, "train", "EXPERIMENTS=dense-128-128", "SET=epochs=2", **variables)
    assert changed.returncode != 0
    assert "NAME of its own" in changed.stdout
