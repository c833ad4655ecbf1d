"""``compare`` on real runs: what differs, and what it is put down to."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

import idbmigrate
from idbmigrate.comparison import compare
from idbmigrate.errors import UsageError

SAMPLE = Path(__file__).resolve().parents[2] / "sample_idb" / "iapt-1.5.mdb"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    both = {"a": {}, "b": {"accept": "proposed", "parameters": {"org_id_provider": "RX2"}}}
    for name, options in both.items():
        idbmigrate.convert(SAMPLE, to="iapt-2.1", out=top / name, formats=["csv", "xml"], **options)
    return top


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "idbmigrate", "compare", *map(str, words)], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_a_run_equals_itself_in_another_format_and_order(runs, tmp_path):
    file = tmp_path / "IDS201CareContact.csv"
    head, *rows = (runs / "a" / "csv" / file.name).read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(head + "".join(reversed(rows)), encoding="utf-8")
    assert compare(runs / "a", runs / "a" / "xml" / "iapt-2.1.xml").equal
    found = compare(runs / "a" / "csv" / file.name, file)
    assert found.equal and found.tables[0].both == len(rows)


def test_what_differs_is_put_down_to_what_the_runs_did(runs):
    found = compare(runs / "a", runs / "b")
    assert not found.equal and found.runs
    told = {(each.kind, each.name): (each.a, each.b) for each in found.differences}
    assert told["parameter", "org_id_provider"][1] == "RX2"
    assert told["option", "accept"] == ("inferred", "proposed")
    columns = {(t.table, c.column): c for t in found.tables for c in t.columns}
    header = columns["IDS000Header", "OrgIDProv"]
    assert (header.changed, header.only_a, header.only_b) == (1, 0, 0)
    assert "parameter org_id_provider" in header.causes and "iapt-2.1-header.yaml:" in (header.rule or "")
    ends = columns["IDS101Referral", "EndCode"]
    assert "parameter org_id_provider" not in ends.causes, "the end code does not look at the provider"
    before, after = (
        {
            row["ServiceRequestId"]: row["EndCode"]
            for row in csv.DictReader((runs / side / "csv" / "IDS101Referral.csv").open(encoding="utf-8"))
        }
        for side in "ab"
    )
    assert ends.only_b == sum(not before[key] and bool(after[key]) for key in before) > 0


def test_one_changed_value_of_a_foreign_export_is_found(runs, tmp_path):
    theirs = tmp_path / "export"
    shutil.copytree(runs / "a" / "csv", theirs)
    file = theirs / "IDS201CareContact.csv"
    rows = list(csv.reader(file.open(encoding="utf-8", newline="")))
    rows[7][rows[0].index("CareContDate")] = "1999-12-31"
    rows.append(list(rows[3]))  # a contact that they give twice
    rows.reverse()
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([rows[-1], *rows[:-1]])
    found = compare(runs / "a", theirs, dataset="iapt-2.1")
    (table,) = [each for each in found.tables if not each.equal]
    assert (table.table, table.only_a, table.only_b, table.repeated) == ("IDS201CareContact", 0, 1, 3)
    (column,) = table.columns
    assert (column.column, column.changed) == ("CareContDate", 1)
    assert column.examples == ((7, len(rows) - 7),)


def test_the_command(runs, tmp_path):
    page, book = tmp_path / "c.html", tmp_path / "c.xlsx"
    code, said, wrong = command(runs / "a", runs / "b", "--html", page, "--xlsx", book)
    assert (code, wrong) == (1, "")
    assert "IDS101Referral" in said and "parameter  org_id_provider" in said
    assert "IDS101Referral" in page.read_text(encoding="utf-8").replace("<wbr>", "")
    sheets = openpyxl.load_workbook(book)
    assert sheets.sheetnames == ["Summary", "Tables", "Values", "Runs"]
    assert {row[1].value for row in sheets["Values"].iter_rows(min_row=2)} >= {"OrgIDProv", "EndCode"}
    assert command(runs / "a", runs / "a")[0] == 0
    document = json.loads(command(runs / "a", runs / "b", "--json")[1])
    assert document["equal"] is False and document["dataset"] == "iapt-2.1"


def test_no_value_of_a_record_is_shown(runs, tmp_path):
    page, book = tmp_path / "c.html", tmp_path / "c.xlsx"
    _, said, _ = command(runs / "a", runs / "b", "--html", page, "--xlsx", book)
    shown = said + page.read_text(encoding="utf-8")
    for sheet in openpyxl.load_workbook(book):
        shown += "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
    people = list(csv.DictReader((runs / "a" / "csv" / "IDS001MPI.csv").open(encoding="utf-8")))
    for column in ("NHSNumber", "LocalPatientId", "Postcode", "PersonBirthDate"):
        values = {person[column] for person in people if person[column]}
        assert values and not [value for value in values if value in shown], column


def test_two_data_sets_are_refused(runs, tmp_path):
    idbmigrate.convert(SAMPLE, to="mhsds-6.0", out=tmp_path / "m", formats=["csv"])
    with pytest.raises(UsageError, match=r"one is iapt-2\.1, the other mhsds-6\.0"):
        compare(runs / "a", tmp_path / "m")


def test_months_are_compared_one_by_one(tmp_path):
    for name in ("a", "b"):
        idbmigrate.convert(SAMPLE, to="iapt-2.1", out=tmp_path / name, formats=["csv"], split="month")
    months = sorted(each.name for each in (tmp_path / "b").glob("20??-??"))
    shutil.rmtree(tmp_path / "b" / months[0])
    found = compare(tmp_path / "a", tmp_path / "b")
    lacking = {each.table.partition("/")[0] for each in found.tables if each.missing == "b"}
    assert lacking == {months[0]}
    assert all(each.equal for each in found.tables if not each.missing)
