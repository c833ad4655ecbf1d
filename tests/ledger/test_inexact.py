"""What was carried as a code that says less is counted as such."""

from __future__ import annotations

import json

import pyarrow as pa
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


def written(path):
    create_database(path)
    with DatabaseWriter(path) as writer:
        for name, columns in TABLES.items():
            writer.create_table(name, [NewColumn(column, "TEXT", 50) for column in columns])
            writer.append(name, pa.table(columns))
    return path


def test_details_that_fold_into_their_group_are_counted(tmp_path):
    path = written(tmp_path / "a.mdb")
    run = idbmigrate.convert(path, to="iapt-2.1", source="iapt-1.5")
    [line] = [line for line in run.less_exactly if line["column"] == "RELIGION"]
    carried = set(run.tables["IDS011SocPerCircumstances"]["LocalPatientId"].to_pylist())
    details = carried & {"P2", "P3", "P4", "P5"}
    assert (line["table"], line["equivalence"]) == ("Person", "broader")
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
