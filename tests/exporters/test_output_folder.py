"""The output folder of a real run: its files hold the run's tables, and the XML keeps to its schema."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
from lxml import etree
from pyarrow import parquet

import idbmigrate

FORMATS = ["csv", "xml", "parquet"]


@pytest.fixture(scope="module")
def job(sample_idb, tmp_path_factory):
    out = tmp_path_factory.mktemp("job") / "out"
    source = sample_idb / "iapt-1.5.mdb"
    return source, out, idbmigrate.convert(source, to="iapt-2.1", out=out, formats=FORMATS)


def rows_of(table) -> list[list[str]]:
    return [[value or "" for value in row.values()] for row in table.to_pylist()]


def test_csv_holds_the_tables(job):
    _, out, run = job
    assert {path.stem for path in (out / "csv").iterdir()} == set(run.tables)
    for name, table in run.tables.items():
        with open(out / "csv" / f"{name}.csv", encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        assert header == table.column_names
        assert rows == rows_of(table)


def test_parquet_holds_the_tables(job):
    _, out, run = job
    for name, table in run.tables.items():
        assert parquet.read_table(out / "parquet" / f"{name}.parquet").equals(table)


def test_xml_holds_the_tables_and_keeps_to_its_schema(job):
    _, out, run = job
    document = etree.parse(out / "xml" / "iapt-2.1.xml")
    schema = etree.XMLSchema(etree.parse(out / "xml" / "iapt-2.1.xsd"))
    assert schema.validate(document), list(schema.error_log)[:5]
    space = "{urn:idbmigrate:iapt-2.1}"
    found: dict[str, list] = {name: [] for name in run.tables}
    for row in document.getroot():
        cells = {cell.tag.removeprefix(space): cell.text for cell in row}
        found[row.tag.removeprefix(space)].append(cells)
    for name, table in run.tables.items():
        expected = [
            {key: value for key, value in row.items() if value is not None} for row in table.to_pylist()
        ]
        assert found[name] == expected
    assert document.getroot()[0].tag == f"{space}IDS000Header"


def test_the_schema_refuses_what_does_not_fit(job, tmp_path):
    _, out, run = job
    schema = etree.XMLSchema(etree.parse(out / "xml" / "iapt-2.1.xsd"))
    text = (out / "xml" / "iapt-2.1.xml").read_text(encoding="utf-8")
    born = run.tables["IDS001MPI"]["PersonBirthDate"][0].as_py()
    spoilt = {
        "a date that is none": text.replace(f">{born}<", ">01/02/1980<", 1),
        "a column that is none": text.replace("PersonBirthDate>", "DateOfBirth>"),
        "no header": text.replace("IDS000Header>", "IDS001MPI>"),
    }
    for what, changed in spoilt.items():
        assert changed != text
        assert not schema.validate(etree.fromstring(changed.encode())), what


def test_manifest_answers_for_every_byte(job):
    source, out, run = job
    manifest = json.loads((out / "manifest.json").read_bytes())
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(manifest["outputs"]) == files - {"manifest.json"}
    for name, facts in manifest["outputs"].items():
        content = (out / name).read_bytes()
        assert facts == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert manifest["input"]["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert manifest["ledger"] == run.ledger
    assert str(out) not in (out / "manifest.json").read_text()


def test_the_same_input_gives_the_same_bytes(job, tmp_path):
    source, out, _ = job
    idbmigrate.convert(source, to="iapt-2.1", out=tmp_path / "again", formats=FORMATS)
    for path in sorted(out.rglob("*")):
        if path.is_file():
            again = tmp_path / "again" / path.relative_to(out)
            assert again.read_bytes() == path.read_bytes(), path.name


def test_summary_of_the_command_line_adds_up(job, tmp_path):
    from click.testing import CliRunner

    from idbmigrate.cli.convert import command

    source, _, run = job
    words = [str(source), "--to", "iapt-2.1", "--out", str(Path(tmp_path) / "out")]
    text = CliRunner().invoke(command, words).stdout
    document = json.loads(CliRunner().invoke(command, [*words, "--json", "--overwrite"]).stdout)
    assert {line["table"]: line["rows"] for line in document["tables_out"]} == {
        name: table.num_rows for name, table in run.tables.items()
    }
    for line in (each for each in document["tables_in"] if each["rows"]):
        values = line["values"]
        assert line["rows"] == line["carried"] + line["rejected"] + line["dropped"]
        assert values["in"] == values["carried"] + values["rejected"] + values["dropped"]
        assert line["table"] in text
    assert "The books balance" in text
