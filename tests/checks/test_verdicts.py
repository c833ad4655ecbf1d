"""Thousands of broken records: each has the verdict that an oracle in plain Python gave once and for all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pyarrow as pa
import pytest

from idbmigrate.checks import Context, check

from .verdicts import oracle, refresh
from .verdicts.families import HEADERS, Families

CONTEXT = Context("2022-04-01", "2022-04-30", oracle.SUBMITTED, oracle.PROVIDER, oracle.SENDER)


@pytest.fixture(scope="module", params=refresh.TARGETS)
def families(request):
    return Families(request.param)


def arrow(dataset, rows):
    return {
        name: pa.table(
            {
                column: pa.array([row.get(column) for row in rows[name]], pa.string())
                for column in spec.columns
            }
        )
        for name, spec in dataset.tables.items()
    }


def engine(families) -> dict[tuple[str, str, str], set[str]]:
    """Codes by table, column and change, of one run over all families."""
    rows, owners = defaultdict(list), defaultdict(list)
    header = next(name for name in families.dataset.tables if name in HEADERS)
    rows[header].append(families.good[header])
    found = {}
    for family in families:
        name = (family.table, family.column, family.change)
        assert name not in found, "two families of one name"
        found[name] = set()
        for table, members in family.rows.items():
            rows[table] += members
            owners[table] += [name] * len(members)
    findings = check(arrow(families.dataset, rows), families.dataset, CONTEXT, families.pack).findings
    for finding in findings.to_pylist():
        if finding["row"] is not None and finding["table"] != header:
            found[owners[finding["table"]][finding["row"] - 1]].add(finding["code"])
    return found | headers(families, header)


def headers(families, header: str) -> dict[tuple[str, str, str], set[str]]:
    """Codes of each row of the header, all of them one table."""
    rules = tuple(rule for rule in families.pack.rules if rule.table == header)
    names, rows = [], defaultdict(list)
    for column, change, row in families.headers():
        names.append((header, column, change))
        rows[header].append(row)
    pack = replace(families.pack, rules=rules)
    findings = check(arrow(families.dataset, rows), families.dataset, CONTEXT, pack).findings
    found = {name: set() for name in names}
    for finding in findings.to_pylist():
        found[names[finding["row"] - 1]].add(finding["code"])
    return found


def test_every_record_has_the_verdict_of_the_oracle(families):
    count, stored = refresh.stored(families.pack.name)
    found = engine(families)
    assert len(found) == count, "other records than before: run the refresh and look at what changes"
    wrong = {
        name: (sorted(codes - stored.get(name, set())), sorted(stored.get(name, set()) - codes))
        for name, codes in found.items()
        if codes != stored.get(name, set())
    }
    assert not wrong, f"{len(wrong)} records; said too much, and too little: {dict(list(wrong.items())[:20])}"


def test_the_verdicts_are_those_of_the_texts(families):
    """The oracle, asked again about every record: a text that changed, or a verdict that somebody edited."""
    count, stored = refresh.stored(families.pack.name)
    found_columns = list(refresh.verdicts(families.pack.name))
    assert len(found_columns) == count
    assert {name: codes for name, codes in found_columns if codes} == stored


def test_every_rule_that_looks_at_rows_is_met(families):
    _, stored = refresh.stored(families.pack.name)
    met = {code for codes in stored.values() for code in codes}
    rules = [rule for rule in families.pack.rules if rule.check is not None and rule.table]
    missed = {rule.code for rule in rules if rule.code not in met and rule.kind != "structure"}
    assert missed == NEVER[families.pack.name]


#: Rules that no record of these breaks.
NEVER = {"iapt-2.1": set(), "mhsds-6.0": set()}
