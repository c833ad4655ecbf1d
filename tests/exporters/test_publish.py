"""The output folder: whole or not at all, and never somebody else's."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from idbmigrate.errors import OutputError
from idbmigrate.exporters import publish
from idbmigrate.exporters.publish import Folder, write_manifest


def put(folder: Path, text: str = "new") -> None:
    (folder / "csv").mkdir()
    (folder / "csv" / "a.csv").write_text(text)
    write_manifest(folder, {"tool": "idbmigrate"})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with Folder(tmp_path / "out") as folder:
        put(folder, "old")
    return tmp_path / "out"


def test_published_whole(tmp_path):
    out = tmp_path / "new" / "parents" / "out"
    with Folder(out) as folder:
        put(folder)
        assert not out.exists()
        assert folder.parent == out.parent and folder.name.startswith(".")
    assert (out / "csv" / "a.csv").read_text() == "new"
    assert os.listdir(out.parent) == ["out"]


def test_manifest_names_every_file_and_is_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        with Folder(tmp_path / name) as folder:
            put(folder)
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert one == two
    digest = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"
    assert json.loads(one)["outputs"] == {"csv/a.csv": {"bytes": 3, "sha256": digest}}


@pytest.mark.parametrize(
    "fault",
    [ValueError(), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")],
    ids=lambda fault: type(fault).__name__,
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_any_fault_leaves_nothing_behind(tmp_path, old, fault, overwrite):
    out = old if overwrite else tmp_path / "deep" / "er"
    with pytest.raises(BaseException) as caught, Folder(out, overwrite=overwrite) as folder:
        put(folder)
        raise fault
    if isinstance(fault, OSError):
        assert (caught.value.code, caught.value.exit_code) == ("output-failed", 6)
        assert caught.value.where == str(out)
    else:
        assert caught.value is fault
    assert os.listdir(tmp_path) == ["out"]
    assert (old / "csv" / "a.csv").read_text() == "old"


def test_an_error_of_the_source_is_not_taken_for_one_of_the_output(tmp_path):
    with pytest.raises(FileNotFoundError), Folder(tmp_path / "out"):
        (tmp_path / "no source").read_bytes()


def test_exists_without_overwrite(tmp_path, old):
    with pytest.raises(OutputError, match="--overwrite") as caught, Folder(old):
        raise AssertionError("nothing is to be done before the place is known to be free")
    assert caught.value.code == "output-exists"


def test_overwrite_replaces_all_of_it(tmp_path, old):
    (old / "stale.csv").write_text("stale")
    with Folder(old, overwrite=True) as folder:
        put(folder)
        assert (old / "csv" / "a.csv").read_text() == "old"
    assert sorted(path.name for path in old.rglob("*")) == ["a.csv", "csv", "manifest.json"]
    assert (old / "csv" / "a.csv").read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("place", ["foreign", "file", "source"])
def test_overwrite_refuses_what_is_not_ours_to_delete(tmp_path, old, place):
    source = tmp_path / "elsewhere.mdb"
    if place == "foreign":
        (old / "manifest.json").unlink()
    elif place == "file":
        old = tmp_path / "file"
        old.write_text("precious")
    else:
        source = old / "csv" / "a.csv"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as caught, Folder(old, overwrite=True, sources=[source]):
        pass
    assert caught.value.code == "output-exists"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_rename_brings_the_old_folder_back(tmp_path, old, failing, monkeypatch):
    real, calls = os.rename, []

    def rename(source, target):
        calls.append(source)
        if len(calls) == failing:
            raise OSError(errno.EIO, "disk fault")
        real(source, target)

    monkeypatch.setattr(publish.os, "rename", rename)
    with pytest.raises(OutputError) as caught, Folder(old, overwrite=True) as folder:
        put(folder)
    assert caught.value.code == "output-failed"
    assert os.listdir(tmp_path) == ["out"]
    assert (old / "csv" / "a.csv").read_text() == "old"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="permission denied"), Folder(tmp_path / "out"):
        pass
