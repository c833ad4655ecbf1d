"""An archive call that is killed anywhere: the next one goes on, nothing is read twice, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idbmigrate import archive
from tests.archive.test_add import content

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")


def start(folder: Path, inbox: Path, processes: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "idbmigrate", "archive", "add", folder, inbox, "--processes", processes]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def staged(folder: Path) -> dict[str, int]:
    """The staged folders and when they were made: a folder is made once."""
    return {p.name: p.stat().st_ctime_ns for p in (folder / "staged").glob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_random_moments(inbox, tmp_path, processes):
    whole, folder = tmp_path / "whole", tmp_path / "a"
    archive.add(whole, [inbox], processes=1)
    draw = random.Random(processes)
    before: dict[str, int] = {}
    kills = 0
    for _ in range(12):
        call = start(folder, inbox, processes)
        moment = time.monotonic() + draw.uniform(0.2, 2.5)
        while call.poll() is None and time.monotonic() < moment:
            time.sleep(0.01)
        if call.poll() is None:
            call.send_signal(signal.SIGKILL)
            kills += 1
        call.wait()
        if (folder / "staged").is_dir():
            now = staged(folder)
            assert {name: now.get(name) for name in before} == before
            before = now
    assert kills
    archive.add(folder, processes=1)  # goes on without being told of any path, where one was looked at
    archive.add(folder, [inbox], processes=1)
    now = staged(folder)
    assert {name: now[name] for name in before} == before
    assert content(folder) == content(whole)
    assert (folder / "submissions.csv").read_bytes() == (whole / "submissions.csv").read_bytes()
    assert not (folder / "scratch").exists()


def test_stopped_between_the_folder_and_the_catalogue(inbox, tmp_path, monkeypatch):
    """The folder has its name, and the catalogue does not speak of it yet: it is taken as it is."""
    from idbmigrate.archive.catalogue import Catalogue

    def stop(self, reading, mark):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "add_reading", stop)
        with pytest.raises(KeyboardInterrupt):
            archive.add(tmp_path / "a", [inbox / "RY2"], processes=1)
    assert len(staged(tmp_path / "a")) == 1 and not archive.submissions(tmp_path / "a")
    monkeypatch.setattr("idbmigrate.archive.reading.open_idb", None)
    archive.add(tmp_path / "a", processes=1)
    [found] = archive.submissions(tmp_path / "a")
    assert found.provider == "RY2" and found.readable


def test_stopped_in_the_middle_of_a_zip(inbox, tmp_path, monkeypatch):
    """What a zip inside a zip holds is not lost where the call ends before it was looked into."""
    from idbmigrate.archive import originals

    def stop(path, bound, depth, folder):
        if depth == 2:
            raise KeyboardInterrupt
        return look(path, bound, depth, folder)

    look = originals.look_inside
    with monkeypatch.context() as patch:
        patch.setattr(originals, "look_inside", stop)
        with pytest.raises(KeyboardInterrupt):
            archive.add(tmp_path / "a", [inbox / "sent.zip"], processes=1)
    archive.add(tmp_path / "a", processes=1)
    archive.add(tmp_path / "b", [inbox / "sent.zip"], processes=1)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(archive.submissions(tmp_path / "a")) == 2
