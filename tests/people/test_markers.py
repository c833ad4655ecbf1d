"""Every value carries the mark of its owner: whoever it is published under must be the one whose mark it has.

People share patient identifiers, referral numbers and the numbers of pauses; keys are spelt as people spell
them. The days of all dates, the minutes of all times and the scores of one person are the person's own
number, and what is published is looked through row by row, by the keys of the target data set alone.
"""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

import idbmigrate
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, create_database
from idbmigrate.datasets import load_dataset
from idbmigrate.mapping.load import find_mapping, load_mapping
from tests.people.test_people import key, spelt

SOURCES = ("iapt-1.0", "iapt-1.0-pbr", "iapt-1.5", "iapt-ltc-1.5.4")
TARGETS = ("iapt-2.1", "mhsds-6.0", "mhsds-5.0", "ea-iapt-1.0")
#: The mark of a record that names one patient and hangs on the referral of another.
NOBODY = 20
#: Questionnaires whose score is a mark: PHQ-9, GAD-7 and PHQ-15.
MARKED = ("720433000", "445455005", "1065441000000103")


class People:
    """Records at random, and who of them is whose: ``mark`` is a person's number, its patient identifier may
    be another's, too (``doubtful``)."""

    def __init__(self, seed: str):
        self.chance = random.Random(seed)
        self.rows: dict[str, list[dict[str, str | None]]] = {}
        self.doubtful: set[str] = set()
        self.names = {3 * n: f"P{n}" for n in range(1, 7)}
        self.referrals: list[tuple[int, str]] = []
        for mark in self.names:
            self.person(mark)
        self.doubt()
        for number in range(14):
            self.referral(self.chance.choice(list(self.names)), f"S{number % 9}")
        for _ in range(40):
            self.contact()
        for _ in range(12):
            self.hanging()
        for rows in self.rows.values():
            self.chance.shuffle(rows)

    def add(self, table: str, **values: str | None) -> None:
        self.rows.setdefault(table, []).append(values)

    def day(self, mark: int) -> str:
        return f"2016-0{self.chance.randrange(3, 7)}-{mark:02d}"

    def clock(self, mark: int) -> str:
        return f"{self.chance.randrange(8, 18):02d}:{mark:02d}:00"

    def spelt(self, name: str) -> str:
        return spelt(name, self.chance)

    def person(self, mark: int, **changes: str | None) -> None:
        usual = {
            "ORGCODEPROVIDER": "RX1",
            "DOB": f"19{50 + mark}-03-{mark:02d}",
            "NHSNO": None,
            "GENDER": "1",
        }
        self.add("Person", LPTID=self.spelt(self.names[mark]), **{**usual, **changes})
        self.add("Disability", LPTID=self.spelt(self.names[mark]), DISABILITY="01", ORGCODEPROVIDER="RX1")

    def doubt(self) -> None:
        """Two people under one identifier, of one provider or of two, and one number for two people."""
        first, second, third, fourth = self.chance.sample(list(self.names), 4)
        self.doubtful |= {self.names[each] for each in (first, second, third, fourth)}
        self.person(first, DOB=f"1999-03-{first:02d}")
        self.person(second, ORGCODEPROVIDER="RX2")
        self.rows["Person"] = [
            {**row, "NHSNO": "9990120005"}
            if key(row["LPTID"]) in map(self.names.get, (third, fourth))
            else row
            for row in self.rows["Person"]
        ]

    def referral(self, mark: int, number: str) -> None:
        self.referrals.append((mark, number))
        days = sorted(self.day(mark) for _ in range(2))
        self.add(
            "Referral",
            LPTID=self.spelt(self.names[mark]),
            SERVICEID=self.spelt(number),
            ORGCODEPROVIDER=self.chance.choice([None, "RX1"]),
            ORGCODECOMM="02N",
            REFRECDATE=days[0],
            ENDDATE=self.chance.choice([None, days[1]]),
            ENDCODE="50",
        )

    def contact(self) -> None:
        mark, number = self.chance.choice(self.referrals)
        named: str | None = self.names[mark]
        if self.chance.random() < 0.1:  # of whoever has no referral of that number: it names another patient
            others = [n for m, n in self.names.items() if (m, number) not in self.referrals]
            named, mark = self.chance.choice(others), NOBODY
        elif self.chance.random() < 0.2:
            named = None
        self.add(
            "Appointment",
            LPTID=named and self.spelt(named),
            SERVICEID=self.spelt(number),
            APPOINTMENT=self.day(mark),
            APPOINTMENTTIME=self.clock(mark),
            ATTENDANCE="5",
            APPTYPE="02",
            PHQ9_SCORE=str(mark),
            GAD7SCORE=str(mark),
            EMPSTATUS="01",
            EMPSUPPORTREFERRAL=self.day(mark),
        )

    def hanging(self) -> None:
        """What names no patient, only a referral that several may share."""
        mark, number = self.chance.choice(self.referrals)
        by = {"SERVICEID": self.spelt(number)}
        start = self.day(mark)
        self.add("WaitingTimePauses", **by, PAUSEID="1", PAUSESTARTDATE=start, PAUSEENDDATE=start)
        self.add(
            "AssessmentPEQ",
            **by,
            ASSESSPEQDATE=self.day(mark),
            ASSESSPEQTIME=self.clock(mark),
            SATISFACTION="4",
        )
        self.add(
            "TreatmentPEQ", **by, TREATPEQDATE=self.day(mark), TREATPEQTIME=self.clock(mark), TREATMENT1="1"
        )
        self.add(
            "LTCAPPOINTMENT",
            **by,
            APPOINTMENTDATE=self.day(mark),
            APPOINTMENTTIME=self.clock(mark),
            PHQ15=str(mark),
        )
        named = self.chance.choice([None, self.spelt(self.names[mark])])
        self.add(
            "EmploymentAdviser",
            **by,
            LPTID=named,
            EMPSTATUS="01",
            EMPSTATUSRECDATE=self.day(mark),
            ESASTATUS="Y",
        )

    def written(self, path, source: str):
        """An Access file of the tables and columns that the source knows; text columns alone."""
        create_database(path)
        with DatabaseWriter(path) as writer:
            for table, spec in load_dataset(source).tables.items():
                rows = self.rows.get(table, [])
                names = [name for name in spec.columns if any(name in row for row in rows)]
                if names:
                    writer.create_table(table, [NewColumn(name, "TEXT", 50) for name in names])
                    columns = {n: pa.array([row.get(n) for row in rows], pa.string()) for n in names}
                    writer.append(table, pa.table(columns))
        return path


def marks(row: dict[str, str | None], dates: set[str], times: set[str]) -> set[int]:
    """Whose marks a published row has."""
    found = {int(row[name][8:10]) for name in dates if row.get(name)}
    found |= {int(row[name][14:16]) for name in dates if row.get(name) and len(row[name]) > 16}
    found |= {int(row[name][3:5]) for name in times if row.get(name)}
    return found | ({int(row["PersScore"])} if row.get("CodedAssToolType") in MARKED else set())


def owners(tables: dict[str, pa.Table], target: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every published row with the patient that it hangs on, followed by the target's foreign keys."""
    spec = load_dataset(target).tables
    rows = {name: table.to_pylist() for name, table in tables.items()}
    index = {
        (name, column): {row[column]: row for row in rows[name]}
        for of in spec.values()
        for name, column in of.foreign_keys.values()
        if name in rows
    }

    def patient(name: str, row: dict[str, str | None]) -> str | None:
        for column in ("LocalPatientId", "LocalPatientID", "LPTID"):
            if row.get(column):
                return row[column]
        for column, (parent, its) in spec[name].foreign_keys.items():
            if row.get(column) and row[column] in index.get((parent, its), {}):
                return patient(parent, index[parent, its][row[column]])
        return None

    return [
        (patient(name, row), {"table": name, **row})
        for name, each in rows.items()
        for row in each
        if spec[name].foreign_keys or {"LocalPatientId", "LocalPatientID", "LPTID"} & {*spec[name].columns}
    ]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_no_mark_is_found_under_another_patient(tmp_path, source, target):
    people = People(f"{source} {target}")
    path = people.written(tmp_path / "a.mdb", source)
    conflicts = sorted(load_mapping(find_mapping(source, target)).conflicts)
    mine = conflicts[SOURCES.index(source) :: len(SOURCES)]  # over the sources every conflict is allowed once
    ways = [
        {},
        {"period": "2016-04"},
        {"split": "month"},
        *({"allow": [f"conflict:{each}"]} for each in mine),
    ]
    own = {name: mark for mark, name in people.names.items()}
    formats = {
        name: {
            kind: {c for c, s in spec.columns.items() if s.format.kind == kind}
            for kind in ("date", "time", "timestamp")
        }
        for name, spec in load_dataset(target).tables.items()
    }
    for way in ways:
        run = idbmigrate.convert(path, to=target, source=source, check=False, **way)
        published = owners(run.tables, target)
        for package in run.packages.values():
            published += owners(package, target)
        assert published, way
        allowed = "".join(way.get("allow", ()))
        for name, row in published:
            assert name is not None, (way, row)
            if allowed and key(name) in people.doubtful:
                continue  # the user takes them for one patient
            kinds = formats[row["table"]]
            found = marks(row, kinds["date"] | kinds["timestamp"], kinds["time"])
            if "contact-patient" in allowed or "employment-patient" in allowed:
                found.discard(NOBODY)
            assert found <= {own[key(name)]}, (way, name, row)
