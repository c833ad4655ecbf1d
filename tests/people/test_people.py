"""Nobody's record under another's name: whole files, looked through by brute force in plain Python."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

import idbmigrate
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.errors import UsageError

#: The columns of each table that the files of these tests have.
COLUMNS = {
    "Person": ("LPTID", "ORGCODEPROVIDER", "NHSNO", "DOB", "GENDER"),
    "Referral": ("LPTID", "SERVICEID", "ORGCODECOMM", "REFRECDATE"),
    "Appointment": ("LPTID", "SERVICEID", "APPOINTMENT", "ATTENDANCE", "APPTYPE", "PHQ9_SCORE", "EMPSTATUS"),
    "WaitingTimePauses": ("SERVICEID", "PAUSEID", "PAUSESTARTDATE"),
}
Rows = dict[str, list[tuple]]


def written(path, rows: Rows):
    """An Access file of v1.5 with these rows; text columns alone."""
    create_database(path)
    with DatabaseWriter(path) as writer:
        for table, names in COLUMNS.items():
            writer.create_table(table, [NewColumn(name, "TEXT", 50) for name in names])
            columns = [
                pa.array([row[i] for row in rows.get(table, ())], pa.string()) for i in range(len(names))
            ]
            writer.append(table, pa.table(columns, names=list(names)))
    return path


def converted(path, rows: Rows, to: str = "iapt-2.1", **options):
    return idbmigrate.convert(written(path, rows), to=to, source="iapt-1.5", **options)


def found(run) -> dict[tuple[str, str | None], int]:
    return {(line["finding"], line["table"], line["column"]): line["rows"] for line in run.summary["keys"]}


def person(name: str, nhs: str | None = None, born: str = "1980-01-01", provider: str = "RX1") -> tuple:
    return (name, provider, nhs, born, "1")


REUSED: Rows = {
    "Person": [person("P1", "9990120005"), person("P2", "9990120013", "1981-01-01")],
    "Referral": [("P1", "S1", "02N", "2016-04-04"), ("P2", "S1", "02N", "2016-04-11")],
    "Appointment": [
        ("P1", "S1", "2016-04-18", "5", "02", "14", "01"),
        ("P2", "S1", "2016-04-20", "5", "02", "20", "02"),
    ],
    "WaitingTimePauses": [("S1", "1", "2016-05-01")],
}


# -- a referral number that two patients share ------------------------------------------------------


@pytest.mark.parametrize("order", [1, -1])
def test_a_shared_referral_number_joins_nobody_to_another(tmp_path, order):
    run = converted(tmp_path / "a.mdb", {name: rows[::order] for name, rows in REUSED.items()})
    referrals = {r["LocalPatientId"]: r["ServiceRequestId"] for r in run.tables["IDS101Referral"].to_pylist()}
    assert referrals == {"P1": "R7AE309C7301754C8D8F", "P2": "R4E63C44A151A158C7B4"}
    contacts = {c["CareContDate"]: c["ServiceRequestId"] for c in run.tables["IDS201CareContact"].to_pylist()}
    assert contacts == {"2016-04-18": referrals["P1"], "2016-04-20": referrals["P2"]}
    employment = {(e["LocalPatientId"], e["EmployStatus"]) for e in run.tables["IDS004EmpStatus"].to_pylist()}
    assert employment == {("P1", "01"), ("P2", "02")}
    assert not run.tables["IDS108WaitingTimePauses"].num_rows
    assert found(run) == {
        ("shared-key", "Referral", "SERVICEID"): 2,
        ("shared-key", "Appointment", "SERVICEID"): 2,
        ("ambiguous-parent:Referral", "WaitingTimePauses", None): 1,
    }


def test_what_was_renumbered_is_listed(tmp_path):
    converted(tmp_path / "a.mdb", REUSED, out=tmp_path / "out")
    listed = (tmp_path / "out/rejects/keys.csv").read_text(encoding="utf-8").splitlines()
    assert listed[0] == "table,row,column,value,written"
    assert [line.split(",")[2:] for line in listed[1:]] == [
        ["SERVICEID", "S1", number] for number in ("R7AE309C7301754C8D8F", "R4E63C44A151A158C7B4") * 2
    ]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))
    assert {line["finding"] for line in manifest["keys"]} == {"shared-key", "ambiguous-parent:Referral"}
    assert "ambiguous-parent:Referral" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_a_clean_file_has_no_findings_and_no_list(sample_idb, tmp_path):
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=tmp_path / "out")
    assert run.summary["keys"] == []
    assert not (tmp_path / "out/rejects/keys.csv").exists()


def test_the_shared_referral_number_of_the_outside_file(shared_dir):
    path = shared_dir / "cases" / "01-reused-referral-id.mdb"
    if not path.is_file():
        pytest.skip("no cases/01-reused-referral-id.mdb in the shared folder")
    run = idbmigrate.convert(path, to="iapt-2.1")
    assert scores(run) == {("P1", "14"), ("P1", "11"), ("P2", "20"), ("P2", "11")}
    assert ("shared-key", "Referral", "SERVICEID") in found(run)


def test_the_keys_and_nhs_numbers_of_the_outside_file(shared_dir):
    path = shared_dir / "cases" / "02-key-whitespace-case.mdb"
    if not path.is_file():
        pytest.skip("no cases/02-key-whitespace-case.mdb in the shared folder")
    run = idbmigrate.convert(path, to="iapt-2.1")
    numbers = set(run.tables["IDS001MPI"]["NHSNumber"].to_pylist())
    assert {"9990120013", "9990120048", "9990120056"} <= numbers
    assert run.tables["IDS201CareContact"].num_rows == 7
    assert {line["finding"] for line in run.summary["keys"]} == {"respelled-key"}


def scores(run) -> set[tuple[str, str]]:
    """Patient and score of every published score, by following the published keys."""
    tables = {name: table.to_pylist() for name, table in run.tables.items()}
    patient = {row["ServiceRequestId"]: row["LocalPatientId"] for row in tables["IDS101Referral"]}
    contact = {row["CareContactId"]: patient[row["ServiceRequestId"]] for row in tables["IDS201CareContact"]}
    activity = {row["CareActId"]: contact[row["CareContactId"]] for row in tables["IDS202CareActivity"]}
    rows = tables["IDS607CodedScoreAssessmentAct"]
    return {(activity[row["CareActId"]], row["PersScore"]) for row in rows}


def before(blank: str) -> str:
    """What may begin a text of an Access file: U+FEFF there is the mark of a compressed one."""
    return "\u200b" if blank == "\ufeff" else blank


# -- spelling -------------------------------------------------------------------------------------

BLANKS = [*" \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff\u2000\u2005\u2009\u200a\u202f\u3000", "\r\n"]


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_keys_match_whatever_blank_stands_around_them(tmp_path, blank):
    lead = before(blank)
    rows = REUSED | {
        "Person": [person(f"P1{blank}", f"999{blank}012{blank}0005{blank}")],
        "Referral": [(f"{lead}p1", "S1", "02N", "2016-04-04")],
        "Appointment": [(f"P1{blank}", f"{lead}s1{blank}", "2016-04-18", "5", "02", "14", "01")],
        "WaitingTimePauses": [(f"s1{blank}", "1", "2016-05-01")],
    }
    run = converted(tmp_path / "a.mdb", rows)
    assert run.tables["IDS001MPI"]["LocalPatientId"].to_pylist() == ["P1"]
    assert run.tables["IDS001MPI"]["NHSNumber"].to_pylist() == (["9990120005"])
    assert scores(run) == {("P1", "14")}
    for name in ("IDS101Referral", "IDS201CareContact", "IDS108WaitingTimePauses"):
        assert run.tables[name]["ServiceRequestId"].to_pylist() == ["S1"], name
    assert sum(found(run).values()) == 5


# -- contradictions ---------------------------------------------------------------------------------

CONFLICTS: dict[str, Rows] = {
    "person-nhs-number": {"Person": [person("P1", "9990120005"), person("P1", "9990120021")]},
    "person-birth-date": {"Person": [person("P1"), person("P1", born="1980-01-02")]},
    "person-provider": {"Person": [person("P1"), person("P1", provider="RX2")]},
    "shared-nhs-number": {"Person": [person("P1", "9990120005"), person("P3", "999 012 0005", "1970-01-01")]},
    "contact-patient": {"Person": [person("P1")]},
}


@pytest.mark.parametrize("target", ["iapt-2.1", "mhsds-6.0", "mhsds-5.0"])
@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_contradiction_is_rejected_with_what_hangs_on_it_and_carried_where_it_is_allowed(
    tmp_path, conflict, target
):
    owner = "P2" if conflict == "contact-patient" else "P1"
    rows = {
        "Person": [*CONFLICTS[conflict]["Person"], person("P2", "9990120013", "1981-01-01")],
        "Referral": [("P1", "S1", "02N", "2016-04-04"), ("P2", "S2", "02N", "2016-04-11")],
        "Appointment": [
            (owner, "S1", "2016-04-18", "5", "02", "14", "01"),
            ("P2", "S2", "2016-04-20", "5", "02", "20", "02"),
        ],
    }
    run = converted(tmp_path / "a.mdb", rows, target)
    start = target[:4].replace("iapt", "IDS").replace("mhsd", "MHS")
    contacts = run.tables[f"{start}201CareContact"]["CareContDate"].to_pylist()
    assert contacts == ["2016-04-20"]
    employed = run.tables[f"{start}004EmpStatus"].to_pylist()
    assert [next(iter(row.values())) for row in employed] == ["P2"]
    reasons = {line["reason"]: line["rows"] for line in run.summary["left_behind"]}
    hanging = {"contact-patient": 1, "shared-nhs-number": 4}.get(conflict, 4)
    assert reasons[f"conflict:{conflict}"] == hanging
    about = [line for line in run.findings.to_pylist() if line["kind"] == "people"]
    assert {(line["code"], line["effect"]) for line in about} == {(f"conflict:{conflict}", "record")}
    assert len(about) == hanging
    home = "Appointment" if conflict == "contact-patient" else "Person"
    assert {line["table"] for line in about if not line["follows"]} == {home}
    assert all(line["reference"].startswith(line["table"] + " ") for line in about)
    first = next(cause for cause in run.root_causes if (cause["code"] or "").startswith("conflict"))
    assert (first["code"], first["table"]) == (f"conflict:{conflict}", home)
    assert f"--allow conflict:{conflict}" in first["do"]
    allowed = idbmigrate.convert(
        tmp_path / "a.mdb", to=target, source="iapt-1.5", allow=[f"conflict:{conflict}"]
    )
    about = [line for line in allowed.findings.to_pylist() if line["kind"] == "people"]
    assert {(line["code"], line["effect"]) for line in about} == {("allowed-conflict", "warning")}
    assert f"conflict:{conflict}" not in {line["reason"] for line in allowed.summary["left_behind"]}
    assert len(allowed.tables[f"{start}201CareContact"]) == 2
    assert {finding for finding, *_ in found(allowed)} == {"allowed-conflict"}


def test_a_conflict_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(UsageError, match="knows no conflict"):
        converted(tmp_path / "a.mdb", REUSED, allow=["conflict:other"])


# -- files at random --------------------------------------------------------------------------------


def spelt(key: str, chance: random.Random) -> str:
    """The key as somebody may have typed it."""
    around = [chance.choice(["", "", "", *BLANKS]) for _ in range(2)]
    return before(around[0]) + chance.choice([key, key, key.lower()]) + around[1]


def at_random(seed: int) -> tuple[Rows, dict[str, str]]:
    """People with shared referral numbers and contradictions; whose each score is, by its number."""
    chance = random.Random(seed)
    people = [f"P{n}" for n in range(8)]
    persons = [person(spelt(name, chance), born=f"19{60 + n}-01-01") for n, name in enumerate(people)]
    if chance.random() < 0.5:
        persons.append(person(people[0], born="1999-09-09"))
    referrals = [(chance.choice(people), f"S{chance.randrange(6)}") for _ in range(12)]
    contacts, owner = [], {}
    for number in range(40):
        name, referral = chance.choice(referrals)
        if chance.random() < 0.1:
            name = chance.choice(people)
        day = f"2016-{1 + number // 27:02d}-{1 + number % 27:02d}"
        named = None if chance.random() < 0.2 else spelt(name, chance)
        contacts.append((named, spelt(referral, chance), day, "5", "02", "1", None))
        owner[day] = "" if named is None else name
    rows: Rows = {
        "Person": persons,
        "Referral": [(spelt(n, chance), spelt(s, chance), "02N", "2015-12-01") for n, s in referrals],
        "Appointment": contacts,
        "WaitingTimePauses": [],
    }
    for each in rows.values():
        chance.shuffle(each)
    return rows, owner


def key(text: str) -> str:
    return text.strip(
        " \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff\u2000\u2005\u2009\u200a\u202f\u3000"
    ).upper()


def expected(rows: Rows) -> dict[str, str]:
    """Patient of every contact that can be carried, by its day: a plain loop over the rows."""
    born: dict[str, set[str]] = {}
    for name, _, _, birth, _ in rows["Person"]:
        born.setdefault(key(name), set()).add(birth)
    sound = {name for name, births in born.items() if len(births) == 1}
    owners: dict[str, set[str]] = {}
    for name, number, *_ in rows["Referral"]:
        owners.setdefault(key(number), set()).add(key(name))
    carried = {}
    for name, number, day, *_ in rows["Appointment"]:
        known = owners.get(key(number), set())
        if name is not None:
            known = known & {key(name)}
        if len(known) == 1 and known <= sound:
            [carried[day]] = known
    return carried


@pytest.mark.parametrize("seed", range(8))
def test_no_value_of_one_patient_is_under_another(tmp_path, seed):
    rows, owner = at_random(seed)
    run = converted(tmp_path / "a.mdb", rows)
    patient = {
        row["ServiceRequestId"]: row["LocalPatientId"].upper()
        for row in run.tables["IDS101Referral"].to_pylist()
    }
    assert len(patient) == run.tables["IDS101Referral"].num_rows
    contacts = run.tables["IDS201CareContact"].to_pylist()
    published = {row["CareContDate"]: patient[row["ServiceRequestId"]] for row in contacts}
    assert len(published) == len(contacts)
    assert published == expected(rows)
    for day, name in published.items():
        assert owner[day] in ("", name)


def test_the_order_of_rows_changes_nothing(tmp_path):
    rows, _ = at_random(3)
    tables = converted(tmp_path / "a.mdb", rows).tables
    again = converted(tmp_path / "b.mdb", {name: each[::-1] for name, each in rows.items()}).tables
    for name in ("IDS001MPI", "IDS101Referral", "IDS201CareContact", "IDS607CodedScoreAssessmentAct"):
        same = [sorted(map(str, each[name].to_pylist())) for each in (tables, again)]
        assert same[0] == same[1], name


def test_a_contradiction_decides_the_exit_code_and_the_page(tmp_path):
    """Records that stay behind because nobody can tell whose they are are findings like any other."""
    rows = {**REUSED, **CONFLICTS["person-birth-date"]}
    run = converted(tmp_path / "a.mdb", rows, out=tmp_path / "out", check=True)
    assert run.summary["findings"]["record"] >= run.about_people.num_rows > 0
    listed = (tmp_path / "out" / "findings.csv").read_text(encoding="utf-8")
    codes = run.about_people["code"].to_pylist()
    assert listed.count("conflict:person-birth-date") == codes.count("conflict:person-birth-date") > 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "conflict:person-birth-date" in page and 'verdict accepted"' not in page
    bare = converted(tmp_path / "b.mdb", rows, check=False)
    assert bare.summary["findings"]["record"] == run.about_people.num_rows
