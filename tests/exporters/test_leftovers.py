"""What a killed run leaves is found by the next one; what a living one needs is left alone."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from idbmigrate.exporters import leftovers
from idbmigrate.exporters.publish import Folder
from idbmigrate.exporters.whole import whole_file

ROOT = Path(__file__).resolve().parents[2]
#: publishes a folder and is killed on the way
KILLED = """
import os, signal, sys
from pathlib import Path
from idbmigrate.exporters import publish
real = publish.rename
def die(old, new):
    real(old, new)
    if {after} == "exchange":
        os.kill(os.getpid(), signal.SIGKILL)
publish.rename = die
with publish.Folder(sys.argv[1], overwrite=True) as folder:
    (folder / "manifest.json").write_text("new")
    if {after} == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


def killed(out: Path, after: str) -> None:
    code = KILLED.format(after=repr(after))
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL


def published(out: Path, text: str) -> list[str]:
    """Publish once more; what was said of leftovers."""
    said: list[str] = []
    with Folder(out, overwrite=True, notice=said.append) as folder:
        (folder / "manifest.json").write_text(text)
    return said


def test_a_killed_run_is_cleared_away_and_named(tmp_path):
    out = tmp_path / "out"
    killed(out, "writing")
    [part, lock] = sorted(tmp_path.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert part.suffix == ".part" and lock.suffix == ".lock"
    [said] = published(out, "next")
    assert part.name in said
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_old_folder_comes_back_where_the_new_one_did_not_arrive(tmp_path):
    out = tmp_path / "out"
    published(out, "old")
    killed(out, "exchange")  # after the old one has gone, before the new one is there
    assert not out.exists()
    [said, _] = leftovers.clear(tmp_path)  # the old folder is back, the new one has gone
    assert said.startswith(f"put {out} back")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "manifest.json").read_text() == "old"


def test_a_living_run_keeps_its_folder(tmp_path):
    with Folder(tmp_path / "out") as folder:
        (folder / "manifest.json").write_text("mine")
        assert published(tmp_path / "other", "theirs") == []
        code = "import sys; from pathlib import Path; from idbmigrate.exporters import leftovers\n"
        code += "print(leftovers.clear(Path(sys.argv[1])))"
        words = [sys.executable, "-c", code, str(tmp_path)]
        assert subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"
    assert (tmp_path / "out" / "manifest.json").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


def test_a_hidden_folder_of_somebody_else_stays(tmp_path):
    theirs = tmp_path / ".data.0123abcd.part"
    theirs.mkdir()
    assert leftovers.clear(tmp_path) == [] and theirs.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("readable", [False, True])
def test_only_the_owner_reads_it_unless_others_may(readable, tmp_path):
    before = os.umask(0o022)
    try:
        with Folder(tmp_path / "out", readable_by_others=readable) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # while it is made, in any case
            (folder / "csv").mkdir()
            (folder / "csv" / "T.csv").write_text("x")
            (folder / "manifest.json").write_text("{}")
        with whole_file(tmp_path / "one.csv") as part:
            part.write_text("x")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out", tmp_path / "out" / "csv")}
    assert modes == ({0o644} if readable else {0o600})
    assert folders == ({0o755} if readable else {0o700})
    assert stat.S_IMODE((tmp_path / "one.csv").stat().st_mode) == 0o600


def test_what_cannot_be_removed_is_named_and_found_again(tmp_path, monkeypatch):
    def refuse(place):
        raise PermissionError(13, "Permission denied")

    killed(tmp_path / "out", "writing")
    with monkeypatch.context() as patch:
        patch.setattr(leftovers.shutil, "rmtree", refuse)
        [said] = leftovers.clear(tmp_path)
    assert said.startswith("cannot remove") and "patients' data" in said
    [said] = leftovers.clear(tmp_path)
    assert said.startswith("removed") and not list(tmp_path.iterdir())
