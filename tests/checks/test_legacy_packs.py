"""The checks of legacy files: no column is left out, and each check fails for the record that breaks it."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from idbmigrate.checks import check, load_pack
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.model import weakest

from .breaking import broken
from .good import nhs_numbers
from .legacy import CONTEXT, LEGACY, good

BROKEN = ("banana", "1980-02-31", "31/12/1980", "25:61:00", "42478")
#: Columns of which no source says how they are written.
NO_FORMAT = {
    *(f"LTCAPPOINTMENT.{name}" for name in ("FATIGUE", "IBSSEVERITYSCALE", "BRIEFPAIN")),
    *(f"LTCAPPOINTMENT.{name}" for name in ("PHQ15", "DIABETESDISTRESS", "CAT")),
    *(f"LTCCSRI3MONTHS.{name}" for name in ("COMPLETION_POINT", "CSRI_LOCATION_TYPE")),
    "LTCCSRI3MONTHS.CSRI_NUM_INSTANCES",
}


@pytest.fixture(params=LEGACY)
def dataset(request):
    return load_dataset(request.param)


def arrow(dataset, file):
    return {
        name: pa.table(
            {
                column: pa.array([row.get(column) for row in file.get(name, [])], pa.string())
                for column in spec.columns
            }
        )
        for name, spec in dataset.tables.items()
    }


def found(dataset, value_of, *kinds: str) -> set[str]:
    """Columns with a finding of these kinds, in tables of one row with these values alone."""
    file = {
        name: [{column.name: value_of(name, column) for column in table.columns.values()}]
        for name, table in dataset.tables.items()
    }
    findings = check(arrow(dataset, file), dataset, CONTEXT[dataset.name]).findings
    findings = findings.filter(pc.is_in(findings["kind"].cast(pa.string()), pa.array(kinds)))
    found_columns = set(zip(findings["table"].to_pylist(), findings["column"].to_pylist(), strict=True))
    return {f"{table}.{column}" for table, column in found_columns if file[table][0][column] is not None}


def columns(dataset, wanted) -> set[str]:
    return {
        f"{t}.{c}" for t, table in dataset.tables.items() for c, spec in table.columns.items() if wanted(spec)
    }


@pytest.mark.parametrize("value", BROKEN)
def test_every_bad_date_and_time_is_found(dataset, value):
    wanted = columns(dataset, lambda spec: spec.format.kind in ("date", "time", "month"))
    assert len(wanted) >= 7
    assert not wanted - found(
        dataset, lambda t, spec: value if f"{t}.{spec.name}" in wanted else None, "format"
    )


def test_every_code_that_is_not_listed_is_found(dataset):
    wanted = columns(dataset, lambda spec: spec.codes is not None)
    assert len(wanted) >= 20
    assert not wanted - found(dataset, lambda t, spec: "?" if f"{t}.{spec.name}" in wanted else None, "code")


def test_every_listed_code_is_accepted(dataset):
    """Each code of each list by itself, in a file that is otherwise good."""
    wrong = []
    number = iter(nhs_numbers(2000))
    file, found_columns = defaultdict(list), {}
    place = 0
    for table, spec in dataset.tables.items():
        for column in spec.columns.values():
            for code in dataset.listed(column)[:60]:
                place += 1
                rows = good(dataset, place, next(number))
                rows[table][0][column.name] = code
                for name, each in rows.items():
                    file[name] += each
                found_columns[place] = f"{table}.{column.name} {code}"
    findings = check(arrow(dataset, file), dataset, CONTEXT[dataset.name]).findings
    for finding in findings.to_pylist():
        of_v2 = finding["table"] == "TreatmentPEQ" and finding["value"] == "NA"  # v1.5 has a number there
        if finding["kind"] in ("code", "format") and not of_v2:
            wrong.append((found_columns[finding["row"]], finding["code"]))
    assert not wrong


def test_every_text_that_is_too_long_is_found(dataset):
    wanted = columns(dataset, lambda spec: True) - NO_FORMAT

    def value(table, spec):
        return "1" * ((spec.format.max_length or 60) + 1) if f"{table}.{spec.name}" in wanted else None

    assert not wanted - found(dataset, value, "format")


def test_every_score_outside_its_range_is_found(dataset):
    wanted = columns(dataset, lambda spec: spec.range is not None)
    assert len(wanted) >= 11

    def value(table, spec):
        return (
            str(int(spec.range[1]) + 1 + ("WSASW" in spec.name)) if f"{table}.{spec.name}" in wanted else None
        )

    assert wanted == found(dataset, value, "score")


@pytest.mark.parametrize("blank", [None, " "])
def test_every_mandatory_column_complains_when_it_is_blank(dataset, blank):
    """In the row where it alone is blank, and in no other."""
    file, blanks = {}, set()
    for table, spec in dataset.tables.items():
        own = [column.name for column in spec.columns.values() if column.requirement == "M"]
        file[table] = [dict.fromkeys(spec.columns, "1") for _ in [*own, None]]
        for row, column in enumerate(own):
            file[table][row][column] = blank
            blanks.add((table, row + 1, column))
    findings = check(arrow(dataset, file), dataset, CONTEXT[dataset.name]).findings
    findings = findings.filter(pc.equal(findings["kind"].cast(pa.string()), "blank"))
    assert len(blanks) >= 12
    assert (
        set(zip(*(findings[each].to_pylist() for each in ("table", "row", "column")), strict=True)) == blanks
    )
    assert set(findings["effect"].to_pylist()) == {"record"}


def test_each_check_fails_for_the_patient_who_breaks_it(dataset):
    rules = [rule for rule in load_pack(dataset.name).rules if rule.check is not None]
    numbers = nhs_numbers(len(rules) + 1)
    file, owners = defaultdict(list), defaultdict(list)
    for number, rule in enumerate([None, *rules]):
        rows = good(dataset, number, next(numbers))
        for table, own in (broken(rule, rows) if rule else rows).items():
            file[table] += own
            owners[table] += [number] * len(own)
    hit = defaultdict(set)
    for finding in check(arrow(dataset, file), dataset, CONTEXT[dataset.name]).findings.to_pylist():
        hit[finding["code"]].add(owners[finding["table"]][finding["row"] - 1])
    assert not [rule.code for number, rule in enumerate(rules, 1) if number not in hit[rule.code]]
    assert not [code for code, patients in hit.items() if 0 in patients], "the good patient breaks none"


def test_no_check_is_surer_than_its_fact(dataset):
    """And none claims to be published, or has neither a source nor the word proposed or unknown."""
    for rule in load_pack(dataset.name).rules:
        assert not rule.published, rule.code
        assert rule.source or rule.confidence in ("proposed", "unknown"), rule.code
        assert set(rule.source) <= load_pack(dataset.name).sources.keys(), rule.code
        if (
            rule.kind == "code"
            and rule.check is not None
            and rule.columns[0] in ("GENDER", "SEXUALORIENTATION")
        ):
            spec = dataset.tables[rule.table].columns[rule.columns[0]]
            codes = dataset.codes_of(spec)
            assert rule.confidence == weakest(codes.confidence, spec.confidences["codes"])
        assert (rule.check is None) == (rule.because is not None)


def test_what_is_not_public_is_listed(dataset):
    codes = {rule.code: rule for rule in load_pack(dataset.name).rules if rule.check is None}
    assert {"file.validations", "file.requirements", "file.inclusion"} <= codes.keys()
    unknown = {f"{name}.format" for name in NO_FORMAT if name.partition(".")[0] in dataset.tables}
    assert unknown == {code for code, rule in codes.items() if rule.because == "format-not-public"}
