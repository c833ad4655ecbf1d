"""What was carried less exactly: codes whose target says less, more or something near, as the mapping says.

A detailed code that becomes its group is carried, and the detail is not: the books cannot tell, so that such
values are counted here, apart from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.execution.run import as_numpy
from idbmigrate.ledger.books import Books
from idbmigrate.mapping.codes import cleaned, uses
from idbmigrate.mapping.model import Lookup, accepted
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.staging.tables import StagedTable


class InexactLine(TypedDict):
    """How many carried values of a source column a lookup gave a code that is ``broader``, ``narrower`` or
    ``related``."""

    table: str
    column: str
    lookup: str
    equivalence: str
    values: int


def carried_inexactly(
    mapping: MappingFile, staged: Mapping[str, StagedTable], books: Books, accept: str
) -> list[InexactLine]:
    """One line a source column, lookup and kind of equivalence, most values first."""
    lines: list[InexactLine] = []
    carried = {(account.table, account.column): account.uncarried for account in books.values}
    for name, use in uses(mapping).items():
        codes = _inexact(mapping.lookups[name], accept) if name in mapping.lookups else {}
        for table, column in use.sources if codes else ():
            if (table, column) not in carried or column not in staged[table].clean.column_names:
                continue
            values = staged[table].clean[column]
            mask = np.ones(len(values), bool)
            mask[carried[table, column]] = False
            found = _counts(
                values.filter(pa.array(mask & as_numpy(pc.is_valid(values)))), mapping.lookups[name], codes
            )
            lines += [
                {"table": table, "column": column, "lookup": name, "equivalence": word, "values": count}
                for word, count in found.items()
            ]
    return sorted(lines, key=lambda line: (-line["values"], line["table"], line["column"], line["lookup"]))


def _inexact(lookup: Lookup, accept: str) -> dict[str, str]:
    """Code -> its equivalence, of those that the run uses and that do not say the same."""
    return {
        row.code: row.equivalence
        for row in lookup.rows
        if row.to is not None and row.equivalence != "equal" and accepted(row.confidence, accept)
    }


def _counts(values: pa.ChunkedArray, lookup: Lookup, codes: Mapping[str, str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    found = pc.value_counts(values)
    texts = found.field("values").cast(pa.string()).to_pylist()
    for text, count in zip(texts, found.field("counts").to_pylist(), strict=True):
        if word := codes.get(cleaned(lookup, text)):
            counts[word] += count
    return counts
