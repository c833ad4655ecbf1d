"""What is written is what is read, by our reader and by three that know nothing of us."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from idbmigrate.access import open_database
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.errors import OutputError, UsageError
from tests.writer import everything

FORMATS = ["mdb", "accdb"]


def make(path: Path, rows: int, parts: int = 1) -> pa.Table:
    table = everything.table(rows)
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("Every type", everything.COLUMNS, everything.INDEXES)
        step = -(-rows // parts)
        for at in range(0, rows, step):
            writer.append("Every type", table.slice(at, step))
    return table


def same(found: pa.Table, expected: pa.Table) -> list[str]:
    return [
        name
        for name in expected.column_names
        if not found[name].equals(expected[name].cast(found[name].type))
    ]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (17, 17), (1500, 3)])
def test_our_reader(format, rows, parts, tmp_path):
    path = tmp_path / f"x.{format}"
    table = make(path, rows, parts)
    with open_database(path) as db:
        assert db.tables == ["Every type"] and not db.problems
        assert db.row_count("Every type") == rows
        assert [(c.name, c.type) for c in db.columns("Every type")] == [
            (c.name, c.type) for c in everything.COLUMNS
        ]
        assert same(db.read("Every type"), table) == []


@pytest.mark.parametrize("format", FORMATS)
def test_characters_beyond_the_sort_order_without_an_index(format, tmp_path):
    path, table = tmp_path / f"x.{format}", everything.table(60, indexed=False)
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", everything.COLUMNS)
        writer.append("T", table)
    with open_database(path) as db:
        assert same(db.read("T"), table) == []


@pytest.mark.parametrize("format", FORMATS)
def test_access_parser(format, tmp_path):
    from access_parser import AccessParser

    path = tmp_path / f"x.{format}"
    table = make(path, 400)
    found = AccessParser(str(path)).parse_table("Every type")
    for name in ("Id", "Long text", "Code", "Plain", "Short", "Double", "Memo"):
        # it gives an empty text as null, or the other way round
        expected = [value or (value if value == 0 else None) for value in table[name].to_pylist()]
        assert [value or (value if value == 0 else None) for value in found[name]] == expected, name


@pytest.mark.parametrize("format", FORMATS)
def test_mdbtools(format, tmp_path):
    if shutil.which("mdb-export") is None:
        pytest.skip("mdb-export is not installed")
    path = tmp_path / f"x.{format}"
    table = make(path, 400)
    out = subprocess.run(
        ["mdb-export", "-T", "%Y-%m-%d %H:%M:%S", "-b", "hex", str(path), "Every type"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    found = list(csv.DictReader(io.StringIO(out)))
    assert len(found) == 400
    for row, expected in zip(found, table.to_pylist(), strict=True):
        assert int(row["Id"]) == expected["Id"]
        for name in ("Long text", "Code", "Plain"):
            text = (expected[name] or "").replace("𝄞", "??")  # it has no characters beyond U+FFFF
            assert row[name] == text, name
        if not any(ord(c) > 0xFFFF for c in expected["Memo"] or ""):
            assert row["Memo"] == (expected["Memo"] or "")
        for name in ("Byte", "Short", "Yes"):
            assert row[name] == ("" if expected[name] is None else str(int(expected[name]))), name
        if expected["Double"] is not None:
            assert float(row["Double"]) == pytest.approx(expected["Double"], rel=1e-14)
        if expected["When"] is not None and 1900 < expected["When"].year < 3000:
            assert row["When"] == str(expected["When"])


@pytest.mark.parametrize("format", FORMATS)
def test_mdb_reader(format, tmp_path):
    modules = os.environ.get("IDBMIGRATE_NODE_MODULES")
    if not modules or shutil.which("node") is None:
        pytest.skip("set IDBMIGRATE_NODE_MODULES to a node_modules folder with mdb-reader")
    path = tmp_path / f"x.{format}"
    table = make(path, 400)
    script = (
        f"import M from {json.dumps(Path(modules, 'mdb-reader', 'lib', 'node', 'index.js').as_uri())};"
        "import {readFileSync} from 'node:fs';"
        "const d = new M(readFileSync(process.argv[1])).getTable('Every type').getData();"
        "console.log(JSON.stringify(d.map(r => ({...r, Ole: r.Ole?.toString('hex') ?? null,"
        " Binary: r.Binary?.toString('hex') ?? null}))));"
    )
    out = subprocess.run(
        ["node", "--input-type=module", "-e", script, str(path)], capture_output=True, check=True
    ).stdout
    for row, expected in zip(json.loads(out), table.to_pylist(), strict=True):
        for name in ("Id", "Long text", "Code", "Plain", "Yes", "Byte", "Short", "Memo"):
            assert row[name] == expected[name], name
        for name in ("Ole", "Binary"):
            assert (row[name] or None) == ((expected[name] or b"").hex() or None), name
        for name in ("Money", "Decimal", "Single", "Double"):
            assert (None if row[name] is None else float(row[name])) == (
                None if expected[name] is None else float(expected[name])
            )
        assert row["Guid"].upper() == expected["Guid"].strip("{}")


@pytest.mark.parametrize("format", FORMATS)
def test_definitions_of_255_columns_span_pages(format, tmp_path):
    path = tmp_path / f"x.{format}"
    names = [f"A rather long column name, number {n}" for n in range(255)]
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("Wide", [NewColumn(name, "TEXT", 5) for name in names])
        writer.append("Wide", pa.table({names[0]: ["a"], names[254]: ["z"]}))
        with pytest.raises(UsageError):
            writer.create_table("Wider", [NewColumn(f"c{n}", "LONG") for n in range(256)])
    with open_database(path) as db:
        row = db.read("Wide").to_pylist()[0]
    assert {name: value for name, value in row.items() if value is not None} == {
        names[0]: "a",
        names[254]: "z",
    }


def test_tables_too_large_for_inline_usage_maps(tmp_path):
    path, rows = tmp_path / "x.mdb", 9000
    text = pa.array([f"{n:06d}" + "x" * 240 for n in range(rows)])
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("A", [NewColumn("T", "TEXT", 255)])
        writer.create_table("B", [NewColumn("T", "TEXT", 255), NewColumn("M", "MEMO")])
        for at in range(0, rows, 3000):  # by turns, so that the pages of both lie scattered
            writer.append("A", pa.table({"T": text.slice(at, 3000)}))
            writer.append("B", pa.table({"T": text.slice(at, 3000), "M": text.slice(at, 3000)}))
    assert path.stat().st_size // 4096 > 2 * 512
    with open_database(path) as db:
        assert db.read("A")["T"].combine_chunks().equals(text)
        assert db.read("B")["M"].combine_chunks().equals(text)
    with DatabaseWriter(path) as writer:  # and once more, onto what is there
        writer.append("A", pa.table({"T": ["last"]}))
    with open_database(path) as db:
        assert db.row_count("A") == rows + 1 and db.read("A")["T"][-1].as_py() == "last"


def test_the_same_calls_give_the_same_bytes(tmp_path):
    make(tmp_path / "a.mdb", 200)
    make(tmp_path / "b.mdb", 200)
    assert (tmp_path / "a.mdb").read_bytes() == (tmp_path / "b.mdb").read_bytes()


@pytest.mark.parametrize(
    ("column", "value", "row"),
    [
        (NewColumn("C", "TEXT", 3), pa.array(["abc", "abcd"]), 2),
        (NewColumn("C", "TEXT", 3), pa.array(["ab", None, "𝄞𝄞"]), 3),
        (NewColumn("C", "BINARY", 2), pa.array([b"abc"]), 1),
        (NewColumn("C", "INT"), pa.array([1, 40000]), None),
        (NewColumn("C", "BYTE"), pa.array([-1]), None),
    ],
)
def test_what_does_not_fit_is_refused_without_showing_it(column, value, row, tmp_path):
    path = tmp_path / "x.mdb"
    create_database(path)
    with pytest.raises(OutputError) as caught, DatabaseWriter(path) as writer:
        writer.create_table("T", [column])
        writer.append("T", pa.table({"C": value}))
    assert caught.value.code == "value-does-not-fit" and caught.value.where == "T.C"
    assert row is None or f"row {row}" in caught.value.message
    assert "abcd" not in str(caught.value) and "40000" not in str(caught.value)


def test_two_gigabytes_are_refused_before_they_are_reached(tmp_path, monkeypatch):
    from idbmigrate.access.write import pages as write_pages

    monkeypatch.setattr(write_pages, "MAX_PAGES", 60)
    path = tmp_path / "x.mdb"
    create_database(path)
    with pytest.raises(OutputError) as caught, DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("C", "TEXT", 255)])
        writer.append("T", pa.table({"C": ["x" * 255] * 2000}))
    assert caught.value.code == "size-limit"
    assert path.stat().st_size <= 60 * 4096


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_that_begins_with_the_mark_of_a_compressed_one(format, tmp_path):
    path = tmp_path / f"x.{format}"
    texts = [
        "\ufeffABC",
        "\ufeff",
        "\ufeff€ é",
        "abc",
        None,
        "",
        "x€",
        "\ufeff\ufeff",
        "x\ufeff",
        "\ufeffé€a",
    ]
    create_database(path)
    with DatabaseWriter(path) as writer:
        columns = [
            NewColumn("A", "TEXT", 50),
            NewColumn("B", "TEXT", 50, compressed=False),
            NewColumn("M", "MEMO"),
        ]
        writer.create_table("T", columns)
        writer.append("T", pa.table({name: pa.array(texts) for name in "ABM"}))
    with open_database(path) as database:
        table = database.read("T")
        assert [table[name].to_pylist() for name in "ABM"] == [texts] * 3 and not database.problems
    with DatabaseWriter(path) as writer:
        for bad in ("\ufeffĀ", "\ufeff\0"):  # a zero byte, which would switch
            with pytest.raises(OutputError, match=r"row 11: .*U\+FEFF") as caught:
                writer.append("T", pa.table({name: pa.array([bad]) for name in "ABM"}))
            assert caught.value.code == "value-does-not-fit"
