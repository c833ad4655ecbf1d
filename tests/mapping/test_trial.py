"""Tests that stand in mappings pass on both engines, fail where the mapping is wrong, notice its mutants."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from idbmigrate.cli import group
from idbmigrate.datasets import load_dataset
from idbmigrate.mapping.load import list_mappings, load_mapping
from idbmigrate.mapping_tests.mutate import mutants, sample
from idbmigrate.mapping_tests.run import MappingTests

SMALL = """
mapping: small
version: 1.0.0
source: iapt-1.5
target: iapt-2.1
sources: {Person: {natural_key: [LPTID], repeats: {rule: again, reason: stored twice}}}
lookups:
  gender:
    unknown: "null"
    rows:
      - {from: 1, to: 1, confidence: confirmed}
      - {from: 2, to: 2, confidence: confirmed}
tables:
  IDS001MPI:
    from: Person
    where: [{name: born, keep: {present: DOB}, reason: asked for}]
    fields:
      LocalPatientId: LPTID
      OrgIDLocalPatientId: {constant: RX1}
      PersonBirthDate: {date: DOB}
      Gender: {lookup: gender, of: GENDER}
    one_per: {key: [LocalPatientId], rule: one, reason: one, prefer: [{filled: Gender}]}
retired: {Person: {"*": not looked at here}}
tests:
  - name: everything
    source:
      Person: |
        LPTID | DOB        | GENDER
        P1    | 1980-01-01 | 1
        P2    | 1981-01-01 |
        P2    | 1981-01-02 | 2
        P3    |            | 2
        P4    | 1982-01-01 | 7
    target:
      IDS001MPI: |
        LocalPatientId | OrgIDLocalPatientId | PersonBirthDate | Gender
        P1             | RX1                 | 1980-01-01      | 1
        P2             | RX1                 | 1981-01-02      | 2
        P4             | RX1                 | 1982-01-01      |
    rejects: |
      table  | column    | value      | reason
      Person | DOB       | 1981-01-01 | one-per
      Person | GENDER    | 2          | filter:born
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def run(*words: object):
    return CliRunner().invoke(group, ["mapping", *map(str, words)])


def first_seen() -> dict[tuple[str, int], str]:
    """The mapping with which a test is run on DuckDB too: several mappings share most of their tests."""
    found: dict[tuple[str, int], str] = {}
    for name in list_mappings():
        for test in load_mapping(name).tests:
            found.setdefault((test.place.file, test.place.line), name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", list_mappings())
def test_the_tests_of_every_mapping_pass(name):
    mapping, first = load_mapping(name), first_seen()
    new = [test for test in mapping.tests if first[test.place.file, test.place.line] == name]
    with MappingTests(mapping, load_dataset(mapping.source), load_dataset(mapping.target)) as trials:
        verdicts = [*trials.run(["sqlite"]), *trials.run(["duckdb"], new)]
    assert mapping.tests
    assert not {(v.test.name, v.engine): v.faults for v in verdicts if v.faults}


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        (
            "P1             | RX1 ",
            "P1             | RX2 ",
            "lacks LocalPatientId=P1, OrgIDLocalPatientId=RX2",
        ),
        ("keep: {present: DOB}", "keep: {present: LPTID}", "rejects lack"),
        ("prefer: [{filled: Gender}]", "prefer: [{lowest: PersonBirthDate}]", "has unexpected"),
        ("Person | GENDER    | 2 ", "Person | GENDER    | 3 ", "rejects lack"),
        ('retired: {Person: {"*": not looked at here}}', "", None),
        ("- {from: 2, to: 2,", "- {from: 3, to: 3,", "Gender=2"),
    ],
)
def test_a_test_fails_where_it_should_and_says_what_was_made(small, was, now, fault):
    assert SMALL.count(was) == 1
    small.write_text(SMALL.replace(was, now), encoding="utf-8")
    result = run("test", small, "--engine", "sqlite")
    assert result.exit_code == (0 if fault is None else 4)
    assert fault is None or (fault in result.output and "small.yaml:" in result.output)


def test_json_names_the_failing_test_and_its_place(small):
    small.write_text(SMALL.replace("P1             | RX1 ", "P1             | RX2 "), encoding="utf-8")
    document = json.loads(run("test", small, "--engine", "sqlite", "--json").stdout)
    assert (document["error"], document["failed"]) == ("mapping-test-failed", 1)
    assert (document["verdicts"][0]["test"], document["verdicts"][0]["file"]) == ("everything", "small.yaml")


def test_whole_tests_leave_no_mutant(small):
    result = run("test", "--mutate", small)
    assert (result.exit_code, "all noticed" in result.output) == (0, True), result.output


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ("        P3    |            | 2\n", "without the filter born"),
        ("        P2    | 1981-01-01 |\n", "without the preference for filled Gender"),
        ("        P2    | 1981-01-01 |\n", "without one_per one"),
        ("        P4    | 1982-01-01 | 7\n", "unknown: keep instead of null"),
    ],
)
def test_a_weaker_test_leaves_the_mutant_that_it_does_not_notice(small, cut, left):
    text = SMALL[: SMALL.index("    rejects:")].replace(cut, "")
    if "P4    |" not in text:
        text = text.replace("        P4             | RX1                 | 1982-01-01      |\n", "")
    small.write_text(text, encoding="utf-8")
    result = run("test", "--mutate", small)
    assert result.exit_code == 4 and left in result.output, result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["iapt-1.5-to-ea-iapt-1.0", "iapt-1.5-to-iapt-2.1", "iapt-ltc-1.5.4-to-mhsds-6.0"]
)
def test_the_tests_of_our_mappings_notice_a_sample_of_mutants(name):
    mapping = load_mapping(name)
    with MappingTests(mapping, load_dataset(mapping.source), load_dataset(mapping.target)) as trials:
        left = list(trials.unnoticed(sample(mutants(mapping), 12, seed=4), "sqlite", mapping.tests))
    assert not [f"{mutant.place}: {mutant.change}" for mutant in left]


def test_mutants_differ_from_the_mapping_and_from_each_other_and_name_their_place(small):
    mapping = load_mapping(small)
    found = mutants(mapping)
    assert len({mutant.change for mutant in found}) == len(found)
    for mutant in found:
        assert (mutant.mapping.tables, mutant.mapping.lookups) != (mapping.tables, mapping.lookups)
        assert mutant.tables == {"IDS001MPI"} and mutant.place.line > 1
        assert replace(mutant.mapping, tables=mapping.tables, lookups=mapping.lookups) == mapping
    assert sample(found, 3, seed=7) == sample(found, 3, seed=7) and len(sample(found, 3, seed=7)) == 3
    assert sample(found, None, seed=7) == found


def test_lint_names_file_line_and_path(small, tmp_path):
    assert run("lint", "iapt-1.5-to-iapt-2.1").exit_code == 0
    small.write_text(SMALL.replace("date: DOB", "date: BIRTHDAY"), encoding="utf-8")
    result = run("lint", small)
    line = SMALL[: SMALL.index("date: DOB")].count("\n") + 1
    assert result.exit_code == 4
    assert f"small.yaml:{line} ($.tables.IDS001MPI.fields.PersonBirthDate.date): " in result.output
    assert "Referral.SERVICEID is neither carried nor retired" in result.output
    small.write_text("mapping: [", encoding="utf-8")
    broken = run("lint", small, "--json")
    assert broken.exit_code == 4 and json.loads(broken.stdout)["complaints"] == 1


def test_list_and_show_name_what_a_mapping_holds(small):
    listed = json.loads(run("list", "--json").stdout)
    assert [item["name"] for item in listed] == list_mappings() and all(item["tests"] for item in listed)
    shown = run("show", small).output
    assert "GENDER by lookup gender" in shown and "only where DOB is there" in shown
    printed = run("show", small, "--sql", "--no-optimise", "--json", "--dialect", "spark").stdout
    script = json.loads(printed)["script"]
    assert script["made_IDS001MPI"].startswith("CACHE TABLE `made_IDS001MPI` AS\nWITH ")
    assert list(script)[-1].startswith("books_") and "`Gender`" in script["made_IDS001MPI"]
    assert run("show", small, "--table", "IDS002GP").exit_code == 2
    assert run("show", small, "--sql", "--dialect", "none").exit_code == 2
