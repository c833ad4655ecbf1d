"""What becomes of each row of several files, against a plain account in Python."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from idbmigrate.archive.consolidate import GONE, STAYS, Consolidation
from idbmigrate.archive.unit import Unit, units
from idbmigrate.archive.winners import decide
from idbmigrate.engine.store import Store
from idbmigrate.mapping.load import find_mapping, load_mapping
from tests.archive.made import Rows, submission

MAPPING = load_mapping(find_mapping("iapt-1.5", "iapt-2.1"))
Tables = dict[str, Rows]


def fates(folder: Path, unit: Unit, allow=()) -> dict[str, dict[str, list[str]]]:
    """By table and file, for each row: ``stays``, ``gone``, or the name of the file that replaces it."""
    (folder / "store").mkdir()
    store = Store(folder / "store", "300MB", [folder])
    try:
        found = Consolidation(unit, MAPPING, store, allow).rows()
    finally:
        store.close()
    names = {STAYS: "stays", GONE: "gone", **dict(enumerate(unit.names))}
    return {
        label: {unit.names[number]: [names[int(fate)] for fate in rows] for number, rows in files.items()}
        for label, files in found.fates.items()
    }


def of(folder: Path, *files: tuple[str, str, Tables], allow=()) -> dict[str, dict[str, list[str]]]:
    """The fates of files: (month, kind, tables) each, named ``2016-04-primary.mdb``."""
    made = [
        submission(folder, f"{month}-{kind}", tables, period=month, kind=kind)
        for month, kind, tables in files
    ]
    (unit,) = units(decide(made))
    return fates(folder, unit, allow)


def person(lptid: str, **more: str | None) -> dict[str, str | None]:
    return {"LPTID": lptid, "ORGCODEPROVIDER": "RX1", "DOB": "1980-01-01", "NHSNO": None, **more}


def referral(lptid: str, service: str, **more: str | None) -> dict[str, str | None]:
    plain = {"REFRECDATE": "2016-04-01", "ENDDATE": None, "ORGCODECOMM": "15F"}
    return {"LPTID": lptid, "SERVICEID": service, **plain, **more}


def contact(service: str, day: str, **more: str | None) -> dict[str, str | None]:
    return {
        "SERVICEID": service,
        "APPOINTMENT": day,
        "APPOINTMENTTIME": "10:00:00",
        "ATTENDANCE": "5",
        **more,
    }


APRIL, MAY, JUNE = "2016-04", "2016-05", "2016-06"
FIRST, SECOND, THIRD = (f"{month}-primary.mdb" for month in (APRIL, MAY, JUNE))


def test_the_latest_state_of_a_person_and_a_referral_stays(tmp_path):
    found = of(
        tmp_path,
        (APRIL, "primary", {"Person": [person("P1")], "Referral": [referral("P1", "S1")]}),
        (MAY, "primary", {"Person": [person("P1", GMPC="A81001")], "Referral": []}),
        (JUNE, "primary", {"Person": [], "Referral": [referral("p1", "s1", ENDDATE="2016-06-02")]}),
    )
    assert found["Person"] == {FIRST: [SECOND], SECOND: ["stays"], THIRD: []}
    assert found["Referral"] == {FIRST: [THIRD], SECOND: [], THIRD: ["stays"]}


def test_what_the_refresh_of_a_month_holds_no_more_is_gone(tmp_path):
    found = of(
        tmp_path,
        (APRIL, "primary", {"Person": [person("P1"), person("P2")]}),
        (APRIL, "refresh", {"Person": [person("P1")]}),
        (MAY, "primary", {"Person": [person("P2")]}),
    )
    refresh = f"{APRIL}-refresh.mdb"
    assert found["Person"] == {FIRST: [refresh, "gone"], refresh: ["stays"], SECOND: ["stays"]}


@pytest.mark.parametrize("other", [{"DOB": "1990-01-01"}, {"NHSNO": "9990000115"}])
def test_a_number_that_is_given_to_another_person_is_never_merged(tmp_path, other):
    before = person("P1", NHSNO="9990000026")
    files = (
        (APRIL, "primary", {"Person": [before, person("P2")]}),
        (MAY, "primary", {"Person": [{**before, **other}, person("P2")]}),
        (JUNE, "primary", {"Person": [{**before, **other}]}),
    )
    found = of(tmp_path, *files)
    assert found["Person"] == {FIRST: ["stays", SECOND], SECOND: [THIRD, "stays"], THIRD: ["stays"]}
    (tmp_path / "again").mkdir()
    allow = ("person-birth-date", "person-nhs-number", "shared-nhs-number")
    assert of(tmp_path / "again", *files, allow=allow)["Person"][FIRST] == [THIRD, SECOND]


def test_contacts_of_one_number_of_two_patients_are_kept_apart(tmp_path):
    """S1 is of P1 in April and of P2 in May, and the contacts have no patient of their own."""
    april = {
        "Person": [person("P1")],
        "Referral": [referral("P1", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    may = {
        "Person": [person("P2")],
        "Referral": [referral("P2", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    found = of(tmp_path, (APRIL, "primary", april), (MAY, "primary", may))
    assert {fate for files in found.values() for rows in files.values() for fate in rows} == {"stays"}


def test_contacts_whose_referral_stands_in_another_file_are_one(tmp_path):
    april = {
        "Person": [person("P1")],
        "Referral": [referral("P1", "S1")],
        "Appointment": [contact("S1", "2016-04-05")],
    }
    may = {
        "Person": [],
        "Referral": [],
        "Appointment": [contact("S1", "05/04/2016", ATTENDANCE="6"), contact("S1", "31/05/2016")],
    }
    found = of(tmp_path, (APRIL, "primary", april), (MAY, "primary", may))
    assert found["Appointment"] == {FIRST: [SECOND], SECOND: ["stays", "stays"]}


def test_of_several_contacts_at_one_time_only_equal_ones_are_one(tmp_path):
    base = {"Person": [person("P1")], "Referral": [referral("P1", "S1")]}
    one, other = contact("S1", "2016-04-05"), contact("S1", "2016-04-05", ATTENDANCE="3")
    found = of(
        tmp_path,
        (APRIL, "primary", {**base, "Appointment": [one, other, one]}),
        (MAY, "primary", {**base, "Appointment": [one]}),
    )
    assert found["Appointment"] == {FIRST: [SECOND, "stays", "stays"], SECOND: ["stays"]}


def test_files_of_different_make_are_compared_by_their_columns(tmp_path):
    """One file has a column more, in another the dates are written otherwise; what is equal is one."""
    base = {"Person": [person("P1")], "Referral": [referral("P1", "S1")]}
    twice = [contact("S1", "2016-04-25"), contact("S1", "2016-04-25", ATTENDANCE="3")]
    may = [{**row, "APPOINTMENT": "25/04/2016", "OWN": None} for row in twice]
    found = of(
        tmp_path,
        (APRIL, "primary", {**base, "Appointment": twice}),
        (MAY, "primary", {**base, "Appointment": may}),
    )
    assert found["Appointment"] == {FIRST: [SECOND, SECOND], SECOND: ["stays", "stays"]}


# -- at random -------------------------------------------------------------------------------------

BORN, NUMBERS = ("1980-01-01", "1980-01-01", "1980-01-01", "1990-01-01", None), ("9990000026", None, None)
KEYS = {
    "Person": ("LPTID",),
    "Disability": ("LPTID", "DISABILITY"),
    "Referral": ("SERVICEID",),
    "WaitingTimePauses": ("SERVICEID", "PAUSEID", "PAUSESTARTDATE"),
    "Appointment": ("SERVICEID", "APPOINTMENT", "APPOINTMENTTIME"),
}


def drawn(draw: random.Random) -> Tables:
    def some(most: int, make) -> list[dict[str, str | None]]:
        return [make() for _ in range(draw.randint(0, most))]

    people, services = ("p1", "P1", "p2", "p3", None), ("s1", "S1", "s2", None)
    days = ("2016-04-20", "2016-04-21", None)
    pick = draw.choice
    return {
        "Person": some(4, lambda: person(pick(people), DOB=pick(BORN), NHSNO=pick(NUMBERS), GMPC=pick("AB"))),
        "Disability": some(2, lambda: {"LPTID": pick(people), "DISABILITY": pick(("04", "05"))}),
        "Referral": some(3, lambda: referral(pick(people), pick(services), ENDDATE=pick(days))),
        "WaitingTimePauses": some(
            2, lambda: {"SERVICEID": pick(services), "PAUSEID": "1", "PAUSESTARTDATE": pick(days)}
        ),
        "Appointment": some(
            4,
            lambda: contact(
                pick(services),
                pick(days),
                APPOINTMENTTIME=pick(("10:00:00", None)),
                ATTENDANCE=pick("56"),
                LPTID=pick((None, None, "p1", "p2")),
            ),
        ),
    }


def upper(text: str | None) -> str | None:
    return text.upper() if text else None


def plainly(
    wins: list[tuple[str, Tables]], lost: list[tuple[str, Tables, str]]
) -> dict[str, dict[str, list[str]]]:
    """The same as :func:`fates`, one row after the other."""
    everything = [*wins, *((name, tables) for name, tables, _ in lost)]
    patients: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name, _ in everything}
    overall: dict[str, set[str]] = defaultdict(set)
    for name, tables in everything:
        for row in tables["Referral"]:
            if row["SERVICEID"] and row["LPTID"]:
                patients[name][upper(row["SERVICEID"])].add(upper(row["LPTID"]))
                if name in dict(wins):
                    overall[upper(row["SERVICEID"])].add(upper(row["LPTID"]))

    def owner(table: str, name: str, row) -> str | None:
        if table in ("Person", "Disability"):
            return ""
        if row.get("LPTID"):
            return upper(row["LPTID"])
        if table == "Referral" or not row["SERVICEID"]:
            return None
        for known in (patients[name][upper(row["SERVICEID"])], overall[upper(row["SERVICEID"])]):
            if len(known) == 1:
                return next(iter(known))
        return None

    all_people = [row for _, tables in wins for row in tables["Person"] if row["LPTID"]]
    born, numbers, shared = defaultdict(set), defaultdict(set), defaultdict(set)
    for row in all_people:
        born[upper(row["LPTID"])] |= {row["DOB"]} - {None}
        numbers[upper(row["LPTID"])] |= {row["NHSNO"]} - {None}
        shared[row["NHSNO"]] |= {row["DOB"]} - {None}
    contested = {key for known in (born, numbers) for key, values in known.items() if len(values) > 1}
    contested |= {upper(r["LPTID"]) for r in all_people if r["NHSNO"] and len(shared[r["NHSNO"]]) > 1}

    found: dict[str, dict[str, list[str]]] = {}
    for table, columns in KEYS.items():

        def key(name, row, table=table, columns=columns):
            return (owner(table, name, row), *(upper(row[column]) or "" for column in columns))

        def told(name, row, table=table, columns=columns) -> bool:
            needed = [row[column] for column in columns if column != "APPOINTMENTTIME"]
            lacking = None in needed or owner(table, name, row) is None
            return not lacking and not (table == "Person" and upper(row["LPTID"]) in contested)

        counts = {name: Counter(key(name, row) for row in tables[table]) for name, tables in wins}
        events = table in ("Appointment", "WaitingTimePauses")
        found[table] = {}
        for at, (name, tables) in enumerate(wins):
            later = wins[at + 1 :]
            seen: Counter = Counter()
            rows = []
            for row in tables[table]:
                mine = key(name, row)
                content = (mine[0], tuple(sorted((c, v) for c, v in row.items() if v)))
                seen[content] += 1
                by = "stays"
                several = events and any(each[mine] > 1 for each in counts.values())
                for other, theirs in later:
                    if mine[0] is None:
                        break
                    if told(name, row) and not several:
                        hit = counts[other][mine] > 0
                    else:
                        same = [
                            1
                            for r in theirs[table]
                            if (key(other, r)[0], tuple(sorted((c, v) for c, v in r.items() if v))) == content
                        ]
                        hit = len(same) >= seen[content]
                    if hit:
                        by = other
                rows.append(by)
            found[table][name] = rows
        for name, tables, winner in lost:
            held = {tuple(part or "" for part in key(winner, row)) for row in dict(wins)[winner][table]}
            found[table][name] = [
                winner if tuple(part or "" for part in key(name, row)) in held else "gone"
                for row in tables[table]
            ]
    return found


@pytest.mark.parametrize("seed", range(24))
def test_files_at_random(tmp_path, seed):
    draw = random.Random(seed)
    files, wins, lost = [], [], []
    for month in (APRIL, MAY, JUNE):
        tables = drawn(draw)
        name = f"{month}-x"
        files.append(submission(tmp_path, name, tables, period=month, modified=datetime(2016, 8, 2)))
        wins.append((f"{name}.mdb", tables))
        if draw.random() < 0.4:
            other = drawn(draw)
            early = datetime(2016, 8, 1)
            files.append(submission(tmp_path, f"{month}-y", other, period=month, modified=early))
            lost.append((f"{month}-y.mdb", other, f"{name}.mdb"))
    draw.shuffle(files)
    (unit,) = units(decide(files))
    assert fates(tmp_path, unit) == plainly(wins, lost)
