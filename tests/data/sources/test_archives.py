"""Hostile and damaged archives: refused with one message, and nothing comes out of them."""

import gzip
import random
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from digit_recognizer.data.sources import local
from digit_recognizer.workspace import ProjectError, Workspace
from tests.data.sources.files import (
    FILES,
    METHODS,
    assert_refused,
    contents_of,
    members_of,
    pack,
)


@pytest.mark.parametrize(
    "name",
    [
        *("../train.csv", "..\\train.csv", "../../train.csv", "data/../../train.csv"),
        *("/train.csv", "/tmp/train.csv", "//train.csv", "C:/train.csv", "C:\\data\\train.csv"),
        "a/../train.csv",
    ],
)
def test_a_member_that_points_out_of_the_archive_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, name: str
) -> None:
    members = {name: b"evil", **members_of(tiny_source)}
    archive = pack(tmp_path / "data.zip", members)
    around = contents_of(tmp_path)
    assert "points out of the archive" in assert_refused(workspace, archive)
    assert contents_of(tmp_path) == around


def test_a_member_too_deep_in_folders_is_named(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source, "one/two/"))
    message = assert_refused(workspace, archive)
    assert "'one/two/train.csv'; expected train.csv at the top or in one folder" in message


def test_a_member_that_is_a_link_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "data.zip"
    secret = tmp_path / "secret"
    secret.write_text("not to be read")
    with zipfile.ZipFile(archive, "w") as opened:
        for name, contents in members_of(tiny_source).items():
            member = zipfile.ZipInfo(name)
            if name == "train.csv":
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
                contents = str(secret).encode()
            opened.writestr(member, contents)
    assert "holds 'train.csv' as a link, not as a file" in assert_refused(workspace, archive)


def test_a_member_that_is_there_twice_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    members = {**members_of(tiny_source), "copy/train.csv": b"another"}
    message = assert_refused(workspace, pack(tmp_path / "data.zip", members))
    assert "holds train.csv 2 times" in message

    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for name in (*FILES, "train.csv"):
            archive.writestr(name, (tiny_source / name).read_bytes())
    assert "holds train.csv 2 times" in assert_refused(workspace, tmp_path / "data.zip")


def test_an_encrypted_archive_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source))
    contents = bytearray(archive.read_bytes())
    place = contents.find(b"PK\x01\x02")
    while place >= 0:  # the flag in each entry of the central directory
        contents[place + 8] |= 1
        place = contents.find(b"PK\x01\x02", place + 4)
    archive.write_bytes(contents)
    assert "is encrypted; unpack it first" in assert_refused(workspace, archive)


@pytest.mark.parametrize("packing", ["zip", "zip in a folder", "gzip", "plain"])
def test_a_bomb_is_capped_while_it_is_read(
    workspace: Workspace,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    packing: str,
) -> None:
    bomb = (folder / "train.csv").read_bytes() + bytes(20 << 20)
    source = folder
    if packing == "zip":
        source = pack(tmp_path / "data.zip", {**members_of(folder), "train.csv": bomb})
        assert source.stat().st_size < len(bomb) // 50
    elif packing == "zip in a folder":
        pack(folder / "train.csv", {"train.csv": bomb})
    elif packing == "gzip":
        (folder / "train.csv").write_bytes(gzip.compress(bomb))
    else:
        (folder / "train.csv").write_bytes(bomb)
    limit = 3 << 20
    monkeypatch.setattr(local, "LARGEST_FILE", limit)
    written = 0
    write_all = local.write_all

    def count(file: object, chunk: bytes) -> None:
        nonlocal written
        written += len(chunk)
        write_all(file, chunk)  # type: ignore[arg-type]
        incoming = next(workspace.data.glob(".incoming-*"))
        assert sum(path.stat().st_size for path in incoming.iterdir()) == written

    monkeypatch.setattr(local, "write_all", count)
    assert "train.csv" in (message := assert_refused(workspace, source))
    assert "is larger than 3 MiB unpacked" in message
    assert 0 < written <= limit


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_archive_with_damaged_bytes_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, method: int
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source), method)
    contents = bytearray(archive.read_bytes())
    contents[200] ^= 0x55  # inside train.csv, the first member
    archive.write_bytes(contents)
    message = assert_refused(workspace, archive)
    assert f"{archive} cannot be read or unpacked" in message
    assert "Fetch it again" in message


def test_an_archive_that_was_cut_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    whole = pack(tmp_path / "whole.zip", members_of(tiny_source)).read_bytes()
    archive = tmp_path / "data.zip"
    for length in [4, 30, 1000, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        archive.write_bytes(whole[:length])
        assert str(archive) in assert_refused(workspace, archive)


@pytest.mark.parametrize("method", [*METHODS.values(), None], ids=[*METHODS, "gzip"])
def test_random_damage_to_an_archive_never_ends_in_another_error_or_other_bytes(
    tmp_path: Path, method: int | None
) -> None:
    whole = {name: f"{name},1,2,3,0,0,0,0\n".encode() * 30 for name in FILES}
    source = tmp_path / "source"
    source.mkdir()
    archive = source / ("train.csv" if method is None else "data.zip")
    if method is None:
        archive.write_bytes(gzip.compress(whole["train.csv"]))
    else:
        pack(archive, whole, method)
    contents = archive.read_bytes()
    refused = 0
    for seed in range(150):
        draw = random.Random(seed)
        damaged = bytearray(contents)
        for _ in range(draw.randint(1, 3)):
            damaged[draw.randrange(4, len(damaged))] = draw.randrange(256)
        archive.write_bytes(damaged[: draw.choice([None, None, draw.randrange(4, len(damaged))])])
        incoming = tmp_path / f"incoming-{seed}"
        incoming.mkdir()
        try:
            local.write_local(source if method is None else archive, incoming)
        except ProjectError:
            refused += 1
            continue
        assert all(path.read_bytes() == whole[path.name] for path in incoming.iterdir())
    assert refused > 50
