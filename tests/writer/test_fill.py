"""Templates: structure compared, copies filled, nothing else touched, and all or nothing."""

from __future__ import annotations

import shutil
import subprocess

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

from idbmigrate.access import open_database
from idbmigrate.access.write import catalogue, properties
from idbmigrate.access.write.definition import NewColumn, NewIndex
from idbmigrate.access.write.writer import DatabaseWriter, create_database
from idbmigrate.cli import group
from idbmigrate.datasets import load_dataset
from idbmigrate.errors import BooksError, IdbmigrateError, OutputError
from idbmigrate.exporters import idb, template
from tests.writer.trees import check

FORMATS = ["mdb", "accdb"]
COLUMNS = [
    NewColumn("Id", "TEXT", 20),
    NewColumn("Born", "SHORT_DATE_TIME"),
    NewColumn("At", "SHORT_DATE_TIME"),
    NewColumn("Made", "SHORT_DATE_TIME"),
    NewColumn("Score", "INT"),
    NewColumn("Share", "DOUBLE"),
    NewColumn("Cost", "MONEY"),
    NewColumn("Ratio", "NUMERIC", precision=6, scale=2),
    NewColumn("Flag", "BOOLEAN"),
    NewColumn("Note", "MEMO"),
]
ROW = {
    "Id": "P1",
    "Born": "1990-02-28",
    "At": "09:30:00",
    "Made": "2024-01-31T23:59:59",
    "Score": "-7",
    "Share": "0.25",
    "Cost": "12.5",
    "Ratio": "-1.5",
    "Flag": "Y",
    "Note": "naïve “text”",
}


KEY = NewIndex("PrimaryKey", ("Id",), primary=True)


def make(path, columns=COLUMNS, indexes=(KEY,)):
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", columns, indexes)
        writer.create_table("Other", [NewColumn("X", "LONG")])
    return path


def text(*rows: dict) -> dict[str, pa.Table]:
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in rows[0]}
    return {"T": pa.table(columns)}


@pytest.mark.parametrize("format", FORMATS)
def test_every_type_arrives_as_itself(format, tmp_path):
    source = make(tmp_path / f"template.{format}")
    rows = idb.fill(text(ROW, {"Id": "P2"}), source, tmp_path / f"out.{format}")
    assert rows == {"T": 2}
    with open_database(tmp_path / f"out.{format}") as db:
        first, second = db.read("T").to_pylist()
    assert {name: str(value) for name, value in first.items()} == {
        "Id": "P1",
        "Born": "1990-02-28 00:00:00",
        "At": "1899-12-30 09:30:00",
        "Made": "2024-01-31 23:59:59",
        "Score": "-7",
        "Share": "0.25",
        "Cost": "12.5000",
        "Ratio": "-1.50",
        "Flag": "True",
        "Note": "naïve “text”",
    }
    assert second == dict.fromkeys(ROW) | {"Id": "P2", "Flag": False}
    check(tmp_path / f"out.{format}", "T")


@pytest.mark.parametrize("format", FORMATS)
def test_only_what_appending_must_touch_is_touched(format, tmp_path):
    source, out = make(tmp_path / f"template.{format}"), tmp_path / f"out.{format}"
    idb.fill(text(*({"Id": f"P{n:05d}", "Note": "x" * 200} for n in range(3000))), source, out)
    before, after = source.read_bytes(), out.read_bytes()
    changed = {
        at // 4096 for at in range(0, len(before), 4096) if before[at : at + 4096] != after[at : at + 4096]
    }
    with_layout = DatabaseWriter(out)
    layout, other = with_layout.layout("T"), with_layout.layout("Other")
    with_layout.abandon()
    assert changed == {1, layout.number, layout.owned[0], layout.indexes[0].root}
    definition = slice(layout.number * 4096, layout.number * 4096 + 4096)
    different = [at for at, (a, b) in enumerate(zip(before[definition], after[definition])) if a != b]
    assert set(different) <= {*range(16, 20), *range(67, 71)}, "row count and the index's entry count"
    assert other.rows == 0 and len(after) > len(before)


def test_rows_are_added_to_those_that_are_there(tmp_path):
    source = make(tmp_path / "template.accdb")
    idb.fill(text(ROW), source, tmp_path / "once.accdb")
    idb.fill(text({"Id": "P0"}, {"Id": "P9"}), tmp_path / "once.accdb", tmp_path / "twice.accdb")
    with open_database(tmp_path / "twice.accdb") as db:
        assert db.read("T")["Id"].to_pylist() == ["P1", "P0", "P9"]
    check(tmp_path / "twice.accdb", "T")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Id", "x" * 21),
        ("Born", "1990-02-30"),
        ("Born", "28/02/1990"),
        ("Born", "0099-01-01"),
        ("At", "9:30"),
        ("At", "25:00:00"),
        ("Made", "2024-01-31 24:61:00"),
        ("Score", "40000"),
        ("Score", "1.0"),
        ("Score", " 1"),
        ("Share", "1,5"),
        ("Share", "NaN"),
        ("Cost", "1.23456"),
        ("Ratio", "12345.67"),
        ("Flag", "perhaps"),
    ],
)
def test_a_value_that_does_not_fit_is_named_before_anything_is_written(column, value, tmp_path, monkeypatch):
    source = make(tmp_path / "template.mdb")
    monkeypatch.setattr(DatabaseWriter, "append", lambda *_: pytest.fail("written before all was checked"))
    tables = text(
        *({"Id": f"P{n}", column: ROW[column] if column != "Id" else f"P{n}"} for n in range(4)),
        {"Id": "P5", column: value},
        {"Id": "P6"},
    )
    with pytest.raises(OutputError) as caught:
        idb.fill(tables, source, tmp_path / "out.mdb")
    error = caught.value
    assert (error.code, error.where) == ("value-does-not-fit", f"T.{column}") and "row 5" in error.message
    assert value.strip() not in error.message.replace("1 to", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["template.mdb"]


def test_keys_that_come_twice_and_keys_that_are_missing(tmp_path):
    source = make(tmp_path / "template.mdb")
    for tables, words in (
        (text({"Id": "P1"}, {"Id": "p1"}), "each value once"),
        (text({"Id": "P1"}, {"Id": None}), "row 2"),
    ):
        with pytest.raises(OutputError) as caught:
            idb.fill(tables, source, tmp_path / "out.mdb")
        assert caught.value.code == "value-does-not-fit" and words in caught.value.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["template.mdb"]


def test_an_index_that_cannot_be_kept_is_refused_by_name(tmp_path):
    source = make(tmp_path / "template.mdb", indexes=[NewIndex("by ratio", ("Ratio",))])
    with pytest.raises(OutputError) as caught:
        idb.fill(text(ROW), source, tmp_path / "out.mdb")
    assert caught.value.code == "index-unsupported" and "by ratio" in caught.value.message


def test_a_table_or_column_that_the_template_lacks(tmp_path):
    source = make(tmp_path / "template.mdb")
    idb.fill(text({"Id": "P1", "Gone": None}), source, tmp_path / "fine.mdb")
    for tables in (text({"Id": "P1", "Gone": "x"}), {"Gone": pa.table({"A": ["x"]})}):
        with pytest.raises(OutputError) as caught:
            idb.fill(tables, source, tmp_path / "out.mdb")
        assert caught.value.code == "template-mismatch" and "Gone" in caught.value.where


def test_what_the_design_requires(tmp_path, monkeypatch):
    source = make(tmp_path / "template.mdb", indexes=())
    rules = {
        "Born": properties.ColumnRules(required=True),
        "Note": properties.ColumnRules(allows_empty=False),
    }
    monkeypatch.setattr(DatabaseWriter, "rules", lambda *_: rules)
    for row, column in (
        ({"Id": "P1"}, "Born"),
        ({"Id": "P1", "Born": None}, "Born"),
        ({"Born": "2000-01-01", "Note": ""}, "Note"),
    ):
        with pytest.raises(OutputError) as caught:
            idb.fill(text(row), source, tmp_path / "out.mdb")
        assert caught.value.where == f"T.{column}"


@pytest.mark.parametrize(
    ("column", "rule", "good", "bad"),
    [
        ("Score", ">=0", ["0", "7", None], ["-1"]),
        ("Score", "Between 0 And 27", ["0", "27"], ["28", "-1"]),
        ("Score", "between 0 and 27 or =99", ["99"], ["98"]),
        ("Score", ">=0 And <>5", ["4"], ["5", "-1"]),
        ("Score", "In (1,2, 3)", ["3", None], ["4"]),
        ("Score", "Is Not Null And <10", ["9"], [None, "10"]),
        ("Cost", "<=0.5", ["0.5"], ["0.51"]),
        ("Ratio", ">-2", ["-1.99"], ["-2"]),
        ("Id", '"M" Or "F"', ["M", "f"], ["X"]),
        ("Id", 'In ("M","a ""b""") Or Is Null', ['A "b"'], ["", "x"]),
        ("Id", '<>"X"', ["M"], ["x"]),
        ("Id", "In ('M','it''s') Or Not Like \"[A-Y]*\"", ["m", "IT'S", "Z9", "9"], ["a", "Y"]),
        ("Id", 'Like "P##-?*"', ["p12-x", "P99-abc"], ["P1-x", "P12-", "xP12-x"]),
        ("Id", 'Like "[0-9][!A-C.]+[*]" Or "X"', ["5z+*", "x"], ["5b+*", "5.+*", "az+*", "5z+x"]),
        ("Id", 'Like "[A-Z]"', ["é", "q"], ["1", "ab"]),
        ("Score", "Not In (1,2)", ["3", None], ["2"]),
        ("Score", "Not Between 3 And 5", ["2"], ["4"]),
        (
            "Born",
            ">=#1/31/1900# And <#12/1/2015#",
            ["1900-01-31", "2015-11-30", None],
            ["2015-12-01", "1900-01-30"],
        ),
        ("Born", "Between #4/1/2014# And #4/30/2014#", ["2014-04-30"], ["2014-05-01"]),
    ],
)
def test_validation_rules_of_the_template_are_held_against_the_values(
    tmp_path, monkeypatch, column, rule, good, bad
):
    source = make(tmp_path / "template.mdb", indexes=())
    monkeypatch.setattr(DatabaseWriter, "rules", lambda *_: {column: properties.ColumnRules(valid=rule)})
    idb.fill(text(*({column: value} for value in good)), source, tmp_path / "good.mdb")
    for value in bad:
        with pytest.raises(OutputError, match="row 2: the template's validation rule") as caught:
            idb.fill(text({column: good[0]}, {column: value}), source, tmp_path / "out.mdb")
        assert caught.value.where == f"T.{column}" and caught.value.code == "value-does-not-fit"
    assert idb.unevaluated(source) == []


@pytest.mark.parametrize(
    "rule",
    [
        'Like "A[*"',
        'Like "[z-a]"',
        "Len([Id])>3",
        ">Date()",
        "(>1)",
        "> 1 And",
        "In (1",
        "",
        "Not",
        "<#31/12/2000#",
        '="M',
        "x",
    ],
)
def test_rules_that_only_access_can_evaluate_are_named(tmp_path, monkeypatch, rule):
    source = make(tmp_path / "template.mdb", indexes=())
    columns = ("Id", "Score", "Born", "Flag")
    rules = {column: properties.ColumnRules(valid=rule) for column in columns}
    monkeypatch.setattr(DatabaseWriter, "rules", lambda _, table: rules if table == "T" else {})
    assert idb.unevaluated(source) == [f"T.{column}" for column in ("Id", "Born", "Score", "Flag") if rule]
    idb.fill(text(ROW), source, tmp_path / "fine.mdb")


def test_fill_says_which_rules_it_did_not_evaluate(tmp_path, monkeypatch):
    from idbmigrate.cli import fill as verb
    from idbmigrate.exporters import read_back

    source = make(tmp_path / "template.mdb", indexes=())
    monkeypatch.setattr(read_back, "read_output", lambda *_: text(ROW))
    monkeypatch.setattr(idb.templates, "require", lambda *_: [])
    rules = {"Id": properties.ColumnRules(valid='Like "P[*"')}
    monkeypatch.setattr(DatabaseWriter, "rules", lambda _, table: rules if table == "T" else {})
    words = [str(tmp_path), "--as", "iapt-2.1", "--template", str(source), "--out", str(tmp_path / "out.mdb")]
    result = CliRunner().invoke(verb.command, words)
    assert result.exit_code == 0 and "only Access can evaluate: T.Id" in result.stderr


def chunk(kind: int, content: bytes) -> bytes:
    return (len(content) + 6).to_bytes(4, "little") + kind.to_bytes(2, "little") + content


def property_name(word: str) -> bytes:
    raw = word.encode("utf-16-le")
    return len(raw).to_bytes(2, "little") + raw


def properties_of(column: str, rule: str, required: bool = True) -> bytes:
    """The block of a table of whose column a value is required, none may be empty, and a rule holds."""
    head, text = property_name(column), rule.encode("utf-16-le")
    entries = b"".join(
        (9).to_bytes(2, "little") + bytes([0, 1, place, 0, 1, 0, value])
        for place, value in ((0, 0xFF * required), (1, 0))
    )
    size = len(text).to_bytes(2, "little")
    entries += (8 + len(text)).to_bytes(2, "little") + bytes([0, 12, 2, 0]) + size + text
    names = ("Required", "AllowZeroLength", "ValidationRule")
    blob = b"MR2\0" + chunk(0x80, b"".join(map(property_name, names)))
    return blob + chunk(1, (len(head) + 4).to_bytes(4, "little") + head + entries)


def test_properties_of_columns():
    blob = properties_of("Born", ">=0 Or Is Null")
    assert properties.column_rules(blob) == {
        "Born": properties.ColumnRules(required=True, allows_empty=False, valid=">=0 Or Is Null")
    }
    for end in range(len(blob)):  # cut anywhere, it is read as far as it goes
        properties.column_rules(blob[:end])
    assert properties.column_rules(b"nonsense") == {}


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("Gender", 'In ("1","2","9","X")', 'In ("7")'),
        ("LocalPatientId", 'Like "P########"', 'Like "Q*"'),
        ("PersonBirthDate", "Between #1/1/1900# And #12/31/2030#", "<#1/1/1800#"),
        ("LocalPatientId", "Len([LocalPatientId])>3", None),
        ("", "[PersDeathDate]>=[PersonBirthDate]", None),
    ],
)
def test_rules_that_stand_in_a_template_are_evaluated_by_the_command(
    tmp_path, sample_idb, monkeypatch, column, good, bad
):
    source, made = str(sample_idb / "iapt-1.5.mdb"), str(tmp_path / "out")
    convert = ["convert", source, "--to", "iapt-2.1", "--out", made]
    assert CliRunner().invoke(group, convert).exit_code in (0, 1)
    plain = catalogue.catalogue_row

    def filled(rule: str, name: str):
        def with_rule(found, table, page, stamp):
            row = plain(found, table, page, stamp)
            rules = properties_of(column, rule, False) if table == "IDS001MPI" else None
            return row.append_column("LvProp", pa.array([rules], pa.binary()))

        monkeypatch.setattr(catalogue, "catalogue_row", with_rule)
        source, out = tmp_path / f"{name}.mdb", tmp_path / f"{name}-filled.mdb"
        template.make_shape(load_dataset("iapt-2.1"), source)
        words = ["fill", made, "--template", str(source), "--out", str(out)]
        return CliRunner().invoke(group, words), out

    result, out = filled(good, "good")
    assert result.exit_code == 0, result.output
    assert ("only Access can evaluate: IDS001MPI" in result.stderr) == (bad is None)
    with open_database(out) as database:
        assert database.read("IDS001MPI").num_rows > 10 and database.problems == []
    if bad is not None:
        result, out = filled(bad, "bad")
        assert result.exit_code == 6 and not out.exists()
        assert f"IDS001MPI.{column}" in result.stderr and "the template's validation rule" in result.stderr


def test_a_file_read_back_wrong_is_never_published(tmp_path, monkeypatch):
    source = make(tmp_path / "template.mdb")
    from idbmigrate.access.write import writer

    encode = writer.encode

    def spoil(layout, batch, table, first_row):
        return encode(
            layout, batch.set_column(0, "Id", pa.array(["P9"])) if table == "T" else batch, table, first_row
        )

    monkeypatch.setattr(writer, "encode", spoil)
    with pytest.raises(BooksError) as caught:
        idb.fill(text(ROW), source, tmp_path / "out.mdb")
    assert caught.value.where == "T.Id"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["template.mdb"]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    source = make(tmp_path / "template.mdb")
    (tmp_path / "out.mdb").write_bytes(b"what was there")

    def stop(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DatabaseWriter, "close", stop)
    with pytest.raises(KeyboardInterrupt):
        idb.fill(text(ROW), source, tmp_path / "out.mdb", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mdb", "template.mdb"]
    assert (tmp_path / "out.mdb").read_bytes() == b"what was there"


@pytest.mark.parametrize(
    "content", [b"", b"not access", b"\x00\x01\x00\x00Standard Jet DB\x00\x01" + bytes(100)]
)
def test_templates_that_are_none(content, tmp_path):
    (tmp_path / "template.mdb").write_bytes(content)
    with pytest.raises(IdbmigrateError):
        idb.fill(text(ROW), tmp_path / "template.mdb", tmp_path / "out.mdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["template.mdb"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["iapt-2.1", "ea-iapt-1.0"])
def test_the_shape_of_a_data_set_has_no_differences(name, format, tmp_path):
    dataset, path = load_dataset(name), tmp_path / f"shape.{format}"
    template.make_shape(dataset, path)
    assert template.compare(path, dataset) == []


def test_differences_are_named_and_can_be_allowed(tmp_path):
    dataset, path = load_dataset("ea-iapt-1.0"), tmp_path / "t.accdb"
    table = next(iter(dataset.tables))
    columns = template.new_columns(dataset, table)
    changed = next(c for c in columns if c.type == "TEXT")
    columns[columns.index(changed)] = NewColumn(changed.name, "TEXT", changed.length + 1)
    other = next(c for c in columns if c.type == "SHORT_DATE_TIME")
    columns[columns.index(other)] = NewColumn(other.name, "LONG")
    lost = columns.pop()
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table(table, [*columns, NewColumn("Extra", "LONG")])
        writer.create_table("tblLocal", [NewColumn("A", "LONG")])
    differences = template.compare(path, dataset)
    names = [difference.name for difference in differences]
    assert sorted(names) == sorted(
        [
            f"missing-column:{table}.{lost.name}",
            f"extra-column:{table}.Extra",
            "extra-table:tblLocal",
            f"length:{table}.{changed.name}",
            f"type:{table}.{other.name}",
        ]
    )
    with pytest.raises(OutputError) as caught:
        template.require(path, dataset, names[1:])
    assert caught.value.code == "template-mismatch" and names[0] in caught.value.message
    assert template.require(path, dataset, names) == differences
    assert template.require(path, dataset, ["missing-column", "extra-table", table]) == differences


def another(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(values.type):
        return pc.binary_join_element_wise(pa.scalar("zz"), values, "")
    return pc.add(values, pa.scalar(100_000, values.type)) if pa.types.is_integer(values.type) else values


@pytest.mark.parametrize(
    "source",
    [
        "V2000/indexTestV2000.mdb",
        "V2000/testRefGlobalV2000.mdb",
        "V2003/testIndexPropertiesV2003.mdb",
        "V2003/testV2003.mdb",
        "V2007/indexTestV2007.accdb",
    ],
)
def test_templates_that_access_itself_made(source, shared_dir, tmp_path):
    """Each table of a file made by Access is read, added to and read again; its indexes stay right."""
    original = shared_dir / "corpus" / source
    path = tmp_path / original.name
    shutil.copyfile(original, path)
    filled = 0
    with open_database(original) as db:
        before = {name: db.read(name) for name in db.tables}
    with DatabaseWriter(path) as writer:
        for name, table in before.items():
            layout = writer.layout(name) if name in writer.tables else None
            if layout is None or not table.num_rows or any(c.type == "COMPLEX_TYPE" for c in layout.columns):
                continue
            unique = {number for index in layout.indexes if index.unique for number, _ in index.columns}
            for column in layout.columns:
                if column.number in unique:  # values that are not there yet
                    table = table.set_column(
                        table.column_names.index(column.name), column.name, another(table[column.name])
                    )
            try:
                writer.require_indexes(name)
            except OutputError:
                continue
            writer.append(name, table)
            filled += 1
    assert filled
    with open_database(path) as db:
        for name, table in before.items():
            after = db.read(name)
            assert after.slice(0, table.num_rows).equals(table), name
            if after.num_rows > table.num_rows:
                check(path, name)
    if shutil.which("mdb-tables"):
        assert subprocess.run(["mdb-tables", str(path)], capture_output=True, check=True).stdout


def test_automatic_numbers_go_on_where_they_were(shared_dir, tmp_path):
    source, out = shared_dir / "corpus" / "V2007" / "oldDatesV2007.accdb", tmp_path / "out.accdb"
    with open_database(source) as db:
        before = db.read("Table1")["ID"].to_pylist()
    idb.fill({"Table1": pa.table({"DateField": ["2020-01-01", None]})}, source, out)
    idb.fill({"Table1": pa.table({"ID": ["90", None]})}, out, out, overwrite=True)
    with open_database(out) as db:
        assert db.read("Table1")["ID"].to_pylist() == [*before, max(before) + 1, max(before) + 2, 90, 91]
    check(out, "Table1")
