"""No column of a target is left out: each broken value of each column is found where it stands."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from idbmigrate.checks import check
from idbmigrate.datasets import load_dataset

PACKS = ("iapt-2.1", "mhsds-6.0")
TIMES = {"date", "time", "timestamp", "month"}
#: Written as none of the formats, a day or moment that does not exist, and the way the British write it.
BROKEN = ("banana", "1980-02-31", "31/12/1980", "25:61:00", "2022-02-30T10:00:00", "42478")
#: Columns whose list of codes is not public, so that no rule can know a code that is not on it.
NO_LIST = {("iapt-2.1", "IDS105OnwardReferral", "OnwardReferReason")}
#: A text without a length: nothing is published of its shape.
NO_LENGTH = {("mhsds-6.0", "MHS201CareContact", "ReasonableAdjustmentMade")}


def found(dataset, value_of, *kinds: str) -> set[tuple[str, str]]:
    """Columns with a finding of these kinds, in tables of one row with these values alone."""
    tables = {
        name: pa.table(
            {column: pa.array([value_of(name, spec)], pa.string()) for column, spec in table.columns.items()}
        )
        for name, table in dataset.tables.items()
    }
    findings = check(tables, dataset).findings
    findings = findings.filter(pc.is_in(findings["kind"].cast(pa.string()), pa.array(kinds)))
    given = {(t, c) for t, table in tables.items() for c in table.column_names if table[c][0].is_valid}
    return set(zip(findings["table"].to_pylist(), findings["column"].to_pylist(), strict=True)) & given


def columns(dataset, wanted) -> set[tuple[str, str]]:
    return {
        (t, c) for t, table in dataset.tables.items() for c, spec in table.columns.items() if wanted(spec)
    }


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("value", BROKEN)
def test_every_bad_date_and_time_is_found(name, value):
    dataset = load_dataset(name)
    wanted = columns(dataset, lambda spec: spec.format is not None and spec.format.kind in TIMES)
    assert len(wanted) > 30
    missed = wanted - found(
        dataset, lambda table, spec: value if (table, spec.name) in wanted else None, "format"
    )
    assert not missed


@pytest.mark.parametrize("name", PACKS)
def test_every_code_that_is_not_listed_is_found(name):
    dataset = load_dataset(name)
    wanted = columns(dataset, lambda spec: spec.codes is not None)
    unknown = {(t, c) for pack, t, c in NO_LIST if pack == name}

    def value(table, spec):
        if (table, spec.name) not in wanted:
            return None
        longest = spec.format.max_length or 2 if spec.format else 2
        return "?" * longest

    assert wanted - found(dataset, value, "code") == unknown


@pytest.mark.parametrize("name", PACKS)
def test_every_text_that_is_too_long_is_found(name):
    dataset = load_dataset(name)
    wanted = columns(dataset, lambda spec: spec.format is not None)
    unknown = {(t, c) for pack, t, c in NO_LENGTH if pack == name}

    def value(table, spec):
        return "1" * ((spec.format.max_length or 60) + 1) if (table, spec.name) in wanted else None

    assert wanted - found(dataset, value, "format", "code", "value") == unknown


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("blank", [None, " "])
def test_every_mandatory_column_complains_when_it_is_blank(name, blank):
    """By the rule of that very column, in the row where it alone is blank, and in no other."""
    dataset = load_dataset(name)
    wanted = {
        (t, c) for t, table in dataset.tables.items() for c in table.columns if table.columns[c].mandatory
    }
    assert len(wanted) > 60
    tables, blanks = {}, set()
    for table, spec in dataset.tables.items():
        own = [column for column in spec.columns if (table, column) in wanted]
        values = {column: ["1"] * (len(own) + 1) for column in spec.columns}
        for row, column in enumerate(own):
            values[column][row] = blank
            blanks.add((table, row + 1, column))
        tables[table] = pa.table({column: pa.array(each, pa.string()) for column, each in values.items()})
    findings = check(tables, dataset).findings
    findings = findings.filter(pc.equal(findings["kind"].cast(pa.string()), "blank"))
    found_columns = zip(*(findings[each].to_pylist() for each in ("table", "row", "column")), strict=True)
    assert {place for place in found_columns if (place[0], place[2]) in wanted} == blanks
