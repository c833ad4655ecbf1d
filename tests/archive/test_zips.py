"""Zips that mean harm, or are broken: refused with a reason, and nothing lands outside the archive."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from idbmigrate import archive
from idbmigrate.archive import originals


@pytest.fixture
def database(inbox) -> bytes:
    return (inbox / "RX1/2016/May primary.mdb").read_bytes()


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def add(tmp_path: Path, path: Path, **options) -> dict:
    archive.add(tmp_path / "a", [path], processes=1, **options)
    return archive.status(tmp_path / "a")


@pytest.mark.parametrize(
    "name", ["../evil.mdb", "/etc/evil.mdb", "a/../../evil.mdb", "C:/evil.mdb", "..\\evil.mdb"]
)
def test_names_that_lead_out_are_refused(tmp_path, database, name):
    before = {*tmp_path.rglob("*")}
    path = zipped(tmp_path / "z.zip", {name: database, "good.mdb": database + b"\0" * 4096})
    status = add(tmp_path, path)
    assert [line["name"] for line in status["refused"]] == [name]
    assert "leads out" in status["refused"][0]["problem"]
    outside = {p for p in tmp_path.rglob("*") if tmp_path / "a" not in (p, *p.parents)} - before
    assert outside == {path}
    assert any(name in line["places"][0] for line in status["decide"])
    assert status["files"]["files"] == 2  # the zip and the good one


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(originals, "_SMALL", 1 << 20)
    path = zipped(tmp_path / "z.zip", {"bomb.mdb": b"\0" * (8 << 20)})
    assert path.stat().st_size < 20_000
    [line] = add(tmp_path, path)["refused"]
    assert "times its size" in line["problem"]


def test_all_of_a_zip_has_a_bound(tmp_path, database):
    path = zipped(tmp_path / "z.zip", {f"{n}.mdb": database + bytes([n]) for n in range(5)})
    status = add(tmp_path, path, unpack_limit=3 * len(database))
    assert status["files"]["verdicts"] == {"refused": 1}
    assert "--unpack-limit" in status["not_read"][0]["message"]
    assert not (tmp_path / "a" / "scratch").exists()
    status = add(tmp_path, path)  # and with more it is read
    assert status["files"]["verdicts"]["zip"] == 1 and status["files"]["files"] == 6


def test_a_bomb_in_zips_in_zips(tmp_path):
    inner = zipped(tmp_path / "i.zip", {f"{n}": b"\0" * (1 << 20) for n in range(8)}).read_bytes()
    path = zipped(tmp_path / "z.zip", {f"{n}.zip": inner + bytes([n]) for n in range(4)})
    verdicts = add(tmp_path, path, unpack_limit=10 << 20)["files"]["verdicts"]
    assert verdicts["refused"] >= 3


def test_zips_too_deep_are_refused(tmp_path, database):
    content = database
    for depth in range(originals.DEPTH + 1):
        name = "file.mdb" if depth == 0 else "inner.zip"
        content = zipped(tmp_path / "z.zip", {name: content}).read_bytes()
    status = add(tmp_path, tmp_path / "z.zip")
    assert [line["problem"] for line in status["refused"]] == [f"a zip inside {originals.DEPTH} others"]


def test_a_header_that_lies_about_the_size(tmp_path, database):
    path = zipped(tmp_path / "z.zip", {"file.mdb": database})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 1000)  # the unpacked size of the directory
    path.write_bytes(content)
    status = add(tmp_path, path)
    assert status["refused"][0]["problem"] == "its packed bytes are damaged"


def test_links_and_passwords_in_a_zip(tmp_path):
    link = zipfile.ZipInfo("link.mdb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    content = bytearray(zipped(tmp_path / "p.zip", {"secret.mdb": b"abc"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "p.zip").write_bytes(content)
    add(tmp_path, tmp_path / "z.zip")
    problems = {line["name"]: line["problem"] for line in add(tmp_path, tmp_path / "p.zip")["refused"]}
    assert problems == {"link.mdb": "it is a link", "secret.mdb": "the zip is protected by a password"}


@pytest.mark.parametrize("cut", [30, 200, -30])
def test_a_broken_zip_is_listed_and_stops_nothing(tmp_path, database, cut):
    whole = zipped(tmp_path / "z.zip", {"file.mdb": database}).read_bytes()
    (tmp_path / "z.zip").write_bytes(whole[:cut])
    (tmp_path / "good.mdb").write_bytes(database)
    archive.add(tmp_path / "a", [tmp_path / "z.zip", tmp_path / "good.mdb"], processes=1)
    verdicts = archive.status(tmp_path / "a")["files"]["verdicts"]
    assert verdicts == {"readable": 1, "refused": 1}


def test_a_workbook_is_no_zip(tmp_path):
    path = zipped(tmp_path / "book.xlsx", {"[Content_Types].xml": b"<x/>", "xl/a.xml": b"<x/>"})
    assert add(tmp_path, path)["files"]["verdicts"] == {"other": 1}
