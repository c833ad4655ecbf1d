"""Whose record a record is: spelling of keys, shared numbers, contradictions."""

from __future__ import annotations

import pytest

from idbmigrate.compile.belonging import ordered
from idbmigrate.errors import DescriptionError, UsageError
from idbmigrate.mapping.model import SourceRule
from tests.spec.small import read, run

SECTIONS = """
sources:
  People:
    natural_key: [PERSON]
    agree:
      - {conflict: birth, value: {date: BORN}, reason: two birth dates}
      - {conflict: number, key: {nhs_number: NHS}, value: {date: BORN}, reason: one number, two people}
  Cases:
    natural_key: [CASE]
    within: PERSON
    parents: [{table: People, by: PERSON}]
  Rows:
    natural_key: [CASE, A]
    parents:
      - {table: People, by: PERSON}
      - {table: Cases, by: CASE, agree: [{conflict: owner, column: PERSON, reason: another person}]}
tables:
  Out:
    from: Rows
    with:
      case: {table: Cases, on: {CASE: CASE}}
      person: {table: People, on: {PERSON: case.PERSON}}
    fields:
      Key: A
      Value: case.PERSON
      Other: CASE
      Third: person.BORN
retired:
  People: {"*": not here}
  Cases: {"*": not here}
  Rows: {"*": not here}
"""
SECTIONS = SECTIONS.replace("one number, two people", '"one number, two people"')


def made(engine: str, people: str, cases: str, rows: str, **options):
    sources = {
        "People": f"PERSON | BORN | NHS\n{people}",
        "Cases": f"PERSON | CASE\n{cases}",
        "Rows": f"PERSON | CASE | A\n{rows}",
    }
    outcome = run(SECTIONS, {name: lined(text) for name, text in sources.items()}, engine, **options)
    found = {row["Key"]: (row["Value"], row["Other"], row["Third"]) for row in outcome.tables["Out"]}
    return found, outcome.why()


def lined(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


ONE = "P1 | 1980-01-01 | "


@pytest.mark.parametrize(
    "other", ["s1", "' S1'", "'S1 '", '"\u200bs1\ufeff"', '"S1\u00a0"', '"\u2060S1\u3000"']
)
def test_a_key_is_compared_without_case_and_written_as_the_parent_writes_it(engine, other):
    found, _ = made(engine, ONE, "P1 | S1", f"p1 | {other} | a")
    assert found == {"a": ("P1", "S1", "1980-01-01")}


def test_letters_are_compared_in_every_alphabet(engine):
    found, _ = made(engine, "é1 | 1980-01-01 |", "É1 | ß1", "é1 | ß1 | a")
    assert found == {"a": ("é1", "ß1", "1980-01-01")}


def test_of_several_spellings_of_a_parent_the_first_in_order_stands_for_all(engine):
    found, _ = made(engine, ONE + "\np1 | 1980-01-01 |", "p1 | S1", "p1 | s1 | a")
    assert found == {"a": ("P1", "S1", "1980-01-01")}


def test_a_shared_key_becomes_one_for_each_owner_the_same_in_every_file(engine):
    people = "P1 | 1980-01-01 |\nP2 | 1981-01-01 |"
    rows = "P1 | S1 | a\np2 | s1 | b\nP2 | S2 | c"
    found, _ = made(engine, people, "P1 | S1\nP2 | S1\nP2 | S2", rows)
    first, second = found["a"][1], found["b"][1]
    assert found == {
        "a": ("P1", first, "1980-01-01"),
        "b": ("P2", second, "1981-01-01"),
        "c": ("P2", "S2", "1981-01-01"),
    }
    assert (first, second) == ("R7AE309C7301754C8D8F", "R4E63C44A151A158C7B4")
    again, _ = made(engine, people, "p2 | s1\np1 | s1", "p2 | S1 | b")
    assert again["b"][1] == second


def test_a_record_that_does_not_tell_whose_shared_parent_it_has_is_rejected(engine):
    people = "P1 | 1980-01-01 |\nP2 | 1981-01-01 |"
    found, why = made(engine, people, "P1 | S1\nP2 | S1", "| S1 | a\nP3 | S1 | b", allow=("conflict:owner",))
    assert found == {}
    assert why["#1", "A"] == why["#2", "A"] == "ambiguous-parent:Cases"


def test_a_record_that_names_nobody_is_of_its_only_parent(engine):
    found, _ = made(engine, ONE, "P1 | S1", "| s1 | a")
    assert found == {"a": ("P1", "S1", "1980-01-01")}


def test_a_record_that_names_another_than_its_parent_is_a_conflict(engine):
    people = "P1 | 1980-01-01 |\nP2 | 1981-01-01 |"
    found, why = made(engine, people, "P1 | S1\nP2 | S2", "P2 | S1 | a\nP1 | S1 | b")
    assert [*found] == ["b"]
    assert why["#1", "A"] == "conflict:owner"
    found, _ = made(engine, people, "P1 | S1\nP2 | S2", "P2 | S1 | a", allow=("conflict:owner",))
    assert found == {"a": ("P1", "S1", "1980-01-01")}


def test_records_of_one_key_that_contradict_each_other_are_rejected_with_all_that_hangs_on_them(engine):
    people = "P1 | 1980-01-01 |\np1 | 1980-01-02 |\nP2 | 1981-01-01 |\nP2 | |\nP2 | 01/01/1981 |"
    cases, rows = "P1 | S1\nP2 | S2", "P1 | S1 | a\n| s1 | b\nP2 | S2 | c"
    found, why = made(engine, people, cases, rows)
    assert found == {"c": ("P2", "S2", found["c"][2])}
    assert why["#1", "A"] == why["#2", "A"] == "conflict:birth"
    found, _ = made(engine, people, cases, rows, allow=("conflict:birth",))
    assert {*found} == {"a", "b", "c"}


def test_what_is_shared_by_people_who_differ_is_a_conflict_of_all_of_them(engine):
    people = (
        "P1 | 1980-01-01 | 999 012 0005\nP2 | 1981-01-01 | 9990120005\n"
        "P2 | |\nP3 | 1981-01-01 | 9990120013\nP4 | 1981-01-01 | 9990120013\n"
        "P5 | 1980-01-01 | 9990120014\nP6 | 1981-01-01 | 9990120014"
    )
    cases = "\n".join(f"P{n} | S{n}" for n in range(1, 7))
    rows = "\n".join(f"P{n} | S{n} | {n}" for n in range(1, 7))
    found, why = made(engine, people, cases, rows)
    assert {*found} == {"3", "4", "5", "6"}  # one birth date; no valid number
    assert why["#1", "A"] == why["#2", "A"] == "conflict:number"


def test_a_conflict_that_the_mapping_does_not_know_is_refused(engine):
    with pytest.raises(UsageError, match="knows no conflict 'x'"):
        made(engine, ONE, "P1 | S1", "P1 | S1 | a", allow=("conflict:x",))


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ("[{table: Cases, by: CASE}]", "belongs to itself"),
        ("[{table: People, by: CASE}]", "natural key of People is not CASE"),
        ("[{table: Other, by: CASE}]", "natural key of Other is not CASE"),
    ],
)
def test_parents_that_cannot_be_are_refused(parents, message):
    body = "sources:\n  People: {natural_key: [PERSON]}\n  Cases: {natural_key: [CASE], parents: %s}\n"
    mapping = read(body % parents + "tables: {Out: {from: Rows, fields: {Key: A}}}")
    with pytest.raises(DescriptionError, match=message):
        ordered(mapping.sources)


def test_parents_come_first():
    rules: dict[str, SourceRule] = dict(read(SECTIONS).sources)
    assert [rule.table for rule in ordered(dict(reversed(rules.items())))] == ["People", "Cases", "Rows"]
