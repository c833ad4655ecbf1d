"""VODIM: how many values of an item are Valid, Other, Default, Invalid or Missing.

Counted before (in the legacy file) and after (in the target). The five words are those of the monthly
data-quality measures of NHS England; which codes of these data sets count as other or default is
proposed here, as no list for them is published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks import patterns, values
from idbmigrate.checks.model import Measure, RulePack

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset

WORDS = ("valid", "other", "default", "invalid", "missing")


def _whole(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


#: Word in a rule pack -> test of a value. ``codes`` stands for the national codes of the column.
TESTS: dict[str, Callable[[str], bool]] = {
    "date": _whole(patterns.DATE),
    "nhs-number": values.nhs_number,
    "organisation": values.organisation,
    "postcode": _whole(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]?\s*[0-9][A-Za-z]{2}"),
    "clinical-code": lambda value: (
        bool(re.fullmatch(r"[A-Za-z][0-9][0-9A-Za-z][0-9A-Za-z.]{0,3}", value))
        or values.snomed_identifier(value)
    ),
}


def measure(
    pack: RulePack,
    tables: Mapping[str, pa.Table],
    dataset: Dataset,
    before: Mapping[str, pa.Table] | None = None,
    source: Dataset | None = None,
) -> list[dict[str, Any]]:
    """Sort the values of every measured item.

    ``tables`` are the target's, ``before`` the staged source tables by the names of ``source``. Gives one
    line for each item: its names, and ``after`` and ``before`` with a count for each of :data:`WORDS` and
    ``total`` (``before`` is null where the item has no legacy column in the file).
    """
    lines = []
    for each in pack.measures:
        line: dict[str, Any] = {
            "item": each.item,
            "column": f"{each.table}.{each.column}",
            "confidence": each.confidence,
            "after": _sorted(each, tables.get(each.table), each.column, dataset, each.table),
            "legacy_column": None,
            "before": None,
        }
        table, column = each.before or ("", "")
        if before and source and column in getattr(source.tables.get(table), "columns", {}):
            line["legacy_column"] = f"{table}.{column}"
            line["before"] = _sorted(each, before.get(table), column, source, table)
        lines.append(line)
    return lines


def _sorted(
    each: Measure, table: pa.Table | None, column: str, dataset: Dataset, name: str
) -> dict[str, int] | None:
    if table is None or column not in table.column_names:
        return None
    codes = dataset.codes_of(dataset.tables[name].columns[column])
    is_valid = TESTS.get(each.valid) or (lambda value: codes is not None and value in codes.codes)
    counts = dict.fromkeys(WORDS, 0)
    found = pc.value_counts(table[column])
    for value, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist()):
        counts[_word(each, value, is_valid)] += count
    return {**counts, "total": table.num_rows}


def _word(each: Measure, value: str | None, is_valid: Callable[[str], bool]) -> str:
    value = (value or "").strip()
    if not value:
        return "missing"
    for word, listed in (("default", each.default), ("other", each.other)):
        if listed and any(_stands_for(code, value) for code in listed):
            return word
    return "valid" if is_valid(value) else "invalid"


def _stands_for(code: str, value: str) -> bool:
    return value == code or (code.endswith("*") and value.startswith(code[:-1]))
