"""The verbs of an archive on the command line: what they print, and with which code they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from tests.archive.making import tables_of, write
from tests.corpus import encryptor


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "idbmigrate", "archive", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})


def document(*words: str | Path, code: int = 0, **variables: str) -> dict:
    done = run(*words, "--json", **variables)
    assert done.returncode == code, done.stderr
    assert not done.stderr
    return json.loads(done.stdout)


def test_a_whole_course(tmp_path):
    folder, inbox = tmp_path / "a", tmp_path / "in"
    write(inbox / "RX1_2016-05_primary.mdb", tables_of("2016-05", "RX1"))
    locked = write(inbox / "RX1_2016-06.accdb", tables_of("2016-06", "RX1"))
    locked.write_bytes(encryptor.agile(locked.read_bytes(), "one two"))
    (inbox / "x.txt").write_text("no database", encoding="utf-8")
    added = document("add", folder, inbox, "--processes", "2")
    assert added["verdicts"] == {"other": 1, "protected": 1, "readable": 1}
    assert (added["files"], added["read"], added["new"]) == (3, 3, 3)
    (tmp_path / "words").write_text("wrong\none two\n", encoding="utf-8")
    told = run("add", folder, inbox, "--password-file", tmp_path / "words")
    assert told.returncode == 0 and not told.stderr
    assert "3 files on the disk, 0 new, 3 known before; 1 read" in told.stdout
    assert "x.txt" in told.stdout and "not a Microsoft Access database" in told.stdout
    shown = run("status", folder)
    assert shown.returncode == 0 and "Providers and months" in shown.stdout
    assert not document("verify", folder)["wrong"]
    again = document("verify", folder, "--reread", IDBMIGRATE_PASSWORD="one two")
    assert again["sound"] and again["reread"] == 2
    assert document("bag", folder, tmp_path / "bag")["files"] == 3
    locked.unlink()
    assert document("verify", folder, code=5)["wrong"][0]["problem"] == "gone"
    assert "gone" in run("verify", folder).stdout
    error = document("bag", folder, tmp_path / "other", code=3)
    assert error["error"] == "not-found" and not (tmp_path / "other").exists()


def test_errors_have_their_code(tmp_path):
    assert document("status", tmp_path, code=2)["error"] == "not-an-archive"
    assert document("add", tmp_path / "a", tmp_path / "none", code=3)["error"] == "not-found"
    assert not document("add", tmp_path / "a")["files"]
    with FileLock(tmp_path / "a" / ".lock"):
        busy = document("add", tmp_path / "a", "--no-wait", code=6)
        assert busy["error"] == "archive-busy" and busy["where"] == str(tmp_path / "a")
    assert document("add", tmp_path / "a", "--pattern", "{x}", code=2)["where"] == "--pattern"
