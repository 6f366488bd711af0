"""What `make kernel` prints is what a person has to do next."""

from pathlib import Path

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.kernel.pack import pack_runs
from digit_recognizer.workspace import Workspace
from tests.commands import run, run_well
from tests.kaggle.server import KaggleServer
from tests.kaggle.state import Kernel
from tests.made_up_runs import FOLDS, make_up_run


def test_a_kernel_is_built_where_it_is_said_to_be(workspace: Workspace) -> None:
    told = run_well(workspace, "kernel", "--lineup", "quick", "--push", "no")
    folder = workspace.root / "kernel" / "digit-recognizer-quick"
    size = (folder / "digit-recognizer-quick.py").stat().st_size
    assert f"kernel/digit-recognizer-quick/digit-recognizer-quick.py: quick, {size:,} bytes" in told
    assert "INSERT_USERNAME in kernel/digit-recognizer-quick/kernel-metadata.json" in told
    assert "kaggle kernels push -p kernel/digit-recognizer-quick\n" in told

    refused = run(workspace, "kernel", "--experiments", "mine")
    assert refused.returncode == 1
    assert "no experiment 'mine'" in refused.stdout
    assert [path.name for path in workspace.kernel.iterdir()] == [folder.name]


def test_runs_are_installed_by_the_same_command(workspace: Workspace, tmp_path: Path) -> None:
    away = Workspace(tmp_path / "away")
    make_up_run(away)
    pack_runs(away, ["made-up"], tmp_path / "home" / "runs.zip")
    # The tests' home folder is where ~ leads.
    assert "runs/ now has made-up" in run_well(workspace, "kernel", "--runs", "~/runs.zip")
    assert not workspace.kernel.exists()
    make_up_run(workspace, seed=1)
    assert "FRESH=1" in run(workspace, "kernel", "--runs", "~/runs.zip").stdout
    run_well(workspace, "kernel", "--runs", "~/runs.zip", "--fresh")


def leave_runs(workspace: Workspace, tmp_path: Path) -> bytes:
    """What a kernel would leave in its output folder."""
    train, test = load_train(workspace), load_test(workspace)
    away = Workspace(tmp_path / "on kaggle")
    assert train.labels is not None
    make_up_run(
        away,
        "away",
        labels=train.labels,
        folds=assign_folds(train.labels, FOLDS, seed=0),
        data=fingerprint_of(train, test),
        test_images=len(test),
    )
    pack_runs(away, ["away"], tmp_path / "runs.zip")
    return (tmp_path / "runs.zip").read_bytes()


def test_a_kernel_is_pushed_watched_and_its_runs_installed(
    workspace: Workspace, tmp_path: Path, tiny_kaggle: KaggleServer
) -> None:
    tiny_kaggle.kernel = Kernel(
        statuses=["QUEUED", "RUNNING", "COMPLETE"],
        files={"runs.zip": leave_runs(workspace, tmp_path), "other": b"not asked for"},
        log="epoch 1\n",
    )
    environment = tiny_kaggle.environment(tiny_kaggle.token)
    told = run_well(workspace, "kernel", "--lineup", "quick", **environment)
    assert "Pushed: " in told
    assert "runs/ now has away, verified" in told
    pushed = tiny_kaggle.kernel.saved
    folder = workspace.kernel / "digit-recognizer-quick"
    assert [save["slug"] for save in pushed] == ["me/digit-recognizer-quick"]
    assert pushed[0]["text"] == (folder / "digit-recognizer-quick.py").read_text()
    assert pushed[0]["competitionDataSources"] == ["digit-recognizer"]
    assert pushed[0]["isPrivate"] and pushed[0]["enableGpu"]
    assert (folder / "output/log.txt").read_text() == "epoch 1\n"
    assert not (folder / "output/other").exists()
    assert "submission.csv: 60 rows, valid" in run_well(
        workspace, "submit", "--experiments", "away"
    )
    # The very same script is not run a second time; what it left is fetched again.
    assert "Kaggle has this very script" in run_well(
        workspace, "kernel", "--lineup", "quick", **environment
    )
    assert len(tiny_kaggle.kernel.saved) == 1


def test_a_kernel_that_fails_says_why_and_can_be_pushed_again(
    workspace: Workspace, tiny_kaggle: KaggleServer
) -> None:
    tiny_kaggle.kernel = Kernel(
        statuses=["ERROR"], log="no such\nGPU quota\n", failure_message="Your quota is used up"
    )
    environment = tiny_kaggle.environment(tiny_kaggle.token)
    for pushes in (1, 2):
        failed = run(workspace, "kernel", "--lineup", "quick", **environment)
        assert failed.returncode == 1
        assert "The kernel ended as error: Your quota is used up." in failed.stdout
        assert "GPU quota" in failed.stdout
        assert len(tiny_kaggle.kernel.saved) == pushes
    assert not workspace.runs.exists() or not list(workspace.runs.glob("*/config.json"))


def test_watching_ends_and_begins_again_without_a_second_push(
    workspace: Workspace, tmp_path: Path, tiny_kaggle: KaggleServer
) -> None:
    tiny_kaggle.kernel = Kernel(
        statuses=["RUNNING"], files={"runs.zip": leave_runs(workspace, tmp_path)}
    )
    environment = tiny_kaggle.environment(tiny_kaggle.token)
    stopped = run(workspace, "kernel", "--lineup", "quick", "--wait", "1", **environment)
    assert stopped.returncode == 1
    assert "still running" in stopped.stdout
    tiny_kaggle.kernel.statuses = ["COMPLETE"]
    assert "now has away" in run_well(workspace, "kernel", "--lineup", "quick", **environment)
    assert len(tiny_kaggle.kernel.saved) == 1
