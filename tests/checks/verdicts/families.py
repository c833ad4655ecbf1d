"""Broken records: for each column of each table the values that rules are about, each in a family of its own.

A family is a small file: the record, the records that it belongs to, and those that they cannot stand
without. Its keys are its number, so that thousands of families make one file in which each is judged as if it
were alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, product

from idbmigrate.checks import load_pack
from idbmigrate.checks.check_types import Code
from idbmigrate.checks.joined_types import Child, Coded, Unique
from idbmigrate.datasets import load_dataset
from tests.checks.good import nhs_numbers

from . import rows

#: Families are numbered from here; a number is a key, and fits into the shortest of them.
FIRST = 10_000
HEADERS = ("IDS000Header", "MHS000Header")

_NO_DATES = (
    "2022-02-30",
    "2022-02-29",
    "1900-02-29",
    "31/12/2021",
    "2022-4-1",
    "20220410",
    "42478",
    "banana",
)
_TIMES = ("00:00:00", "23:59:59", "24:00:00", "23:60:00", "9:30", "09:30", "10:00:00Z", "10 AM", "banana")
_OFFSETS = ("Z", "+00:00", "-00:00", "+01:00", "+02:00", "-01:00", "", ".5+01:00", "+0100", " +01:00")
_NHS_NUMBERS = (
    *("9434765918", "943 476 5919", "943476591", "94347659190", "ABCDEFGHIJ", "1234567881", "0000000000"),
    *("9990110999", "1111111111", "4001221004"),
)
_SNOMED = (
    *("195967001", "195967002", "900000000000207008", "12345", "0195967001", "1959670019", "195967001 "),
    *("195967001 | asthma |", "748051000000105:408730004=385658003", "748051000000105:363589002=720433000"),
    *("748051000000105:408730004=385658004", "748051000000105:720433000=385658003", "F321", "\t195967001"),
)
_CODED = (
    "F321",
    "F32",
    "F3219",
    "F32199",
    "F321999",
    "321F",
    "195967001",
    "195967002",
    "xyz",
    "    ",
    "F32.1",
)
_POSTCODES = ("LS14AP", "LS1 4AP", "ls1 4ap", "LS1  4AP", "LS1 4A", "1LS 4AP", "ZZ99 3VZ", "GIR 0AA")
_MONTHS = ("2020-05", "2020/05", "1979-12", "1980-01", "2020-13", "2020-5", "2020", "2020-05-01", "1979/12")
_NUMBERS = ("0", "-1", "1.5", " 1", "1 ", "1e3", "x")
_AMOUNTS = ("1111", "1.5", "0.50", "1234567.00", "12345678.00", ".50", "1,50", "-1.00", "1.505")
_SCORES = {
    "720433000": (
        "0",
        "27",
        "28",
        "-1",
        "0.5",
        "0.51",
        "3.",
        " 3",
        "03",
        "1e1",
        "NA",
        "x",
        "12345",
        "123456",
    ),
    "473354003": ("0.51", "0.00", "5.00", "5.01", "3", "1.5"),
    "747861000000100": ("Y", "N", "NA", "y", "1"),
    "747881000000109": ("Y", "N", "NA", "9"),
    "979641000000103": ("0", "4", "5", "9", "0.5"),
    "987191000000101": ("0", "3", "4", "999"),
    "979831000000108": ("J", "A"),
    "932621000000100": ("9", "10"),
}


@dataclass(frozen=True)
class Family:
    """``rows`` by table; ``change`` says in words what is broken in the record of ``table``."""

    table: str
    column: str
    change: str
    rows: dict[str, list[dict[str, str | None]]]


class Families:
    """All families of a target data set, the same each time."""

    def __init__(self, name: str):
        self.dataset, self.pack, self.good = load_dataset(name), load_pack(name), rows.rows(name)
        self.keys = self._keys()
        self.dependents = {
            rule.table: [each.check.table for each in self.pack.rules if self._child(each, rule.table)]
            for rule in self.pack.rules
        }
        self.number, self.nhs_numbers = count(FIRST), nhs_numbers(90_000)
        days = {date.fromisoformat(each) for each in vars(rows).values() if _is_day(each)}
        edges = {day + timedelta(days=step) for day in days for step in (-1, 0, 1)}
        edges |= {date(2022, 3, 31), date(2022, 4, 1), date(2022, 4, 30), date(2022, 5, 1), date(2022, 5, 2)}
        edges |= {date(1889, 12, 31), date(1890, 1, 1), date(1901, 4, 1), date(1901, 4, 2)}
        edges |= {date(1891, 4, 1), date(1891, 4, 2), date(2004, 12, 31), date(2005, 1, 1)}
        edges |= {date(2024, 4, 30), date(2024, 5, 1), date(2020, 2, 29)}
        self.days = [day.isoformat() for day in sorted(edges)]

    def _child(self, rule, table: str | None) -> bool:
        return isinstance(rule.check, Child) and rule.table == table

    def _keys(self) -> set[tuple[str, str]]:
        keys = set()
        for name, table in self.dataset.tables.items():
            keys |= {(name, column) for column in (*table.primary_key, *table.foreign_keys)}
        for rule in self.pack.rules:
            names = rule.check.names if isinstance(rule.check, Unique) else ()
            if names and not any((rule.table, name) in keys for name in names) and names != ("NHSNumber",):
                keys.add((rule.table, names[0]))
            if isinstance(rule.check, Child):
                keys |= {(rule.table, rule.check.column), (rule.check.table, rule.check.column)}
        return {each for each in keys if each[1] in self.dataset.tables[each[0]].columns}

    def __iter__(self) -> Iterator[Family]:
        for name, table in self.dataset.tables.items():
            if name in HEADERS:
                continue
            yield self.family(name, "", "good", {})
            for spec in table.columns.values():
                for value in dict.fromkeys(self.values(name, spec)):
                    yield self.family(name, spec.name, repr(value), {spec.name: value})
            yield from self.others(name)

    def headers(self) -> Iterator[tuple[str, str, dict[str, str | None]]]:
        """Rows of the header: column, change and row."""
        table = next(name for name in self.dataset.tables if name in HEADERS)
        yield "", "good", self.good[table]
        for spec in self.dataset.tables[table].columns.values():
            for value in dict.fromkeys(self.values(table, spec)):
                yield spec.name, repr(value), self.good[table] | {spec.name: value}

    def family(self, table: str, column: str, change: str, values, twice: bool = False) -> Family:
        """A family whose record of ``table`` has other values; ``twice`` it stands there twice."""
        number = str(next(self.number))
        family = {}
        for name in self.members(table):
            family[name] = [dict(self.good[name])]
            for key in self.good[name]:
                if (name, key) in self.keys:
                    family[name][0][key] = number
                elif key == "NHSNumber":
                    family[name][0][key] = next(self.nhs_numbers)
        own = family[table][0]
        for name, value in values.items():
            own[name] = value.replace("#", number) if value and (table, name) in self.keys else value
        if twice:
            family[table].append(dict(own))
        return Family(table, column, change, family)

    def members(self, table: str) -> list[str]:
        """A table, the tables that it belongs to, and those that they cannot stand without."""
        found, ahead = [], [table]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.append(name)
                ahead += [parent for parent, _ in self.dataset.tables[name].foreign_keys.values()]
                ahead += self.dependents.get(name, [])
        return sorted(found)

    def others(self, table: str) -> Iterator[Family]:
        """Families that break more than one value: orphans, repeated records, scores, registrations."""
        yield self.family(table, "", "twice", {}, twice=True)
        for column in self.dataset.tables[table].foreign_keys:
            yield self.family(table, column, "orphan", {column: "nobody #"})
        for rule in self.pack.rules:
            if rule.table == table and isinstance(rule.check, Child):
                family = self.family(table, rule.check.column, f"no {rule.check.table}", {})
                del family.rows[rule.check.table]
                yield family
            if rule.table == table and isinstance(rule.check, Unique) and rule.check.where is not None:
                for column in set(rule.check.where.columns()):
                    yield self.family(table, column, "twice without", {column: None}, twice=True)
        crossed = [rule for rule in self.pack.rules if rule.table == table and rule.kind == "cross-field"]
        for pair in dict.fromkeys(tuple(sorted(rule.columns)) for rule in crossed):
            yield from self.together(table, pair)
        columns = self.dataset.tables[table].columns
        if "PersScore" in columns:
            for tool, scores in _SCORES.items():
                for score in scores:
                    change = {"CodedAssToolType": tool, "PersScore": score}
                    yield self.family(table, "PersScore", f"{score!r} of {tool}", change)
        for scheme, code in self.coded(table):
            for listed in self.dataset.codes_of(columns[scheme]).codes:
                for value in _CODED:
                    yield self.family(table, code, f"{value!r} under {listed}", {scheme: listed, code: value})
        if table.endswith("002GP"):
            yield from self.registrations(table)

    def together(self, table: str, columns: tuple[str, ...]) -> Iterator[Family]:
        """Columns that a rule looks at together: nothing, what is good, and codes, each with each."""
        specs = self.dataset.tables[table].columns
        lists = [self.dataset.codes_of(specs[name]) for name in columns]
        tried = [
            dict.fromkeys([None, *(list(codes.codes)[:9] if codes else [self.good[table].get(name)])])
            for name, codes in zip(columns, lists)
        ]
        for values in product(*tried) if len(columns) == 2 else ():
            change = {
                name: value for name, value in zip(columns, values) if value != self.good[table].get(name)
            }
            yield self.family(table, columns[0], f"with {columns[1]}: {values}", change)

    def coded(self, table: str) -> list[tuple[str, str]]:
        """Pairs of scheme and code among the columns of a table."""
        check_types = [
            rule.check for rule in self.pack.rules if rule.table == table and isinstance(rule.check, Coded)
        ]
        return [(check.scheme, check.code) for check in check_types]

    def registrations(self, table: str) -> Iterator[Family]:
        """A registration that ends, and others that follow it or do not."""
        site = "GMPCodeReg" if "GMPCodeReg" in self.good[table] else "GMPReg"
        start, end = "StartDateGMPRegistration", "EndDateGMPRegistration"
        follows = [
            [("2022-04-11", None, "B12345")],
            [("2022-04-10", None, "B12345")],
            [("2022-04-12", None, "B12345")],
            [("2022-04-11", None, "A12345")],
            [("2022-04-11", None, "B1")],
            [("2022-04-11", None, None)],
            [("2022-04-11", "2022-04-01", "B12345")],
            [("2022-04-11", "2022-04-20", "B12345"), ("2022-04-21", None, "C12345")],
            [("2022-04-11", "2022-04-20", "B12345"), ("2022-04-11", None, "A12345")],
        ]
        for others in follows:
            family = self.family(table, end, f"followed by {others}", {end: "2022-04-10", site: "A12345"})
            first = family.rows[table][0]
            family.rows[table] += [first | {start: day, end: last, site: by} for day, last, by in others]
            yield family

    def values(self, table: str, spec) -> Iterator[str | None]:
        """The values to try in one column."""
        kind, key = spec.format.kind, (table, spec.name) in self.keys
        yield None
        if key:
            place = sorted(each for each in self.keys if each[1] == spec.name).index((table, spec.name))
            yield " " * (place + 1)  # none of them is another's
            longest = spec.format.max_length or 20
            yield "#".rjust(longest - 4, "0")
            yield "#".rjust(longest - 3, "0")
            return
        yield " "
        yield "   "
        if kind == "date":
            yield from (*self.days, *_NO_DATES)
        elif kind == "time":
            yield from _TIMES
        elif kind == "timestamp":
            yield from (f"{day}T10:00:00+01:00" for day in self.days)
            yield from (f"{rows.DAY}T10:00:00{offset}" for offset in _OFFSETS)
            yield from (
                "2022-05-10T12:00:00",
                "2022-05-10T12:00:01",
                "2022-05-10T23:59:59",
                "2022-05-11T00:00:00",
            )
            yield from ("2022-04-10T24:00:00Z", "2022-02-30T10:00:00Z", "2022-04-10", "2022-04-10 10:00:00")
            yield from ("2022-12-10T10:00:00+01:00", "2022-12-10T10:00:00+00:00", "1889-12-31T10:00:00", "x")
            yield from ("1890-01-01T00:00:00", "2022-04-30T00:00:00", "2022-04-29T23:59:59")
        else:
            yield from self.texts(table, spec)

    def texts(self, table: str, spec) -> Iterator[str | None]:
        low, high = spec.format.min_length or 0, spec.format.max_length or 60
        letter = "1" if (self.good[table].get(spec.name) or "A").isdigit() else "A"
        yield from (letter * length for length in (low - 1, low, high, high + 1) if length > 0)
        codes = self.dataset.codes_of(spec)
        listed = tuple(codes.codes) if codes else self.listed(table, spec.name)
        yield from listed
        if listed:
            yield from (listed[0] + " ", " " + listed[0], listed[0].swapcase(), "?" * max(low, 1), "??")
        if spec.format.kind == "integer":
            yield from _NUMBERS
        elif spec.format.kind == "decimal":
            yield from _AMOUNTS
        elif spec.format.kind == "month":
            yield from _MONTHS
        elif spec.name == "NHSNumber":
            yield from _NHS_NUMBERS
        elif "Postcode" in spec.name:
            yield from _POSTCODES
        elif "SNOMED" in (spec.item or "").upper() or spec.name in ("CodeObs", "CodeProcAndProcStatus"):
            yield from _SNOMED

    def listed(self, table: str, column: str) -> tuple[str, ...]:
        """The list that a rule has of its own for a column."""
        for rule in self.pack.rules:
            if isinstance(rule.check, Code) and rule.table == table and rule.check.column == column:
                return rule.check.values or ()
        return ()


def _is_day(value) -> bool:
    return isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-"
