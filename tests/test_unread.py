"""What of a file nobody has read is told wherever its conversion is told."""

from __future__ import annotations

import json
from types import SimpleNamespace

import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.access.read.catalogue import LinkedTable
from idbmigrate.access.read.database import Database
from idbmigrate.cli import group
from idbmigrate.errors import SourceError


@pytest.fixture
def linked(monkeypatch):
    """Makes every file that is opened only link to these of its tables, under other names than ours."""

    def link(*names: str) -> None:
        tables = Database.tables.fget
        there = lambda database: [name for name in tables(database) if name not in names]  # noqa: E731
        links = [LinkedTable(name, f"{name} of the back end", "access") for name in names]
        monkeypatch.setattr(Database, "tables", property(there))
        monkeypatch.setattr(Database, "linked_tables", property(lambda database: links))

    return link


def test_a_linked_table_of_the_data_set_ends_the_run(linked, sample_idb, tmp_path):
    linked("Disability", "TreatmentPEQ")
    with pytest.raises(SourceError) as caught:
        idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=tmp_path / "out")
    assert caught.value.code == "linked-tables"
    assert "Disability and TreatmentPEQ are only linked to" in caught.value.message
    assert "back-end file" in caught.value.hint and "--allow linked-tables" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_file_of_links_alone_asks_for_the_file_behind_it(linked, sample_idb):
    with idbmigrate.open_idb(sample_idb / "iapt-1.5.mdb") as idb:
        names = list(idb.tables)
    linked(*names)
    with pytest.raises(SourceError) as caught:
        idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1")
    assert caught.value.code == "linked-tables" and "Person" in caught.value.message
    assert "--allow" not in caught.value.hint


def test_a_link_that_is_none_of_the_data_set_is_nobodys_business(linked, sample_idb):
    linked("tblStaffNames")
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    assert "not_read" not in run.input


def test_what_is_allowed_is_named_everywhere(linked, sample_idb, tmp_path):
    linked("Disability")
    out = tmp_path / "out"
    words = ["convert", str(sample_idb / "iapt-1.5.mdb"), "--to", "iapt-2.1", "--out", str(out)]
    result = CliRunner().invoke(group, [*words, "--allow", "linked-tables"])
    assert result.exit_code == 0, result.output
    assert "Not read" in result.stdout
    assert "The books balance without Disability, which nobody has read" in result.stdout
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert [line["table"] for line in manifest["input"]["not_read"]] == ["Disability"]
    [entry] = [each for each in manifest["ledger"] if (each["table"], each["column"]) == ("Disability", None)]
    assert entry["reasons"]["not-read"] == 0  # nobody knows how many
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Not everything in the file was read" in page
    assert 'class="verdict accepted"' not in page
    sheet = openpyxl.load_workbook(out / "report.xlsx").worksheets[0]
    assert any(str(row[0].value) == "Not read: Disability" for row in sheet.iter_rows())


@pytest.mark.parametrize(("case", "tables"), [("15-linked", 7), ("15b-part-linked", 3)])
def test_outside_files_with_links(case, tables, shared_dir):
    with pytest.raises(SourceError) as caught:
        idbmigrate.convert(shared_dir / "cases" / f"{case}.mdb", to="mhsds-6.0")
    assert caught.value.code == "linked-tables"
    assert caught.value.message.partition(" are only")[0].count(",") + 2 == tables


def test_linked_tables_of_an_outside_file_are_lines_of_the_ledger(shared_dir):
    path = shared_dir / "cases" / "15b-part-linked.mdb"
    run = idbmigrate.convert(path, to="iapt-2.1", allow=["linked-tables"], check=False)
    lines = [line for line in run.ledger if "not-read" in line["reasons"]]
    assert {line["table"] for line in lines} == {line["table"] for line in run.input["not_read"]} and len(
        lines
    ) == 3
    assert all(line["in"] == 0 and line["column"] is None for line in lines)


def test_attachments_are_counted_and_named_everywhere(sample_idb, tmp_path, monkeypatch):
    monkeypatch.setattr(
        Database, "complex_values", lambda self: {("Person", "Letters"): 1234, ("Own", "X"): 0}
    )
    path, out = str(sample_idb / "iapt-1.5.mdb"), tmp_path / "out"
    result = CliRunner().invoke(group, ["convert", path, "--to", "iapt-2.1", "--out", str(out)])
    assert "The books balance without Person.Letters, which nobody has read" in result.stdout
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    (line,) = manifest["input"]["not_read"]
    assert (line["table"], line["column"], line["rows"], line["values"]) == ("Person", "Letters", 0, 1234)
    [entry] = [each for each in manifest["ledger"] if each["column"] == "Letters"]
    assert entry == {
        "table": "Person", "column": "Letters", "in": 1234, "carried": 0, "rejected": 0, "dropped": 1234,
        "reasons": {"not-read": 1234},
    }  # fmt: skip
    assert [each["values"] for each in manifest["left_behind"] if each["reason"] == "not-read"] == [1234]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "(1,234 values)" in page and 'class="verdict accepted"' not in page
    book = openpyxl.load_workbook(out / "report.xlsx", read_only=True)
    rows = [[str(cell) for cell in row] for sheet in book for row in sheet.iter_rows(values_only=True)]
    assert any(row[:3] == ["Person.Letters", "(not read)", "1234"] for row in rows)
    told = CliRunner().invoke(group, ["inspect", path, "--json"])
    found = json.loads(told.stdout)["complex_columns"]
    assert {"table": "Person", "column": "Letters", "values": 1234} in found


def test_values_of_complex_columns_are_counted_one_by_one(shared_dir):
    path = shared_dir / "corpus" / "V2007" / "complexDataTestV2007.accdb"
    with idbmigrate.open_idb(path) as idb:
        counts = {column: count for (_, column), count in idb.complex_values().items()}
    assert (counts["attach-data"], counts["multi-value-data"]) == (3, 6)


def test_the_number_that_stands_for_several_values_is_no_value(sample_idb, monkeypatch):
    columns = Database.columns

    def with_several(database, table):
        found = [SimpleNamespace(name=c.name, type=c.type, length=c.length) for c in columns(database, table)]
        for column in found:
            if column.name.casefold() == "gender":
                column.type = "COMPLEX_TYPE"
        return found

    monkeypatch.setattr(Database, "columns", with_several)
    monkeypatch.setattr(Database, "complex_values", lambda self: {("Person", "GENDER"): 77})
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    gender = run.tables["IDS001MPI"]["Gender"]
    assert len(gender) and gender.null_count == len(gender)
    [line] = [
        x for x in run.ledger if x["table"] == "Person" and "gender" in str(x["column"]).lower() and x["in"]
    ]
    assert line["carried"] == 0 and line["dropped"] == line["in"] == 77
    assert line["reasons"] == {"not-read": 77}


def test_two_patients_whose_key_lost_a_character_do_not_become_one(sample_idb, monkeypatch):
    read = Database.read_with_ids

    def with_lost_characters(database, table, columns=None):
        found, ids = read(database, table, columns)
        for place, name in enumerate(found.column_names):
            if name.casefold() == "lptid" and "person" in table.casefold():
                keys = found[name].to_pylist()
                keys[:2] = ["P1\ufffd", "P1\ufffd"]
                found = found.set_column(place, name, pa.array(keys, found[name].type))
        return found, ids

    file = sample_idb / "iapt-1.5.mdb"
    before = idbmigrate.convert(file, to="iapt-2.1", check=False).tables["IDS001MPI"].num_rows
    monkeypatch.setattr(Database, "read_with_ids", with_lost_characters)
    run = idbmigrate.convert(file, to="iapt-2.1", check=False)
    keys = run.tables["IDS001MPI"]["LocalPatientId"].to_pylist()
    assert len(keys) == before - 2 and not any("\ufffd" in key for key in keys)
    [person] = [line for line in run.ledger if line["table"] == "Person" and not line["column"]]
    assert person["rejected"] >= 2 and person["reasons"].get("lost-character") == 2
    words = {r for line in run.ledger if line["table"] == "Person" for r in line["reasons"]}
    assert "lost-character" in words and not {
        word for word in words if word.startswith(("blank:", "empty-text"))
    }
    [key] = [line for line in run.ledger if (line["table"], line["column"]) == ("Person", "LPTID")]
    assert key["reasons"] == {"lost-character": 2}


def test_the_last_line_of_a_salvaged_file_is_no_whole_balance(sample_idb, tmp_path):
    cut = tmp_path / "cut.mdb"
    cut.write_bytes((sample_idb / "iapt-1.5.mdb").read_bytes()[:200_000])
    words = ["convert", str(cut), "--to", "iapt-2.1", "--out", str(tmp_path / "out"), "--salvage"]
    shown = CliRunner().invoke(group, words).stdout
    assert "The books balance over what could be read of the file" in shown
    assert "The books balance:" not in shown
