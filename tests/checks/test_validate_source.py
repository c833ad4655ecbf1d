"""The verb over a legacy file itself: identified, read as a conversion reads it, with the same reports."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pytest
from click.testing import CliRunner

from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.cli import group

PERSON = {"LPTID": "P1", "ORGCODEPROVIDER": "RX1", "NHSNO": "9990120005", "DOB": "21/02/1980", "GENDER": "1"}
REFERRAL = {
    "LPTID": "P1",
    "ORGCODEPROVIDER": "RX1",
    "SERVICEID": "S1",
    "REFRECDATE": "2016-04-04",
    "ENDDATE": "2016-05-30",
    "ORGCODECOMM": "02N",
}
CONTACT = {
    "LPTID": "P1",
    "SERVICEID": "S1",
    "APPOINTMENT": "2016-04-18",
    "APPOINTMENTTIME": "09:30:00",
    "ATTENDANCE": "5",
    "APPTYPE": "2",
    "THERTYPE1": "50",
    "PHQ9_SCORE": "12",
}


def written(path, **tables):
    create_database(path)
    with DatabaseWriter(path) as writer:
        for table, rows in tables.items():
            writer.create_table(table, [NewColumn(name, "TEXT", 50) for name in rows[0]])
            writer.append(table, pa.table({name: pa.array([row[name] for row in rows]) for name in rows[0]}))
    return path


def run(*words):
    result = CliRunner().invoke(group, ["validate", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def causes(path, *words) -> dict[str, tuple[str, int]]:
    document = json.loads(run(path, "--as", "iapt-1.5", "--json", *words)[1])
    return {cause["code"]: (cause["effect"], cause["count"]) for cause in document["root_causes"]}


def test_a_file_without_a_fault(tmp_path):
    """Text dates in British order, an appointment type of one character: read as the centre read them."""
    path = written(tmp_path / "a.mdb", Person=[PERSON], Referral=[REFERRAL], Appointment=[CONTACT])
    code, out, _ = run(path, "--as", "iapt-1.5", "--fail-on", "warning", "--period", "2016-06")
    assert code == 0 and "No finding." in out, out
    assert "0 of the 3 records would be rejected" in out and "not public" in out


def test_each_kind_of_fault_with_its_effect(tmp_path):
    faults = [
        {"APPOINTMENT": "2016-06-01"},  # after the referral, and after the month
        {"APPOINTMENT": None, "APPOINTMENTTIME": "10:00:00"},
        {"THERTYPE1": "07", "APPOINTMENT": "2016-04-19"},  # a code of v1.0, after its time
        {"PHQ9_SCORE": "28", "APPOINTMENT": "2016-04-20"},
        {"SERVICEID": "S9", "APPOINTMENT": "2016-04-21"},
        {"ATTENDANCE": "9", "APPOINTMENT": "2016-04-22"},
    ]
    rows = [CONTACT, *({**CONTACT, **fault} for fault in faults)]
    path = written(tmp_path / "a.mdb", Person=[PERSON], Referral=[REFERRAL], Appointment=rows)
    assert causes(path, "--period", "2016-05") == {
        "Appointment.APPOINTMENT.blank": ("record", 1),
        "Appointment.SERVICEID.relation": ("record", 1),
        "Appointment.APPOINTMENT.order": ("warning", 1),
        "Appointment.APPOINTMENT.period": ("warning", 1),
        "Appointment.ATTENDANCE.code": ("warning", 1),
        "Appointment.PHQ9_SCORE.score": ("warning", 1),
        "Appointment.THERTYPE1.code": ("warning", 1),
    }
    assert "Appointment.APPOINTMENT.period" not in causes(path)


@pytest.mark.parametrize(
    ("words", "code"), [([], 1), (["--fail-on", "group"], 0), (["--fail-on", "warning"], 1)]
)
def test_exit_code(words, code, tmp_path):
    contact = {**CONTACT, "SERVICEID": "S9"}
    path = written(tmp_path / "a.mdb", Person=[PERSON], Referral=[REFERRAL], Appointment=[contact])
    assert run(path, "--as", "iapt-1.5", *words)[0] == code


def test_an_appointment_is_compared_with_the_referral_of_its_own_patient(tmp_path):
    """Two patients share a number: each contact lies in its patient's referral, and outside the other's."""
    people = [PERSON, {**PERSON, "LPTID": "P2", "NHSNO": "9990120013"}]
    others = {"LPTID": "P2", "REFRECDATE": "2018-01-02", "ENDDATE": "2018-03-01"}
    referrals = [REFERRAL, {**REFERRAL, **others}]
    contacts = [CONTACT, {**CONTACT, "LPTID": "P2", "APPOINTMENT": "2018-02-01"}]
    tables = {"Person": people, "Referral": referrals, "Appointment": contacts}
    assert causes(written(tmp_path / "a.mdb", **tables)) == {}
    # a row of which nothing tells whose it is: one finding of its own, and no missing referral
    pauses = [
        {"SERVICEID": "S1", "PAUSEID": "1", "PAUSESTARTDATE": "2016-05-01", "PAUSEENDDATE": "2016-05-02"}
    ]
    found = causes(written(tmp_path / "b.mdb", **tables, WaitingTimePauses=pauses))
    assert found.pop(None)[1] == 1
    assert found == {"ambiguous-parent:Referral": ("record", 1)}


def test_a_contradiction_is_a_finding_that_may_be_let_be(tmp_path):
    people = [PERSON, {**PERSON, "LPTID": "P2", "NHSNO": "9990120013"}]
    contact = {**CONTACT, "LPTID": "P2"}
    path = written(tmp_path / "a.mdb", Person=people, Referral=[REFERRAL], Appointment=[contact])
    assert causes(path) == {"conflict:contact-patient": ("record", 1)}
    assert causes(path, "--allow", "conflict:contact-patient") == {"allowed-conflict": ("warning", 1)}
    let_be = ("--allow", "conflict:contact-patient")
    assert run(path, "--as", "iapt-1.5")[0] == 1 and run(path, "--as", "iapt-1.5", *let_be)[0] == 0


def test_findings_and_reports(tmp_path):
    contact = {**CONTACT, "ATTENDANCE": "9"}
    path = written(tmp_path / "secret.mdb", Person=[PERSON], Referral=[REFERRAL], Appointment=[contact])
    files = {option: tmp_path / option for option in ("findings", "html", "xlsx")}
    wanted = (word for name, file in files.items() for word in (f"--{name}", file))
    run(path, "--as", "iapt-1.5", "--share", *wanted)
    [finding] = csv.DictReader(files["findings"].open(encoding="utf-8"))
    assert (finding["code"], finding["row"], finding["value"]) == ("Appointment.ATTENDANCE.code", "1", "9")
    table, place = finding["reference"].split()
    assert table == "Appointment" and ":" in place
    page = files["html"].read_text(encoding="utf-8")
    assert "Target" not in page and "not public" in page and "P1" not in page and "secret" not in page
    assert files["xlsx"].stat().st_size


def test_names_of_a_file_and_an_overlay(tmp_path):
    path = written(tmp_path / "a.mdb", Leute=[PERSON], REP_REFERRAL=[REFERRAL], REP_APPOINTMENT=[CONTACT])
    overlay = tmp_path / "o.yaml"
    overlay.write_text("tables: {Person: {from: Leute}}\n", encoding="utf-8")
    assert causes(path, "--overlay", overlay) == {}
    assert "Referral.LPTID.relation" in causes(path)


@pytest.mark.parametrize("dataset", ["iapt-1.0", "iapt-1.0-pbr", "iapt-1.5", "iapt-ltc-1.5.4"])
def test_every_legacy_data_set(dataset, sample_idb):
    code, out, _ = run(sample_idb / f"{dataset}.mdb", "--json")
    document = json.loads(out)
    assert document["target"]["dataset"] == dataset == document["identification"]["dataset"]
    assert document["coverage"]["published"] == 0 and document["coverage"]["own"] > 120
    rows = document["fate"]["rejected_total"]
    people = sum(cause["kind"] == "people" for cause in document["root_causes"])
    assert code == bool(rows or people)


def test_wrong_usage(tmp_path, sample_idb):
    (tmp_path / "csv").mkdir()
    code, _, message = run(tmp_path, "--as", "iapt-2.1", "--salvage")
    assert code == 2 and "--salvage" in message
    assert run(sample_idb / "iapt-1.5.mdb", "--allow", "conflict:nothing")[0] == 2
    assert run(sample_idb / "README.md", "--as", "iapt-1.5")[0] == 3
