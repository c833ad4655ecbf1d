"""What a run left behind because nobody accepted our proposals: the codes, and what would become of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile.value import NOT_ACCEPTED
from idbmigrate.ledger.books import Account, Books
from idbmigrate.mapping import model as m
from idbmigrate.mapping.codes import cleaned, uses
from idbmigrate.staging.tables import StagedTable
from idbmigrate.words import StatedConfidence

#: Lookups that are named first: without its therapy a contact loses its intensity and its part in counts.
FIRST = ("therapy_v15", "therapy_v10")


class Proposal(TypedDict):
    """Codes of a source column that a row of a lookup would carry; codes of the lookup, no other values."""

    table: str
    column: str
    lookup: str
    code: str
    to: str
    confidence: str
    values: int
    note: str


def proposals(
    books: Books, staged: Mapping[str, StagedTable], mapping: m.Mapping, accept: StatedConfidence
) -> list[Proposal]:
    """The codes that were not carried because the run accepts less; therapies first, then by their number."""
    found: Counter[tuple[str, str, str, m.LookupRow]] = Counter()
    reading: dict[tuple[str, str], list[m.Lookup]] = {}
    for name, use in uses(mapping).items():
        for place in use.sources:
            reading.setdefault(place, []).append(mapping.lookups[name])
    for account in books.values:
        for lookup in reading.get((account.table, account.column), ()):
            beyond = (row for row in lookup.rows if not m.accepted(row.confidence, accept))
            rows = {row.code: row for row in beyond if row.to is not None}
            for code, count in _not_accepted(account, staged):
                row = rows.get(cleaned(lookup, code))
                if row is not None:
                    found[account.table, account.column, lookup.name, row] += count
    lines = [_line(*key, count) for key, count in found.items()]
    return sorted(lines, key=_order)


def _order(line: Proposal) -> tuple[object, ...]:
    return (line["lookup"] not in FIRST, -line["values"], line["table"], line["column"], line["code"])


def _not_accepted(account: Account, staged: Mapping[str, StagedTable]) -> Iterator[tuple[str, int]]:
    for index, reason in enumerate(account.names):
        rows = account.uncarried[account.reasons == index]
        if reason.word == NOT_ACCEPTED and len(rows):
            values = staged[account.table].raw[account.column].take(pa.array(rows)).cast(pa.string())
            for entry in pc.value_counts(values).to_pylist():
                yield entry["values"] or "", entry["counts"]


def _line(table: str, column: str, lookup: str, row: m.LookupRow, values: int) -> Proposal:
    return {
        "table": table,
        "column": column,
        "lookup": lookup,
        "code": row.code,
        "to": row.to or "",
        "confidence": row.confidence,
        "values": values,
        "note": row.note or "",
    }
