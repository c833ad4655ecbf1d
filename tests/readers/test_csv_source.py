"""A folder of CSV becomes what the Access file becomes that it was exported from, cell by cell."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import idbmigrate
from idbmigrate.readers import open_idb
from tests.golden.cases import ROOT

SAMPLES = sorted((ROOT / "sample_idb").glob("*.*db"))
DAY_ZERO = dt.date(1899, 12, 30)


@dataclass(frozen=True)
class Style:
    """How an exporter writes: its dates, what stands for a missing value, characters and quotes."""

    day: str = "%Y-%m-%d"
    midnight: bool = False
    null: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    end: str = "\n"
    all_quoted: bool = False


STYLES = {
    "iso": Style(midnight=True),
    "sql-server": Style(null="NULL", encoding="utf-8-sig", end="\r\n"),
    "british": Style(day="%d/%m/%Y", encoding="cp1252", delimiter=";", end="\r\n"),
    "unicode-text": Style(day="%d/%m/%Y", null="NULL", encoding="utf-16", delimiter="\t", end="\r\n"),
    "all-quoted": Style(null="NULL", encoding="cp1252", delimiter="|", all_quoted=True),
}


def shown(value, style: Style) -> str:
    if value is None:
        return style.null
    if isinstance(value, dt.datetime):
        clock = value.strftime("%H:%M:%S")
        if value.date() == DAY_ZERO:
            return clock
        behind = f" {clock}" if style.midnight or clock != "00:00:00" else ""
        return value.strftime(style.day) + behind
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def field(value, style: Style) -> str:
    """In quotes where it must be, and where the text could be taken for a missing value."""
    text = shown(value, style)
    special = value is not None and text in ("", "NULL")
    if style.all_quoted or special or any(sign in text for sign in f'"\r\n{style.delimiter}'):
        return '"' + text.replace('"', '""') + '"'
    return text


def encoded(text: str, encoding: str) -> bytes:
    """In the encoding, or in UTF-8 where it has no sign for a letter."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8")


def exported(path: Path, folder: Path, style: Style) -> Path:
    """The tables of an Access file as CSV in the style, numbers and texts as a plain exporter writes them."""
    folder.mkdir()
    with open_idb(path) as idb:
        for name in idb.tables:
            table = idb.read(name)
            rows = [table.column_names, *(row.values() for row in table.to_pylist())]
            lines = [style.delimiter.join(field(value, style) for value in row) + style.end for row in rows]
            (folder / f"{name}.csv").write_bytes(encoded("".join(lines), style.encoding))
    return folder


def left(run) -> list[tuple]:
    lines = [json.loads(json.dumps(line)) for line in run.summary["left_behind"]]
    return sorted(tuple(sorted(line.items())) for line in lines)


def assert_same(one, other) -> None:
    """Every cell of every table, every count of the ledger."""
    assert list(one.tables) == list(other.tables)
    for name, table in one.tables.items():
        for column in table.column_names:
            mine, its = table[column].to_pylist(), other.tables[name][column].to_pylist()
            assert mine == its, f"{name}.{column}"
    assert left(one) == left(other)


#: one file in each style, the others in one each
CASES = [
    pytest.param(path, style, id=f"{path.name}-{style}")
    for number, path in enumerate(SAMPLES)
    for other, style in enumerate(STYLES)
    if path.name == "iapt-1.5.mdb" or other == 4 - number % 5
]


@cache
def of_access(path: Path):
    return idbmigrate.convert(path, to="iapt-2.1")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "style"), CASES)
def test_every_cell_is_that_of_the_access_file(path, style, tmp_path):
    folder = exported(path, tmp_path / path.stem, STYLES[style])
    assert_same(of_access(path), idbmigrate.convert(folder, to="iapt-2.1"))


def test_a_zip_is_its_folder(tmp_path, sample_idb):
    folder = exported(sample_idb / "iapt-1.5.mdb", tmp_path / "april", STYLES["sql-server"])
    packed = tmp_path / "april.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"april/{file.name}")
    places = {path: tmp_path / f"out-{path.name}" for path in (folder, packed)}
    one, other = (idbmigrate.convert(path, to="iapt-2.1", out=out) for path, out in places.items())
    assert_same(one, other)
    wanted, found = places.values()
    for file in ("findings.csv", *(f"csv/{name}.csv" for name in one.tables)):
        assert (wanted / file).read_bytes() == (found / file).read_bytes(), file
    digests = json.loads((wanted / "manifest.json").read_text())["input"]["files"]
    assert [each["file"] for each in digests] == sorted(file.name for file in folder.iterdir())


@pytest.mark.skipif(not shutil.which("mdb-export"), reason="mdb-export is not installed")
@pytest.mark.parametrize("path", [p for p in SAMPLES if "messy" not in p.name], ids=lambda path: path.name)
def test_what_mdb_export_writes_is_the_access_file(path, tmp_path):
    folder = tmp_path / "exported"
    folder.mkdir()
    words = ("mdb-export", "-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S", "-B")
    with open_idb(path) as idb:
        for name in idb.tables:
            done = subprocess.run([*words, str(path), name], capture_output=True, check=True)
            (folder / f"{name}.csv").write_bytes(done.stdout)
    assert_same(of_access(path), idbmigrate.convert(folder, to="iapt-2.1"))
