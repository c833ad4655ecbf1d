"""Everything that can go wrong at the main job: one clear message, the right exit code, no traceback,
nothing half done, and the source as it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from idbmigrate import exporters

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
#: makes the main job stop itself in the middle of writing its output
STOPPER = """
import os, signal, sys, time
from idbmigrate.exporters import csv
real = csv.write
def write(tables, folder, create):
    paths = real(tables, folder, create)
    os.kill(os.getpid(), signal.{name})
    time.sleep(1)
    with create(folder / "more.csv") as file:
        file.write(b"more")
    time.sleep(1000)
csv.write = write
from idbmigrate.cli import main
main(sys.argv[1:])
"""
#: makes the system refuse to write any file longer than some bytes, as a full disk does
SMALL_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from idbmigrate.cli import main
main(sys.argv[1:])
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*words: str | Path, code: str | None = None, **options) -> subprocess.CompletedProcess:
    start = ["-c", code] if code else ["-m", "idbmigrate"]
    command = [sys.executable, *start, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def assert_failed(result: subprocess.CompletedProcess, code: int, word: str) -> None:
    """One message on stderr, with code and hint, and no traceback."""
    assert result.returncode == code, result.stderr
    assert result.stderr.count("error:") == 1, result.stderr
    assert f"[{word}]" in result.stderr
    assert "Traceback" not in result.stderr and "Warning" not in result.stderr
    assert len(result.stderr.splitlines()) <= 4
    assert result.stdout == ""


@pytest.fixture
def source(tmp_path, sample_idb) -> Path:
    """A copy of a good file, alone in a folder."""
    (tmp_path / "in").mkdir()
    return Path(shutil.copy(sample_idb / "iapt-1.5.mdb", tmp_path / "in" / "file.mdb"))


@pytest.fixture
def out(tmp_path) -> Path:
    """A place for output, in a folder of its own so that leavings would be seen."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work" / "out"


def convert(source: Path, out: Path, *words: str | Path, **options) -> subprocess.CompletedProcess:
    return run("convert", source, "--to", "iapt-2.1", "--out", out, *words, **options)


def text_file(path: Path) -> None:
    path.write_bytes(b"name,value\n" * 2000)


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def keep(count: int):
    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:count])

    cut.__name__ = f"first_{count}_bytes"
    return cut


def half(path: Path) -> None:
    keep(path.stat().st_size // 2)(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def absent(path: Path) -> None:
    path.unlink()


def other_tables(path: Path) -> None:
    path.unlink()
    write_tables(path, {"Stock": ["Item", "Price"]})


def without_persons(path: Path) -> None:
    """The tables of the file but the one that the mapping needs most."""
    from idbmigrate import open_idb

    with open_idb(path) as idb:
        names = {name: [column.name for column in idb.columns(name)] for name in idb.tables}
    path.unlink()
    write_tables(path, {name: columns for name, columns in names.items() if "person" not in name.lower()})


def write_tables(path: Path, tables: dict[str, list[str]]) -> None:
    from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database

    create_database(path)
    with DatabaseWriter(path) as writer:
        for name, columns in tables.items():
            writer.create_table(name, [NewColumn(column, "TEXT", 50) for column in columns])


def protected(path: Path) -> None:
    """The stored password of Jet 4 lies masked in the first page: any other bytes there are one."""
    data = bytearray(path.read_bytes())
    data[0x42:0x4A] = bytes(
        byte ^ mask for byte, mask in zip(data[0x42:0x4A], b"s\x00e\x00s\x00m\x00", strict=True)
    )
    path.write_bytes(data)


SOURCES = [
    (text_file, "not-access"),
    (empty_file, "empty-file"),
    (keep(100), "truncated"),
    (keep(5000), "truncated"),
    (half, "truncated"),
    (absent, "not-found"),
    (folder, "csv-missing"),
    (other_tables, "unknown-dataset"),
    (without_persons, "missing-table"),
    (protected, "password-needed"),
]


#: inspect shows whatever tables there are, known or not
CASES = [("convert", *case) for case in SOURCES]
CASES += [("inspect", *case) for case in SOURCES if case[1] not in ("missing-table", "unknown-dataset")]


@pytest.mark.parametrize(
    ("verb", "spoil", "word"), CASES, ids=[f"{verb}-{spoil.__name__}" for verb, spoil, _ in CASES]
)
def test_sources_that_cannot_be_read(verb, spoil, word, source, out):
    spoil(source)
    before = digest(source) if source.is_file() else None
    result = convert(source, out) if verb == "convert" else run("inspect", source)
    assert_failed(result, 3, word)
    assert "hint:" in result.stderr
    assert os.listdir(out.parent) == []
    assert (digest(source) if source.is_file() else None) == before


def test_wrong_password(source, out):
    protected(source)
    result = convert(source, out, "--password", "opensesame")
    assert_failed(result, 3, "wrong-password")
    assert "opensesame" not in result.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may read anything")
def test_no_permission_to_read(source, out):
    source.chmod(0)
    assert_failed(convert(source, out), 3, "not-readable")


USAGE = [
    (["--to", "iapt-9.9"], 2, "unknown-name"),
    (["--source", "nonsense"], 2, "unknown-name"),
    (["--set", "nonsense=1"], 2, "bad-option"),
    (["--period", "2016-13"], 2, "bad-option"),
    (["--period", "2016-04", "--split", "month"], 2, "bad-option"),
    (["--overlay", "absent.yaml"], 2, "not-found"),
]


@pytest.mark.parametrize(("words", "code", "word"), USAGE, ids=[" ".join(words) for words, *_ in USAGE])
def test_wrong_words(words, code, word, source, out):
    result = convert(source, out, *words)
    assert_failed(result, code, word)
    assert os.listdir(out.parent) == []


def test_json_errors_are_one_document(source, out):
    empty_file(source)
    result = convert(source, out, "--json")
    assert (result.returncode, result.stderr) == (3, "")
    document = json.loads(result.stdout)
    assert document["error"] == "empty-file" and document["hint"]


def test_output_exists(source, out):
    out.mkdir()
    (out / "precious.txt").write_text("precious")
    for words in ([], ["--overwrite"]):
        assert_failed(convert(source, out, *words), 6, "output-exists")
    assert os.listdir(out) == ["precious.txt"] and os.listdir(out.parent) == ["out"]


def test_output_below_a_file(source, out):
    out.write_text("a file")
    assert_failed(convert(source, out / "below"), 6, "output-failed")
    assert os.listdir(out.parent) == ["out"]


FORMATS = [[name] for name in exporters.FORMATS]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("formats", FORMATS, ids=lambda names: names[0])
def test_a_write_that_the_system_refuses(formats, source, out):
    before = digest(source)
    result = convert(source, out, "--format", *formats, code=SMALL_FILES)
    assert_failed(result, 6, "output-failed")
    assert os.listdir(out.parent) == []
    assert digest(source) == before


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 256 KB, where the test may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    words = [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if mount is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("only the administrator of a Linux machine can make a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("formats", FORMATS, ids=lambda names: names[0])
def test_a_full_disk(formats, source, tiny_disk):
    result = convert(source, tiny_disk / "out", "--format", *formats)
    assert_failed(result, 6, "output-failed")
    assert "no space left" in result.stderr and "--out" in result.stderr
    assert os.listdir(tiny_disk) == []


def test_a_full_disk_leaves_the_earlier_output_alone(source, out):
    assert convert(source, out).returncode == 0
    before = {path: digest(path) for path in out.rglob("*") if path.is_file()}
    if os.name != "nt":
        result = convert(source, out, "--overwrite", "--format", "xml", code=SMALL_FILES)
        assert_failed(result, 6, "output-failed")
    assert {path: digest(path) for path in out.rglob("*") if path.is_file()} == before
    assert os.listdir(out.parent) == ["out"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send the signal to itself alone")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_in_the_middle_of_writing(name, source, out):
    before = digest(source)
    result = convert(source, out, code=STOPPER.format(name=name))
    assert_failed(result, 6, "interrupted")
    assert os.listdir(out.parent) == []
    assert digest(source) == before


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_interrupt_while_a_query_runs(source, out):
    """The database engine answers an interrupt with an error of its own."""
    code = (
        "import threading, os, signal, sys, time\n"
        "from idbmigrate import engine\n"
        "real = engine.open_engine\n"
        "def open_engine(*a, **k):\n"
        "    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    found = real(*a, **k)\n"
        "    time.sleep(0.2)\n"
        "    return found\n"
        "engine.open_engine = open_engine\n"
        "from idbmigrate.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    assert_failed(convert(source, out, code=code), 6, "interrupted")
    assert os.listdir(out.parent) == []


def test_the_source_is_never_written(source, out):
    source.chmod(0o400)
    before = (digest(source), source.stat().st_mtime_ns)
    assert convert(source, out).returncode == 0
    assert (digest(source), source.stat().st_mtime_ns) == before
    assert os.listdir(source.parent) == ["file.mdb"]


def test_a_closed_pipe_is_no_error(source):
    command = f"{sys.executable} -m idbmigrate inspect {source} | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stderr == ""
