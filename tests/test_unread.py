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
from idbmigrate.access.read.unread import ATTACHMENTS, OLE, SEVERAL, UnreadColumn
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn
from idbmigrate.cli import group
from idbmigrate.errors import SourceError
from idbmigrate.staging.several import cells_of, read_values


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
    held = [
        UnreadColumn("Person", "Letters", ATTACHMENTS, 1234),
        UnreadColumn("Person", "X", OLE, 0),
        UnreadColumn("tblStaffNames", "Photo", OLE, 9),
    ]
    monkeypatch.setattr(Database, "unread_columns", lambda self: held)
    path, out = str(sample_idb / "iapt-1.5.mdb"), tmp_path / "out"
    result = CliRunner().invoke(group, ["convert", path, "--to", "iapt-2.1", "--out", str(out)])
    whole = "The books balance without Person.Letters, tblStaffNames.Photo, which nobody has read"
    assert whole in result.stdout
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    line, own = manifest["input"]["not_read"]
    assert (own["table"], own["column"], own["known"], own["values"]) == ("tblStaffNames", "Photo", False, 9)
    assert (line["table"], line["column"], line["rows"], line["values"]) == ("Person", "Letters", 0, 1234)
    [entry] = [each for each in manifest["ledger"] if each["column"] == "Letters"]
    assert entry == {
        "table": "Person", "column": "Letters", "in": 1234, "carried": 0, "rejected": 0, "dropped": 1234,
        "less_exactly": 0, "reasons": {"not-read": 1234},
    }  # fmt: skip
    assert [each["values"] for each in manifest["left_behind"] if each["reason"] == "not-read"] == [1243]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "(1,234 values)" in page and 'class="verdict accepted"' not in page
    book = openpyxl.load_workbook(out / "report.xlsx", read_only=True)
    rows = [[str(cell) for cell in row] for sheet in book for row in sheet.iter_rows(values_only=True)]
    assert ["Person", "Letters", "1234", "0", "0", "1234", "0", "not-read: 1234"] in rows
    told = CliRunner().invoke(group, ["inspect", path, "--json"])
    found = json.loads(told.stdout)["unread_columns"]
    assert {"table": "Person", "column": "Letters", "kind": "attachments", "values": 1234} in found


def test_values_of_complex_columns_are_counted_one_by_one(shared_dir):
    path = shared_dir / "corpus" / "V2007" / "complexDataTestV2007.accdb"
    with idbmigrate.open_idb(path) as idb:
        found = {column.column: (column.kind, column.values) for column in idb.unread_columns()}
        values = idb.several_values("Table1", "multi-value-data")
        assert idb.several_values("Table1", "attach-data") is None
        texts, ids, several = read_values(idb, "Table1", ["multi-value-data", "attach-data"])
    assert (found["attach-data"], found["multi-value-data"]) == (("attachments", 3), ("several values", 6))
    assert values.to_pylist() == [
        {"key": key, "value": value}
        for key, value in [(2, "value1"), (2, "value4"), *((3, f"value{n}") for n in (1, 2, 3, 4))]
    ]
    assert "attach-data" not in texts.column_names and texts.num_rows == len(ids)
    shown = set(texts["multi-value-data"].to_pylist())
    assert shown == {None, "value1; value4", "value1; value2; value3; value4"}
    assert (several["multi-value-data"].further, several["multi-value-data"].stray) == (4, 0)


def test_values_of_a_type_that_nobody_knows_are_counted(shared_dir):
    path = shared_dir / "corpus" / "V2007" / "unsupportedFieldsTestV2007.accdb"
    with idbmigrate.open_idb(path) as idb:
        (column,) = (column for column in idb.unread_columns() if column.kind != OLE)
        assert idb.several_values(column.table, column.column) is None
    assert (column.column, column.values) == ("UnknownComplex", 3)


PERSONS = "IAPTDataSetPerson"


@pytest.fixture
def several(monkeypatch):
    """Makes a column of persons one of several values, by row; ``None`` for one that nobody reads."""

    def make(name: str, values: list[list[str]] | None, stray: int = 0) -> None:
        columns, read = Database.columns, Database.read_with_ids

        def typed(database, table):
            several = {name} if table == PERSONS else {}
            kinds = [
                (c.name, "COMPLEX_TYPE" if c.name in several else c.type) for c in columns(database, table)
            ]
            return [SimpleNamespace(name=column, type=kind, length=4) for column, kind in kinds]

        def numbered(database, table, wanted=None):
            found, ids = read(database, table, wanted)
            if table == PERSONS and name in found.column_names:
                cells = pa.array(range(1, len(ids) + 1), pa.int32())
                found = found.set_column(found.column_names.index(name), name, cells)
            return found, ids

        def flat(database, table, column):
            if values is None:
                return None
            pairs = [(row + 1, value) for row, held in enumerate(values) for value in held]
            pairs += [(99_999, "M")] * stray
            keys, texts = zip(*pairs, strict=True)
            return pa.table({"key": pa.array(keys, pa.int32()), "value": texts})

        kind, count = (SEVERAL, 0) if values is not None else (ATTACHMENTS, 77)
        held = [UnreadColumn(PERSONS, name, kind, count)]
        monkeypatch.setattr(Database, "columns", typed)
        monkeypatch.setattr(Database, "read_with_ids", numbered)
        monkeypatch.setattr(Database, "several_values", flat)
        monkeypatch.setattr(Database, "unread_columns", lambda self: held)

    return make


def line_of(run, table, column):
    [line] = [x for x in run.ledger if (x["table"], str(x["column"]).upper()) == (table, column) and x["in"]]
    return line


def genders(run):
    columns = (run.tables["IDS001MPI"][name].to_pylist() for name in ("LocalPatientId", "Gender"))
    return dict(zip(*columns, strict=True))


def test_the_number_that_stands_for_several_values_is_no_value(sample_idb, several):
    several("GENDER", None)
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    gender = run.tables["IDS001MPI"]["Gender"]
    assert len(gender) and gender.null_count == len(gender)
    line = line_of(run, "Person", "GENDER")
    assert line["carried"] == 0 and line["dropped"] == line["in"] == 77
    assert line["reasons"] == {"not-read": 77}


def test_one_value_in_a_cell_is_that_value_and_several_are_none(sample_idb, several):
    plain = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    held = [[value] if value else [] for value in plain.staged["Person"].raw["GENDER"].to_pylist()]
    single = [row for row, values in enumerate(held) if values]
    held[single[0]] = ["1", "2"]
    held[single[1]] = ["1", "2", "X"]
    several("GENDER", held, stray=3)
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    before, line = line_of(plain, "Person", "GENDER"), line_of(run, "Person", "GENDER")
    assert line["in"] == before["in"] + 1 + 2 + 3
    assert line["carried"] == before["carried"] - 2
    assert (line["reasons"]["several-values"], line["reasons"]["not-read"]) == (5, 3)
    whose = plain.staged["Person"].raw["LPTID"].to_pylist()
    changed = {whose[row] for row in single[:2]}
    assert genders(run) == {
        patient: None if patient in changed else gender for patient, gender in genders(plain).items()
    }
    assert run.staged["Person"].raw["GENDER"].to_pylist()[single[1]] == "1; 2; X"


def test_a_key_of_several_values_is_the_reason_of_its_record(sample_idb, several):
    plain = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    keys = plain.staged["Person"].raw["LPTID"].to_pylist()
    several("LPTID", [[keys[0], keys[1]], *([key] for key in keys[1:])])
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", check=False)
    assert set(plain.tables["IDS001MPI"]["LocalPatientId"].to_pylist()) - {keys[0]} == set(
        run.tables["IDS001MPI"]["LocalPatientId"].to_pylist()
    )
    [person] = [line for line in run.ledger if line["table"] == "Person" and not line["column"]]
    assert person["reasons"]["several-values"] == 1
    assert not {word for line in run.ledger if line["table"] == "Person" for word in line["reasons"]} & {
        "blank:LocalPatientId", "empty-text"
    }  # fmt: skip


def test_a_value_whose_number_stands_in_two_cells_belongs_to_neither():
    cells = pa.chunked_array([pa.array([1, 1, 2, None], pa.int32())])
    values = pa.table({"key": pa.array([1, 2, 3], pa.int32()), "value": ["a", "b", "c"]})
    texts, several = cells_of(cells, values)
    assert texts.to_pylist()[2:] == ["b", None]
    assert several.mask.tolist() == [True, True, False, False] and several.stray == 1


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


def test_ole_objects_are_counted_listed_and_never_staged(tmp_path, sample_idb):
    path = tmp_path / "photos.mdb"
    path.write_bytes((sample_idb / "iapt-1.5.mdb").read_bytes())
    with DatabaseWriter(path) as writer:
        writer.create_table("Photos", [NewColumn("Whose", "TEXT", 20), NewColumn("Photo", "OLE", 0)])
        writer.append("Photos", pa.table({"Whose": ["P1", "P2", "P3"], "Photo": [b"abc", None, b"x" * 9000]}))
    with idbmigrate.open_idb(path) as idb:
        assert idb.unread_columns() == [UnreadColumn("Photos", "Photo", OLE, 2)]
    run = idbmigrate.convert(path, to="iapt-2.1", check=False)
    assert "Photo" not in run.staged["Photos"].raw.column_names
    line = line_of(run, "Photos", "PHOTO")
    assert line["in"] == line["dropped"] == 2 and line["reasons"] == {"not-read": 2}
    shown = CliRunner().invoke(group, ["inspect", str(path)]).stdout
    assert any(line.split() == ["Photos", "Photo", "OLE", "objects", "2"] for line in shown.splitlines())


def test_the_last_line_of_a_salvaged_file_is_no_whole_balance(sample_idb, tmp_path):
    cut = tmp_path / "cut.mdb"
    cut.write_bytes((sample_idb / "iapt-1.5.mdb").read_bytes()[:200_000])
    words = ["convert", str(cut), "--to", "iapt-2.1", "--out", str(tmp_path / "out"), "--salvage"]
    shown = CliRunner().invoke(group, words).stdout
    assert "The books balance over what could be read of the file" in shown
    assert "The books balance:" not in shown
