"""Files that are not readable at first: listed with what helps, and read once that is given."""

from __future__ import annotations

import errno
import os
import sqlite3
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from idbmigrate import archive
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.archive import reading
from idbmigrate.errors import OutputError
from idbmigrate.readers import open_idb
from idbmigrate.readers.csv_files import source_digest
from idbmigrate.staging.tables import as_text
from tests.archive.making import tables_of, write
from tests.corpus import encryptor

PASSWORD = "Grüße 1948"


def add(folder: Path, path: Path, **options) -> tuple[dict, list]:
    archive.add(folder, [path], processes=1, **options)
    status = archive.status(folder)
    return status["files"]["verdicts"], status["not_read"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("plain") / "a.accdb"
    return write(path, tables_of("2016-05", "RX1")).read_bytes()


def test_a_protected_file_and_a_list_of_passwords(tmp_path, plain):
    path = tmp_path / "locked.accdb"
    path.write_bytes(encryptor.agile(plain, PASSWORD))
    verdicts, [line] = add(tmp_path / "a", path)
    assert verdicts == {"protected": 1} and line["error"] == "password-needed"
    assert "--password-file" in line["hint"]
    verdicts, [line] = add(tmp_path / "a", path, passwords=["wrong", "too"])
    assert line["error"] == "wrong-password" and "2 passwords" in line["message"]
    verdicts, lines = add(tmp_path / "a", path, passwords=["wrong", PASSWORD, "too"])
    assert verdicts == {"readable": 1} and not lines
    everything = b"".join(p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert PASSWORD.encode() not in everything


def test_a_file_of_unknown_names_and_an_overlay(tmp_path, plain):
    path = tmp_path / "local.mdb"
    create_database(path, "mdb")
    with DatabaseWriter(path) as writer:
        writer.create_table("tblClients", [NewColumn("ClientNo", "TEXT", 20), NewColumn("Sex", "TEXT", 1)])
        writer.append("tblClients", pa.table({"ClientNo": ["A1", "A2"], "Sex": ["1", "2"]}))
    verdicts, [line] = add(tmp_path / "a", path)
    assert verdicts == {"unknown": 1} and "--overlay" in line["hint"]
    overlay = tmp_path / "names.yaml"
    overlay.write_text(
        "dataset: iapt-1.5\ntables:\n  Person:\n    from: tblClients\n"
        "    columns: {LPTID: ClientNo, GENDER: Sex}\n",
        encoding="utf-8",
    )
    verdicts, _ = add(tmp_path / "a", path, overlay=overlay)
    [found] = archive.submissions(tmp_path / "a")
    assert found.readable and found.tables == {"Person": 2}
    assert add(tmp_path / "a", path) == (verdicts, [])  # and stays read without it


def test_a_damaged_file_and_salvage(tmp_path, plain):
    path = tmp_path / "damaged.accdb"
    content = bytearray(plain)
    whole = write(tmp_path / "whole.accdb", tables_of("2016-05", "RX1"))
    archive.add(tmp_path / "w", [whole], processes=1)
    [sound] = archive.submissions(tmp_path / "w")
    places = parquet.read_table(sound.staged / "Person.parquet")["_place"].to_pylist()
    page = places[0] >> 8
    content[page * 4096 + 14 : page * 4096 + 18] = b"\xff\x3f\xff\x3f"
    path.write_bytes(content)
    verdicts, [line] = add(tmp_path / "a", path)
    assert verdicts == {"broken": 1} and line["error"] == "damaged" and "--salvage" in line["hint"]
    assert "Person" in line["where"] and str(tmp_path) not in line["where"]
    verdicts, _ = add(tmp_path / "a", path, salvage=True)
    [found] = archive.submissions(tmp_path / "a")
    assert verdicts == {"readable": 1} and found.problem
    assert found.tables["Person"] < sound.tables["Person"]
    assert found.tables["Referral"] == sound.tables["Referral"] and found.cells != sound.cells


def test_a_file_that_only_links(tmp_path, shared_dir):
    verdicts, [line] = add(tmp_path / "a", shared_dir / "cases" / "15-linked.mdb")
    assert verdicts == {"linked": 1} and "back-end" in line["hint"]


def test_what_was_looked_at_and_is_gone_waits(tmp_path, plain, monkeypatch):
    path = tmp_path / "a.accdb"
    path.write_bytes(plain)
    real = archive.adding.originals.at_hand
    with monkeypatch.context() as patch:

        def gone(*args):
            path.unlink()
            return real(*args)

        patch.setattr("idbmigrate.archive.originals.at_hand", gone)
        result = archive.add(tmp_path / "a", [path], processes=1)
    assert result.gone == [path.as_posix()] and result.read == 0
    path.write_bytes(plain)
    assert archive.add(tmp_path / "a", processes=1).read == 1


def test_a_fault_of_the_reader_stops_nothing(tmp_path, plain, monkeypatch):
    (tmp_path / "one.accdb").write_bytes(plain)
    write(tmp_path / "two.mdb", tables_of("2016-06", "RX1"))
    real = reading.open_idb

    def fault(path, **options):
        if str(path).endswith("one.accdb"):
            raise ValueError("a patient's name")
        return real(path, **options)

    monkeypatch.setattr(reading, "open_idb", fault)
    result = archive.add(tmp_path / "a", [tmp_path / "*.*"], processes=1)
    assert result.verdicts == {"broken": 1, "readable": 1}
    assert result.not_read[0]["message"] == "a fault in idbmigrate itself (ValueError)"
    with sqlite3.connect(tmp_path / "a" / "catalogue.sqlite") as db:
        assert "patient's name" not in "\n".join(db.iterdump())


def test_no_room_ends_the_call(tmp_path, plain, monkeypatch):
    (tmp_path / "one.accdb").write_bytes(plain)

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("idbmigrate.archive.reading.save", full)
    with pytest.raises(OutputError) as error:
        archive.add(tmp_path / "a", [tmp_path / "one.accdb"], processes=1)
    assert error.value.code == "output-failed"
    monkeypatch.undo()
    assert archive.add(tmp_path / "a", processes=1).read == 1


def test_a_folder_of_csv_and_a_zip_of_it_are_submissions(tmp_path, plain):
    (tmp_path / "in").mkdir()
    database = tmp_path / "in" / "whole.accdb"
    database.write_bytes(plain)
    with open_idb(database) as idb:
        tables = {name: idb.read(name) for name in idb.tables}
    folder = tmp_path / "in" / "RX1_2016-05"
    folder.mkdir()
    for name, table in tables.items():
        texts = pa.table({column: as_text(table[column]) for column in table.column_names})
        csv.write_csv(texts, folder / f"{name}.csv")
    with zipfile.ZipFile(tmp_path / "in" / "sent.zip", "w") as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, file.name)
    (folder / "notes.txt").write_text("beside", encoding="utf-8")
    archive.add(tmp_path / "a", [tmp_path / "in"], processes=1)
    found = archive.submissions(tmp_path / "a")
    assert [each.readable for each in found] == [True, True, True]
    assert len({each.cells for each in found}) == 1, "the same cells in three forms"
    assert len({tuple(each.tables.items()) for each in found}) == 1
    one = next(each for each in found if each.places[0].endswith("RX1_2016-05"))
    assert one.sha256 == source_digest(folder)[0]
    assert archive.verify(tmp_path / "a", reread=True, processes=1).sound
    archive.bag(tmp_path / "a", tmp_path / "bag")
    bagged = tmp_path / "bag" / "data" / one.sha256 / "RX1_2016-05"
    assert {p.name: p.read_bytes() for p in bagged.iterdir()} == {
        p.name: p.read_bytes() for p in folder.glob("*.csv")
    }
    (folder / "Person.csv").write_text("LPTID\nx\n", encoding="utf-8")
    places = [line["place"] for line in archive.verify(tmp_path / "a").wrong]
    assert places == [str(folder)]
