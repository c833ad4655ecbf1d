"""What was carried as a code that says less is counted as such."""

from __future__ import annotations

import json

import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner

import idbmigrate
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.cli import group

TABLES = {
    "Person": {
        "LPTID": ["P1", "P2", "P3", "P4", "P5"],
        "ORGCODEPROVIDER": ["RX1"] * 5,
        "BIRTHDATE": ["1980-01-01"] * 5,
        "RELIGION": ["C", "c22", "C25", "B8", "C22"],
    },
    "Referral": {
        "LPTID": ["P1", "P2", "P3", "P4"],
        "SERVICEID": ["S1", "S2", "S3", "S4"],
        "ORGCODECOMM": ["02N"] * 4,
        "REFRECDATE": ["2016-04-04"] * 4,
    },
    "Appointment": {"LPTID": ["P1"], "SERVICEID": ["S1"], "APPOINTMENT": ["2016-04-18"], "ATTENDANCE": ["5"]},
}


def written(path, tables=TABLES):
    create_database(path)
    with DatabaseWriter(path) as writer:
        for name, columns in tables.items():
            writer.create_table(name, [NewColumn(column, "TEXT", 50) for column in columns])
            writer.append(name, pa.table(columns))
    return path


def test_details_that_fold_into_their_group_are_counted(tmp_path):
    path = written(tmp_path / "a.mdb")
    run = idbmigrate.convert(path, to="iapt-2.1", source="iapt-1.5")
    [line] = [line for line in run.less_exactly if line["column"] == "RELIGION"]
    carried = set(run.tables["IDS011SocPerCircumstances"]["LocalPatientId"].to_pylist())
    details = carried & {"P2", "P3", "P4", "P5"}
    assert (line["table"], line["how"]) == ("Person", "broader")
    assert line["values"] == len(details) >= 3
    assert run.summary["less_exactly"] == run.less_exactly


def test_it_is_told_on_screen_in_the_manifest_and_on_the_page(tmp_path):
    words = ["convert", str(written(tmp_path / "a.mdb")), "--to", "iapt-2.1", "--source", "iapt-1.5"]
    shown = CliRunner().invoke(group, [*words, "--out", str(tmp_path / "out")]).stdout
    assert "Carried less exactly" in shown and "Person.RELIGION" in shown
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [line["column"] for line in manifest["less_exactly"]] == ["RELIGION"]
    assert "Carried less exactly" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    CliRunner().invoke(group, [*words, "--out", str(tmp_path / "shared"), "--share"])
    page = (tmp_path / "shared" / "report.html").read_text(encoding="utf-8")
    assert "suppressed" in page.partition("Carried less exactly</h2>")[2].partition("</section>")[0]


MOMENTS = {
    "Person": {
        "LPTID": ["P1"],
        "ORGCODEPROVIDER": ["RX1 "],
        "BIRTHDATE": ["1980-01-01 08:00"],
        "ETHNICITY": ["A1"],
    },
    "Referral": {
        "LPTID": ["P1"],
        "SERVICEID": ["S1"],
        "ORGCODECOMM": ["02N"],
        "REFRECDATE": ["2016-04-04 11:20:00"],
        "ONSETDATE": ["2016-02-14"],
    },
    "Appointment": {
        "LPTID": ["P1"] * 6,
        "SERVICEID": ["S1"] * 6,
        "ATTENDANCE": ["5"] * 6,
        "APPOINTMENT": [
            "2016-04-18 09:30:00",  # carried: no other time
            "2016-04-19 09:30:00",  # lost: the time column says 10:00
            "2016-04-20 09:30:00",  # carried: both say the same
            "2016-04-21",  # nothing to lose
            "2016-04-22 09:30:00",  # carried: what the time column says is no time
            "2016-04-23",
        ],
        "APPOINTMENTTIME": [
            None,
            "10:00:00",
            "09:30",
            "2016-04-21 11:00:00",  # its day stands in the date column, too
            "25:61",
            "2016-04-25 11:00:00.25",  # another day, which is lost, and a fraction of a second
        ],
    },
}


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0", "mhsds-5.0"])
def test_a_time_of_day_that_loses_against_another_is_counted(tmp_path, target):
    run = idbmigrate.convert(written(tmp_path / "a.mdb", MOMENTS), to=target, source="iapt-1.5")
    table = {"iapt-2.1": "IDS201CareContact"}.get(target, "MHS201CareContact")
    times = sorted(t for t in run.tables[table]["CareContTime"].to_pylist() if t)
    assert times == ["09:30:00", "09:30:00", "09:30:00", "10:00:00", "11:00:00", "11:00:00"]
    counted = {(line["column"], line["how"]): line["values"] for line in run.less_exactly}
    assert counted.pop(("ORGCODEPROVIDER", "trimmed")) == 1
    assert counted.pop(("ETHNICITY", "cut")) == 1
    assert counted.pop(("ONSETDATE", "without-day"), None) == (1 if target == "iapt-2.1" else None)
    assert counted == {
        ("DOB", "without-time"): 1,
        ("REFRECDATE", "without-time"): 1,
        ("APPOINTMENT", "without-time"): 1,
        ("APPOINTMENTTIME", "without-day"): 1,
        ("APPOINTMENTTIME", "rounded"): 1,
    }
    ledger = {(line["table"], line["column"]): line for line in run.ledger}
    for column, count in (("APPOINTMENT", 1), ("APPOINTMENTTIME", 1)):
        line = ledger["Appointment", column]
        assert (line["carried"], line["less_exactly"]) == (line["in"] - line["rejected"], count)
    assert ledger["Person", "ORGCODEPROVIDER"]["less_exactly"] == 0


def test_the_ledger_of_page_and_workbook_has_the_count(tmp_path):
    idbmigrate.convert(
        written(tmp_path / "a.mdb", MOMENTS), to="iapt-2.1", source="iapt-1.5", out=tmp_path / "out"
    )
    sheet = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")["Ledger"]
    head, *rows = sheet.iter_rows(values_only=True)
    lines = {row[:2]: dict(zip(head, row, strict=True)) for row in rows}
    assert lines["Appointment", "APPOINTMENT"]["Less exactly"] == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "without-time" in page.partition("Carried less exactly</h2>")[2].partition("</section>")[0]
