"""Small files of faults, each by its right values."""

from __future__ import annotations

import pytest

import idbmigrate


@pytest.fixture
def converted(shared_dir):
    """Convert a case file."""

    def run(name: str, to: str = "iapt-2.1", **options) -> idbmigrate.Run:
        path = shared_dir / "cases" / name
        parameters = {"org_id_provider": "RX1"} | options.pop("parameters", {})
        return idbmigrate.convert(path, to, parameters=parameters, **options)

    return run


def reasons(run: idbmigrate.Run, column: str, table: str = "Appointment") -> dict[str, int]:
    lines = (line for line in run.ledger if (line["table"], line["column"]) == (table, column))
    return next(lines)["reasons"]


def test_contact_dates_as_text(converted):
    run = converted("05-text-dates.mdb")
    contacts = run.tables["IDS201CareContact"]
    days = dict(zip(contacts["CareContTime"].to_pylist(), contacts["CareContDate"].to_pylist(), strict=True))
    assert len(days) == 14
    assert days.pop("08:45:00") == "2016-04-08"
    assert days.pop("12:00:00") == "2016-04-03"
    assert set(days.values()) == {"2016-04-18"}
    assert reasons(run, "APPOINTMENT") == {"bad-format": 3}
    answers = run.tables["IDS004EmpStatus"]["EmployStatusRecDate"].to_pylist()
    assert sorted(map(str, answers)) == ["2016-04-03", "2016-04-08", "2016-04-18", "None", "None", "None"]
    proof = next(line for line in run.dates if line["column"] == "APPOINTMENT")
    assert (proof["order"], proof["month_first"], proof["unread"]) == ("day-first", 1, 3)


def test_times_as_text(converted):
    run = converted("06-times.mdb")
    contacts = run.tables["IDS201CareContact"].select(["CareContDate", "CareContTime"]).to_pydict()
    times = dict(zip(contacts["CareContDate"], contacts["CareContTime"], strict=True))
    for day, time in {
        "03": "09:30:00",
        "04": "09:30:00",
        "05": "09:30:00",
        "06": None,
        "07": None,
        "08": None,
        "10": "10:00:00",
        "11": "14:30:00",
        "12": "14:30:00",
        "14": "00:00:00",
        "15": None,
        "16": None,
    }.items():
        assert times[f"2016-04-{day}"] == time
    assert reasons(run, "APPOINTMENTTIME") == {"bad-format": 5}


@pytest.mark.parametrize(
    "to, table",
    [
        ("iapt-2.1", "IDS201CareContact"),
        ("mhsds-6.0", "MHS201CareContact"),
        ("mhsds-5.0", "MHS201CareContact"),
    ],
)
def test_the_time_of_day_inside_the_date(converted, to, table):
    run = converted("31-time-in-date.mdb", to)
    contacts = run.tables[table].select(["CareContDate", "CareContTime"]).to_pylist()
    assert sorted((each["CareContDate"], each["CareContTime"]) for each in contacts) == [
        ("2016-04-18", "09:30:00"),
        ("2016-04-18", "14:00:00"),
        ("2016-04-25", "11:15:00"),
    ]
    stamps = run.tables.get("MHS606CodedScoreAssessmentRefer")
    if stamps is not None:
        assert set(stamps["AssToolCompTimestamp"].to_pylist()) == {"2016-04-18T09:30:00+01:00"}


@pytest.mark.parametrize(
    "name, yes, no",
    [
        ("04-yesno.mdb", ["SSPIND", "EMPSUPPORTIND"], ["SSPIND", "EMPSUPPORTIND", "CANCELLATION"]),
        ("04b-minus1.mdb", ["SSPIND"], ["EMPSUPPORTIND"]),
    ],
)
def test_yes_and_no_as_access_holds_them(converted, tmp_path, name, yes, no):
    targets = {"SSPIND": "SSPInd", "EMPSUPPORTIND": "EmpSupportInd"}
    run = converted(name)
    for column in yes:
        assert run.tables["IDS004EmpStatus"][targets[column]].drop_null().to_pylist() == ["Y"]
    for column in no:
        assert [word.partition(":")[0] for word in reasons(run, column)] == ["undecided-no"]
    lookups = ["yes_no", "yes_no_unknown_declined", "employment_support_suitability"]
    lines = "\n".join(f"  {lookup}: {{false: N, 0: N}}" for lookup in lookups)
    overlay = tmp_path / "no.yaml"
    overlay.write_text(f"lookups:\n{lines}\n", encoding="utf-8")
    run = converted(name, overlay=str(overlay))
    assert not any(reasons(run, column) for column in (*yes, *no))
    for column in {*no} & {*targets}:
        assert "N" in run.tables["IDS004EmpStatus"][targets[column]].to_pylist()
