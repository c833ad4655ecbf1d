"""VODIM: how many values of an item are Valid, Other, Default, Invalid or Missing.

Counted before (in the legacy file) and after (in the target). The five words are those of the monthly
data-quality measures of NHS England; which codes of these data sets count as other or default is
proposed here, as no list for them is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks import patterns
from idbmigrate.checks.distinct import encode
from idbmigrate.checks.model import Measure, RulePack
from idbmigrate.checks.values import Accepts, nhs_numbers, one_by_one, organisation, snomed_identifier
from idbmigrate.words import VODIM

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset


def _matches(pattern: str) -> Accepts:
    return lambda texts: pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _clinical_codes(texts: pa.StringArray) -> np.ndarray:
    icd10 = _matches("^[A-Za-z][0-9][0-9A-Za-z][0-9A-Za-z.]{0,3}$")
    return icd10(texts) | one_by_one(snomed_identifier)(texts)


#: Word in a rule pack -> test of values. ``codes`` stands for the national codes of the column.
TESTS: dict[str, Accepts] = {
    "date": _matches(patterns.DATE),
    "nhs-number": nhs_numbers,
    "organisation": one_by_one(organisation),
    "postcode": _matches(r"^[A-Za-z]{1,2}[0-9][A-Za-z0-9]?\s*[0-9][A-Za-z]{2}$"),
    "clinical-code": _clinical_codes,
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
    line for each item: its names, and ``after`` and ``before`` with a count for each word of ``VODIM``
    and ``total`` (``before`` is null where the item has no legacy column in the file).
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
    accepts = TESTS.get(each.valid) or _among(tuple(codes.codes) if codes else ())
    found = encode(table[column])
    texts = pc.fill_null(pc.utf8_trim_whitespace(found.values.texts), "")
    counts = np.bincount(_words(each, texts, accepts)[found.at], minlength=len(VODIM)).tolist()
    return {**dict(zip(VODIM, counts, strict=True)), "total": table.num_rows}


def _words(each: Measure, texts: pa.StringArray, accepts: Accepts) -> np.ndarray:
    """Number of the word (place in ``VODIM``) of each value; where several apply, the last one set stands."""
    words = np.where(accepts(texts), VODIM.index("valid"), VODIM.index("invalid"))
    for word, listed in (("other", each.other), ("default", each.default)):
        for code in listed:
            same = pc.starts_with(texts, code[:-1]) if code.endswith("*") else pc.equal(texts, code)
            words[same.to_numpy(zero_copy_only=False)] = VODIM.index(word)
    words[pc.equal(texts, "").to_numpy(zero_copy_only=False)] = VODIM.index("missing")
    return words


def _among(codes: tuple[str, ...]) -> Accepts:
    listed = pa.array(codes, pa.string())
    return lambda texts: pc.is_in(texts, value_set=listed).to_numpy(zero_copy_only=False)
