"""Samples: the same bytes for the same seed, patients who cannot exist, and data that hang together."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from itertools import pairwise

import numpy as np
import pyarrow.compute as pc
import pytest

from idbmigrate.access import open_database
from idbmigrate.datasets import identify, load_dataset
from idbmigrate.errors import OutputError, UsageError
from idbmigrate.sample import write_sample
from idbmigrate.sample.blocks import nhs_numbers

EDITIONS = ["iapt-1.5", "iapt-1.0", "iapt-1.0-pbr", "iapt-ltc-1.5.4"]


def commands(readme: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in readme.splitlines() if line.startswith("idbmigrate sample ")]


def test_the_readme_commands_write_the_committed_files(sample_idb, tmp_path):
    from click.testing import CliRunner

    from idbmigrate.cli import group

    lines = commands((sample_idb / "README.md").read_text(encoding="utf-8"))
    assert {line[line.index("--out") + 1].split("/")[1] for line in lines} == {
        path.name for path in sample_idb.iterdir() if path.suffix in (".mdb", ".accdb")
    }
    for line in lines:
        place = line.index("--out") + 1
        name = line[place].split("/")[1]
        line[place] = str(tmp_path / name)
        result = CliRunner().invoke(group, line)
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).read_bytes() == (sample_idb / name).read_bytes(), name
        assert (tmp_path / name).stat().st_size <= 400 * 1024


@pytest.mark.parametrize("suffix", ["mdb", "accdb"])
@pytest.mark.parametrize("dataset", EDITIONS)
def test_a_sample_is_found_to_be_what_it_is(dataset, suffix, tmp_path):
    sample = write_sample(
        tmp_path / f"s.{suffix}", dataset=dataset, patients=30, drifted=dataset.endswith("pbr")
    )
    with open_database(sample.path) as db:
        found = identify({table: db.columns(table) for table in db.tables})
        assert {table: db.row_count(table) for table in sample.rows} == sample.rows
    assert found.dataset.name == dataset if hasattr(found.dataset, "name") else found.dataset == dataset


def test_patients_cannot_exist_and_histories_hang_together(tmp_path):
    sample = write_sample(tmp_path / "s.mdb", dataset="iapt-1.5", patients=500, seed=11)
    with open_database(sample.path) as db:
        t = {name.removeprefix("IAPTDataSet"): db.read(name) for name in db.tables}
    numbers = [number for number in t["Person"]["NHSNO"].to_pylist() if number]
    assert len(numbers) > 450 and len(set(numbers)) == len(numbers)
    for number in numbers:
        check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1))) % 11
        assert number.startswith("999") and check % 11 == int(number[9]), "check digit"
        assert number != number[::-1]
    people, services = set(t["Person"]["LPTID"].to_pylist()), set(t["Referral"]["SERVICEID"].to_pylist())
    assert set(t["Referral"]["LPTID"].to_pylist()) <= people
    for name in ("Appointment", "WaitingTimePauses", "AssessmentPEQ", "TreatmentPEQ"):
        assert set(t[name]["SERVICEID"].to_pylist()) <= services, name
    received = dict(zip(t["Referral"]["SERVICEID"].to_pylist(), t["Referral"]["REFRECDATE"].to_pylist()))
    seen = t["Appointment"].to_pylist()
    assert all(row["APPOINTMENT"] > received[row["SERVICEID"]] for row in seen)
    assert len({(r["SERVICEID"], r["APPOINTMENT"], r["APPOINTMENTTIME"]) for r in seen}) == len(seen)
    assert all(row["PHQ9_SCORE"] is None for row in seen if row["ATTENDANCE"] not in ("5", "6"))
    scores = t["Appointment"]["PHQ9_SCORE"]
    assert 0 <= pc.min(scores).as_py() < pc.max(scores).as_py() <= 27
    ended = [row for row in t["Referral"].to_pylist() if row["ENDDATE"]]
    assert ended and all(row["ENDDATE"] > row["REFRECDATE"] and row["ENDCODE"] for row in ended)


def test_codes_are_the_data_sets_own_unless_faults_are_asked_for(tmp_path):
    dataset = load_dataset("iapt-1.5")

    def wrong(faults: str) -> int:
        sample = write_sample(
            tmp_path / "s.mdb", dataset="iapt-1.5", patients=200, faults=faults, seed=3, overwrite=True
        )
        count = 0
        with open_database(sample.path) as db:
            for name, table in dataset.tables.items():
                if not table.expected:
                    continue
                physical = next(t for t in db.tables if t in (name, *table.aliases))
                data = db.read(physical)
                for column in table.columns.values():
                    codes = dataset.codes_of(column)
                    if codes is not None:
                        values = [str(v) for v in data[column.name].to_pylist() if v is not None]
                        count += sum(value not in codes.codes for value in values)
        return count

    assert wrong("none") == 0
    assert 0 < wrong("some") < wrong("many")


def test_faults_and_drift_are_all_there(tmp_path):
    sample = write_sample(
        tmp_path / "s.mdb", dataset="iapt-1.5", patients=400, faults="0.1", naming="mixed", drifted=True
    )
    with open_database(sample.path) as db:
        assert db.tables[-1] == "tblLookup_Local" and "WaitingTimes" in db.tables
        person, referral = db.read("Person"), db.read("Referral")
        appointment, pauses = db.read("Appointment"), db.read("WaitingTimes")
    people = person["LPTID"].to_pylist()
    assert len(set(people)) == 400 < len(people), "repeated patients"
    assert set(referral["LPTID"].to_pylist()) - set(people), "orphans"
    kinds = set(appointment["Apptype"].to_pylist())
    assert {"1", "01", "?!"} <= kinds and any(value and value.endswith(" ") for value in kinds)
    assert 99 in appointment["PHQ9_Score"].to_pylist()
    assert any(row["ENDDATE"] and row["ENDDATE"] < row["REFRECDATE"] for row in referral.to_pylist())
    referral = referral.rename_columns([name.upper() for name in referral.column_names])
    appointment = appointment.rename_columns([name.upper() for name in appointment.column_names])
    owners = referral.group_by("SERVICEID").aggregate([("LPTID", "count_distinct")])
    assert pc.max(owners["LPTID_count_distinct"]).as_py() > 1, "patients who share a referral number"
    bounds = {row["SERVICEID"]: (row["REFRECDATE"], row["ENDDATE"]) for row in referral.to_pylist()}
    seen = [
        (row["APPOINTMENT"], *bounds.get(row["SERVICEID"], (None, None))) for row in appointment.to_pylist()
    ]
    assert any(begin and day < begin for day, begin, end in seen), "contacts before their referral"
    assert any(end and day > end for day, begin, end in seen), "contacts after its end"
    dates = [value for value in pauses["PAUSESTARTDATE"].to_pylist() if value]
    assert dates and all(dt.datetime.strptime(value, "%d/%m/%Y") for value in dates)
    assert {"LocalNotes", "KeyWorker", "ReligiousGroup"} <= set(person.column_names)
    assert max(len(note or "") for note in person["LocalNotes"].to_pylist()) > 400


def test_courses_differ_as_they_do_in_life(tmp_path):
    sample = write_sample(tmp_path / "s.mdb", dataset="iapt-1.5", patients=2000, seed=5)
    with open_database(sample.path) as db:
        t = {name.removeprefix("IAPTDataSet"): db.read(name) for name in db.tables}
    seen = t["Appointment"].to_pylist()
    referrals = {row["SERVICEID"]: row for row in t["Referral"].to_pylist()}
    first = {}
    for row in seen:
        if row["PHQ9_SCORE"] is not None:
            first.setdefault(row["SERVICEID"], row["PHQ9_SCORE"])
    case = sum(score >= 10 for score in first.values()) / len(first)
    assert 0.6 < case < 0.95 and len(first) < len(referrals), "at caseness, and without a score"
    # end codes fit the course, and most of the treated complete it
    kinds = ("02", "03", "05")
    treated = {r["SERVICEID"] for r in seen if r["ATTENDANCE"] in ("5", "6") and r["APPTYPE"] in kinds}
    stepped = [row["ENDCODE"] for row in referrals.values() if row["ORGCODEPROVIDSTEPTO"]]
    assert set(stepped) == {"40", "41"}
    ends = [
        (row["ENDCODE"], number in treated)
        for number, row in referrals.items()
        if row["ENDCODE"] and not row["ORGCODEPROVIDSTEPTO"]
    ]
    completed = sum(code == "42" for code, _ in ends) / len(ends)
    assert 0.35 < completed < 0.65 and 0 < sum(code in ("15", "45") for code, _ in ends) < len(ends) / 50
    assert all((code in ("10", "11", "12", "13", "14", "15", "97")) != was for code, was in ends)
    sources = [row["SOURCEREFERRAL"] for row in referrals.values() if row["SOURCEREFERRAL"]]
    retired = sum(code[0] in "JKL" for code in sources) / len(sources)
    assert 0 < retired < 0.02
    # a last contact after the end; the questionnaire of the disorder; a long wait between two treatments
    assert any(
        referrals[row["SERVICEID"]]["ENDDATE"] and row["APPOINTMENT"] > referrals[row["SERVICEID"]]["ENDDATE"]
        for row in seen
    )
    social = {number for number, row in referrals.items() if row["PROVDIAG"] == "F401"}
    assert any(row["SERVICEID"] in social and row["SOCPHOBIAINVSCORE"] is not None for row in seen)
    days = {}
    for row in seen:
        days.setdefault(row["SERVICEID"], []).append(row["APPOINTMENT"])
    gaps = [after - before for each in days.values() for before, after in pairwise(each)]
    assert max(gap.days for gap in gaps) > 90


def test_blocks_do_not_repeat_each_other(tmp_path, monkeypatch):
    from idbmigrate.sample import write

    monkeypatch.setattr(write, "BLOCK", 70)
    sample = write_sample(tmp_path / "s.mdb", dataset="iapt-1.5", patients=200)
    with open_database(sample.path) as db:
        person, referral = db.read("IAPTDataSetPerson"), db.read("IAPTDataSetReferral")
    numbers = [number for number in person["NHSNO"].to_pylist() if number]
    assert len(set(numbers)) == len(numbers) > 180
    assert len(set(person["LPTID"].to_pylist())) == 200
    services = referral["SERVICEID"].to_pylist()
    assert len(set(services)) == len(services)
    first, second = (
        person.slice(0, 70)["DOB"].to_pylist(),
        person.slice(70, 70)["DOB"].to_pylist(),
    )
    assert first != second


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"dataset": "iapt-2.1"}, "unknown-name"),
        ({"faults": "lots"}, "bad-option"),
        ({"faults": "1.5"}, "bad-option"),
        ({"naming": "odd"}, "bad-option"),
        ({"patients": 0}, "bad-option"),
        ({"patients": 1_000_001}, "bad-option"),
    ],
)
def test_wrong_arguments_are_named_and_leave_nothing(change, code, tmp_path):
    arguments = {"dataset": "iapt-1.5", "patients": 5, **change}
    with pytest.raises(UsageError) as caught:
        write_sample(tmp_path / "s.mdb", **arguments)
    assert caught.value.code == code
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_kept(tmp_path):
    target = tmp_path / "s.mdb"
    target.write_bytes(b"mine")
    with pytest.raises(OutputError) as caught:
        write_sample(target, dataset="iapt-1.5", patients=5)
    assert caught.value.code == "output-exists" and re.search("overwrite", caught.value.hint)
    assert target.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["s.mdb"]


def test_no_nhs_number_that_is_drawn_reads_the_same_backwards():
    numbers = nhs_numbers(np.random.default_rng(1), 1_000_000, 0).drop_null().to_pylist()
    assert len(set(numbers)) == len(numbers) > 908_000
    assert not [number for number in numbers if number == number[::-1]]


def test_a_table_that_some_files_hold_and_a_column_that_one_lacks(tmp_path):
    options = {"dataset": "iapt-1.5", "patients": 30}
    plain = write_sample(tmp_path / "p.mdb", **options)
    pilot = write_sample(tmp_path / "s.mdb", **options, also=["EmploymentAdviser"])
    lacking = write_sample(tmp_path / "l.mdb", **options, without=["Appointment.LPTID"])
    assert pilot.rows["EmploymentAdviser"] > 5 and "EmploymentAdviser" not in plain.rows
    with (
        open_database(pilot.path) as db,
        open_database(plain.path) as before,
        open_database(lacking.path) as less,
    ):
        adviser, referral = db.read("EmploymentAdviser"), db.read("IAPTDataSetReferral")
        whose = dict(zip(referral["SERVICEID"].to_pylist(), referral["LPTID"].to_pylist(), strict=True))
        for service, patient in zip(
            adviser["SERVICEID"].to_pylist(), adviser["LPTID"].to_pylist(), strict=True
        ):
            assert whose[service] == patient
        assert all(adviser[name].null_count < adviser.num_rows for name in adviser.column_names)
        table = before.read("IAPTDataSetAppointment")
        assert less.read("IAPTDataSetAppointment") == table.drop_columns(["LPTID"]), "all else is the same"
        found = identify({table: db.columns(table) for table in db.tables})
        assert "EmploymentAdviser" in {table.canonical for table in found.tables}


@pytest.mark.parametrize(
    "wrong", [{"also": ["Person"]}, {"without": ["Appointment.X"]}, {"without": ["LPTID"]}]
)
def test_a_table_or_column_that_is_none(wrong, tmp_path):
    with pytest.raises(UsageError) as caught:
        write_sample(tmp_path / "s.mdb", dataset="iapt-1.5", patients=1, **wrong)
    assert caught.value.code == "unknown-name" and not (tmp_path / "s.mdb").exists()
