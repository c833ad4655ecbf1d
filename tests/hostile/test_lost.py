"""What a salvaged file lost is counted: rows and values of the books, and words wherever the run is told."""

from __future__ import annotations

import json

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.access import format as fmt
from idbmigrate.access import open_database
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.cli import group

TABLE, LABEL, SIZE = "IAPTDataSetAppointment", "Appointment", fmt.JET4.page_size


def spoilt(source, path, *pages: int):
    """A copy of a file some of whose pages are all zeros."""
    content = bytearray(source.read_bytes())
    for page in pages:
        content[page * SIZE : (page + 1) * SIZE] = bytes(SIZE)
    path.write_bytes(content)
    return path


def pages_of(path, table):
    with open_database(path) as database:
        return database.read_with_ids(table)[1] >> 8


@pytest.mark.parametrize("seed", range(4))
def test_rows_read_and_rows_lost_are_the_rows_there_were(sample_idb, tmp_path, seed):
    source, draw = sample_idb / "iapt-1.5.mdb", np.random.default_rng(seed)
    with open_database(source) as database:
        rows = {name: database.read_with_ids(name)[1] for name in database.tables}
    pages = np.unique(np.concatenate(list(rows.values())) >> 8)
    gone = draw.choice(pages, 3, replace=False)
    with open_database(spoilt(source, tmp_path / "x.mdb", *gone.tolist()), salvage=True) as database:
        for name in rows:
            assert set(database.read_with_ids(name)[1]) == {i for i in rows[name] if i >> 8 not in gone}
        lost = {loss.table: loss.lost for loss in database.losses}
    expected = {name: int(np.isin(ids >> 8, gone).sum()) for name, ids in rows.items()}
    assert lost == {name: count for name, count in expected.items() if count}


def test_lost_rows_are_told_everywhere_and_the_verdict_is_not_green(sample_idb, tmp_path):
    source, out = sample_idb / "iapt-1.5.mdb", tmp_path / "out"
    pages = pages_of(source, TABLE)
    path, lost = spoilt(source, tmp_path / "x.mdb", int(pages[0])), int((pages == pages[0]).sum())
    words = ["convert", str(path), "--to", "iapt-2.1", "--out", str(out), "--salvage"]
    shown = CliRunner().invoke(group, words).stdout
    assert f"over what could be read of the file, without {lost} rows of {LABEL}:" in shown
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    (told,) = manifest["input"]["not_read"]
    assert (told["table"], told["rows"], told["values"]) == (LABEL, lost, None)
    (line,) = (x for x in manifest["ledger"] if x["table"] == LABEL and x["column"] is None)
    assert line["in"] == len(pages) and line["reasons"]["not-read"] == lost
    assert line["in"] == line["carried"] + line["rejected"] + line["dropped"]
    assert [x["rows"] for x in manifest["left_behind"] if x["reason"] == "not-read"] == [lost]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"({lost} rows)" in page and 'class="verdict accepted"' not in page
    book = openpyxl.load_workbook(out / "report.xlsx", read_only=True)
    rows = [[str(cell) for cell in row] for sheet in book for row in sheet.iter_rows(values_only=True)]
    (row,) = (row for row in rows if row[:2] == [LABEL, "(rows)"])
    assert row[2] == str(len(pages)) and f"not-read: {lost}" in row[-1]
    told = json.loads(CliRunner().invoke(group, ["inspect", str(path), "--salvage", "--json"]).stdout)
    assert told["losses"] == [{"table": TABLE, "column": None, "lost": lost}]


def test_a_damaged_value_is_a_value_not_read_and_its_row_stays(sample_idb, tmp_path):
    path = tmp_path / "x.mdb"
    path.write_bytes((sample_idb / "iapt-1.5.mdb").read_bytes())
    texts = ["a" * 3000, "b" * 3000, None, "c"]
    with DatabaseWriter(path) as writer:
        writer.create_table("Notes", [NewColumn("Note", "MEMO", 0)])
        writer.append("Notes", pa.table({"Note": texts}))
    with open_database(path) as database:
        ids = database.read_with_ids("Notes")[1]
        cell = database.raw_cell("Notes", int(ids[0]), "Note")
    content = bytearray(path.read_bytes())
    content[cell.at + 5 : cell.at + 8] = b"\xff\xff\x0f"  # a page far beyond the file
    path.write_bytes(content)
    with open_database(path, salvage=True) as database:
        assert database.read("Notes")["Note"].to_pylist() == [None, *texts[1:]]
        assert [tuple(loss) for loss in database.losses] == [("Notes", "Note", 1)]
    run = idbmigrate.convert(path, to="iapt-2.1", check=False, salvage=True)
    (line,) = (x for x in run.ledger if (x["table"], x["column"]) == ("Notes", "Note"))
    assert (line["in"], line["dropped"]) == (3, 3)
    assert line["reasons"] == {"not-read": 1, "unknown-table": 2}
    (rows,) = (x for x in run.ledger if (x["table"], x["column"]) == ("Notes", None))
    assert rows["in"] == 4 and "not-read" not in rows["reasons"]


def test_rows_declared_beyond_those_there_are_rows_not_read(tmp_path):
    path = tmp_path / "x.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("A", "LONG", 0)])
    with open_database(path) as database:
        at = database.definition("T").page * SIZE + fmt.JET4.row_count_at
    content = bytearray(path.read_bytes())
    content[at : at + 4] = (7).to_bytes(4, "little")
    path.write_bytes(content)
    with open_database(path) as database:
        assert database.read("T").num_rows == 0
        assert [tuple(loss) for loss in database.losses] == [("T", None, 7)]


def test_a_map_that_is_lost_loses_no_row_where_the_pages_are_found(sample_idb, tmp_path):
    source = sample_idb / "iapt-1.5.mdb"
    with open_database(source) as database:
        count, where = database.read(TABLE).num_rows, database.definition(TABLE).usage_map
    content = bytearray(source.read_bytes())
    page, slot = where >> 8, where & 0xFF
    at = page * SIZE + int.from_bytes(content[page * SIZE + 14 + 2 * slot :][:2], "little") % 0x2000
    content[at] = 9  # a kind that there is none of
    path = tmp_path / "x.mdb"
    path.write_bytes(content)
    with open_database(path, salvage=True) as database:
        assert database.read(TABLE).num_rows == count
        assert database.problems and database.losses == []


def test_a_table_whose_definition_is_lost_is_not_read(sample_idb, tmp_path):
    source, table = sample_idb / "iapt-1.5.mdb", "IAPTDataSetDisability"
    with open_database(source) as database:
        path = spoilt(source, tmp_path / "x.mdb", database.definition(table).page)
    run = idbmigrate.convert(path, to="iapt-2.1", check=False, salvage=True)
    (told,) = run.input["not_read"]
    assert (told["table"], told["name"], told["rows"], told["known"]) == ("Disability", table, None, True)
    (line,) = (x for x in run.ledger if "not-read" in x["reasons"])
    assert (line["table"], line["column"], line["in"], line["reasons"]) == (
        "Disability",
        None,
        0,
        {"not-read": 0},
    )
