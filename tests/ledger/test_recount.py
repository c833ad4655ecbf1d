"""A plain recount, row by row in Python, of what a small mapping should carry agrees with the books."""

from __future__ import annotations

import datetime as dt
import re

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idbmigrate.datasets.model import ColumnSpec, Dataset, Format, TableSpec
from idbmigrate.engine import ENGINES
from idbmigrate.errors import BooksError
from idbmigrate.words import DROPPED, REJECTED
from tests.spec.small import read, run

MAPPING = """
sources: {Visits: {natural_key: [ID, {date: DAY}, N]}}
lookups:
  code:
    clean: [upper]
    unknown: reject
    rows:
      - {from: '1', to: one, confidence: confirmed}
      - {from: '2', to: two, confidence: proposed}
      - {from: H, to: null, reason: homeless, confidence: confirmed}
tables:
  Patients:
    from: People
    where: [{name: has-id, keep: {present: ID}, reason: nobody}]
    fields: {Key: ID, Code: {lookup: code, of: CODE}, Born: {date: BORN}, N: N}
    one_per: {key: [Key], rule: best, reason: one only, prefer: [{highest: Code}]}
  Contacts:
    from: Visits
    fields: {Key: {identifier: [natural_key]}, Patient: ID, At: {timestamp: [DAY, CLOCK]}, N: N}
  Scores:
    from: Visits
    each: [{column: S1, name: one}, {column: S2, name: two}]
    fields: {Score: {number: item.value}, Name: item.name, N: N}
"""
KEY = ColumnSpec("Key", Format("", "text", max_length=20), requirement="M")
TEXT = Format("", "text")


def table(name: str, *columns: ColumnSpec | str, **more) -> TableSpec:
    specs = [ColumnSpec(c, TEXT) if isinstance(c, str) else c for c in columns]
    return TableSpec(name, {spec.name: spec for spec in specs}, **more)


TARGET = Dataset(
    "small-target",
    "1",
    "small",
    "target",
    {
        "Patients": table(
            "Patients", KEY, "Code", ColumnSpec("Born", Format("", "date")), "N", primary_key=("Key",)
        ),
        "Contacts": table(
            "Contacts",
            KEY,
            "Patient",
            "At",
            "N",
            primary_key=("Key",),
            foreign_keys={"Patient": ("Patients", "Key")},
        ),
        "Scores": table(
            "Scores", ColumnSpec("Score", Format("", "integer", max_length=2), requirement="M"), "Name", "N"
        ),
    },
)

ids = st.sampled_from(["p", "P", "q", " p ", "é|'", "x" * 21, "\u00a0", "", None])
codes = st.sampled_from(["1", " 1", "2", "h", "9", "", None])
days = st.sampled_from(["2016-02-29", "29/02/2015", "14/06/2016 10:00", "soon", " ", None])
clocks = st.sampled_from(["09:30", "25:00", "", None])
scores = st.sampled_from(["7", "07", "7.0", "0", "100", "n/a", " ", None])
people = st.lists(st.tuples(ids, codes, days), max_size=7)
visits = st.lists(st.tuples(ids, days, clocks, scores, scores), max_size=7)

# -- the recount: what each rule of the mapping says, in plain Python --------------------------------


def clean(value):
    return (value or "").strip() or None


def day(value):
    value = clean(value)
    found = re.fullmatch(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)/(\d\d)/(\d{4}))(?: \d\d:\d\d)?", value or "")
    try:
        parts = found and ([*found.groups()[:3]] if found[1] else [*found.groups()[:2:-1]])
        return parts and dt.date(*map(int, parts)).isoformat()
    except ValueError:
        return None


def number(value):
    found = re.fullmatch(r"0*(\d{1,2})(?:\.0+)?", clean(value) or "")
    return found[1] if found else None


def recount(persons, contacts):
    """Target rows by N, and the places of all values that they carry."""
    carried, patients, seen, points = set(), {}, {}, []
    for n, (key, code, born) in enumerate(persons):
        key, code = clean(key), (clean(code) or "").upper()
        if key and len(key) <= 20 and code in ("1", "2", "H", ""):
            row = (key, "one" if code == "1" else None, day(born), f"P{n}")
            content = "".join((value or "") + "\x1f" for value in row)
            rank = (row[1] is None, content)
            if key not in patients or rank < patients[key][0]:
                patients[key] = (rank, row, n)
    for _, row, n in patients.values():
        names = ("ID", "CODE", "BORN", "N")
        carried |= {("People", n, name) for name, value in zip(names, row, strict=True) if value}
    for n, (key, on, at, *values) in enumerate(contacts):
        key, on, at = clean(key), day(on), clean(at)
        if key is None or key in patients:
            clock = f"{at}:00" if at == "09:30" else None
            seen[f"V{n}"] = (key, on and f"{on}T{clock or '00:00:00'}")
            carried |= {("Visits", n, "N")} | ({("Visits", n, "ID")} if key else set())
            carried |= {("Visits", n, "DAY")} if on else set()
            carried |= {("Visits", n, "CLOCK")} if on and clock else set()
        for name, word, value in zip(("S1", "S2"), ("one", "two"), values, strict=True):
            if number(value):
                points.append((number(value), word, f"V{n}"))
                carried |= {("Visits", n, name), ("Visits", n, "N")}
    return [row for _, row, _ in patients.values()], seen, points, carried


def columns(prefix, names, rows):
    found = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)}
    return pa.table({**found, "N": pa.array([f"{prefix}{i}" for i in range(len(rows))], pa.string())})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(persons=people, contacts=visits, engine=st.sampled_from(ENGINES), plain=st.booleans())
def test_books_close_and_agree_with_a_plain_recount(persons, contacts, engine, plain):
    tables = {
        "People": columns("P", ("ID", "CODE", "BORN"), persons),
        "Visits": columns("V", ("ID", "DAY", "CLOCK", "S1", "S2"), contacts),
    }
    outcome = run(mapping(), tables, engine, target=TARGET, optimise=not plain)
    patients, seen, points, carried = recount(persons, contacts)

    def rows(name, *wanted):
        return sorted(((tuple(row[c] for c in wanted)) for row in outcome.tables[name]), key=str)

    assert rows("Patients", "Key", "Code", "Born", "N") == sorted(patients, key=str)
    assert {n: (p, at) for p, at, n in rows("Contacts", "Patient", "At", "N")} == seen
    assert rows("Scores", "Score", "Name", "N") == sorted(points, key=str)

    for name, source in tables.items():
        every = {
            (name, i, column)
            for column in source.column_names
            for i, value in enumerate(source[column].to_pylist())
            if value is not None
        }
        left = {(name, int(row[1:]) - 1, column) for row, column in outcome.why(name)}
        assert left == every - carried
        came_from = {i for t, i, column in carried if t == name and column == "N"}
        assert sorted(row["row"] for row in outcome.rows_left if row["table"] == name) == sorted(
            f"#{i + 1}" for i in range(source.num_rows) if i not in came_from
        )
        balance(outcome.books.lines(), name, every, carried, source.num_rows, came_from)
    for row in outcome.left:
        source = tables[row["table"]]
        assert row["value"] == source[row["column"]][int(row["row"][1:]) - 1].as_py()


def balance(lines, name, every, carried, count, came_from):
    for line in (line for line in lines if line["table"] == name):
        assert line["in"] == line["carried"] + line[REJECTED] + line[DROPPED]
        assert sum(line["reasons"].values()) == line[REJECTED] + line[DROPPED]
        if line["column"] is None:
            assert (line["in"], line["carried"]) == (count, len(came_from))
        else:
            assert line["in"] == sum(column == line["column"] for _, _, column in every)
            assert line["carried"] == sum(t == name and c == line["column"] for t, _, c in carried)


_read = []


def mapping():
    if not _read:
        _read.append(read(MAPPING))
    return _read[0]


# -- what is wrong with the data is said before what a rule did --------------------------------------


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_reasons(engine, plain):
    persons = """
        ID | CODE | BORN       | N
        a  | 1    | 2015-02-29 | P0
        b  | 9    | 2016-02-29 | P1
        c  | 2    |            | P2
        d  | h    |            | P3
        a  |      |            | P4
        '' | 1    |            | P5
    """
    contacts = """
        ID | DAY        | CLOCK | S1  | S2  | N
        a  | 2016-06-14 | 25:00 | 7   | 100 | V0
        b  | 2016-06-14 | 09:30 | n/a |     | V1
        e  | 2016-06-31 |       |     | 7   | V2
    """
    outcome = run(
        mapping(), {"People": persons, "Visits": contacts}, engine, target=TARGET, optimise=not plain
    )
    assert outcome.why("People") == {
        ("#1", "BORN"): "bad-format",
        ("#2", "CODE"): "rejected-code",
        **{("#2", name): "rejected-code:Code" for name in ("ID", "BORN", "N")},
        ("#3", "CODE"): "not-accepted",
        ("#4", "CODE"): "no-equivalent",
        **{("#5", name): "one-per:best" for name in ("ID", "N")},
        ("#6", "ID"): "empty-text",
        **{("#6", name): "filter:has-id" for name in ("CODE", "N")},
    }
    assert outcome.why("Visits") == {
        ("#1", "CLOCK"): "bad-format",
        ("#1", "S2"): "too-long",
        **{("#2", name): "no-parent:Patients" for name in ("ID", "DAY", "CLOCK", "N")},
        ("#2", "S1"): "bad-format",
        ("#3", "ID"): "no-parent:Patients",
        ("#3", "DAY"): "bad-format",
    }


# -- a mapping that loses something ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "where"),
    [
        (", Born: {date: BORN}", "People.BORN"),
        ("Patient: ID, ", "Visits.ID"),
        (", At: {timestamp: [DAY, CLOCK]}", "Visits.CLOCK"),
        ("each: [{column: S1, name: one}, {column: S2, name: two}]", "Visits.S2"),
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_a_lost_column_keeps_the_books_open(lost, where, plain):
    kept = "each: [{column: S1, name: one}]" if lost.startswith("each") else ""
    tables = {
        "People": "ID | CODE | BORN | N\np | 1 | 2016-02-29 | P0\n",
        "Visits": "ID | DAY | CLOCK | S1 | S2 | N\np | 2016-06-14 | 09:30 | 7 | 8 | V0\n",
    }
    run(MAPPING, tables, "duckdb", target=TARGET)
    with pytest.raises(BooksError) as raised:
        run(MAPPING.replace(lost, kept), tables, "duckdb", target=TARGET, optimise=not plain)
    assert raised.value.code == "books-open"
    assert raised.value.where.partition(".")[0] == where.partition(".")[0]


@pytest.mark.parametrize("plain", [False, True])
def test_a_lost_table_keeps_the_books_open(plain):
    tables = {
        "People": "ID | CODE | BORN | N\np | 1 | 2016-02-29 | P0\n",
        "Visits": "ID | DAY | CLOCK | S1 | S2 | N\np | 2016-06-14 | 09:30 | 7 | 8 | V0\n",
    }
    with pytest.raises(BooksError) as raised:
        run(MAPPING.partition("  Contacts:")[0], tables, "duckdb", target=TARGET, optimise=not plain)
    assert raised.value.where == "Visits"
