"""The rejects: every row and every value that was not carried, as tables for people to work through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from idbmigrate.ledger.books import Account, Books
from idbmigrate.ledger.reasons import outcome
from idbmigrate.staging.tables import StagedTable


def _texts(*names: str) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])


ROWS = _texts("table", "row", "outcome", "reason", "target")
VALUES = _texts("table", "row", "column", "value", "outcome", "reason", "target")
REASONS = _texts("reason", "outcome", "meaning")
#: Values of a part: few enough that only a little is in memory at a time.
MANY = 1 << 14
Part = Callable[[], pa.Table]
#: Names of our own files, and names that Windows keeps for devices.
_DEVICES = {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
_RESERVED = frozenset({"rows", "reasons", "keys", "con", "prn", "aux", "nul", *_DEVICES})


def rejects(books: Books, staged: Mapping[str, StagedTable]) -> dict[str, pa.Table]:
    """What was not carried, by file name.

    One table a source table holds its values: table, row (``page:slot``), column, value as the file holds
    it, outcome, reason, and the target column it was on its way to. ``rows`` are the rows from which
    nothing was made, ``reasons`` what each reason word means.
    """
    return {
        name: pa.concat_tables([schema.empty_table(), *(part().cast(schema) for part in parts)])
        for name, schema, parts in reject_parts(books, staged)
    }


def reject_parts(
    books: Books, staged: Mapping[str, StagedTable]
) -> Iterator[tuple[str, pa.Schema, list[Part]]]:
    """The same, name by name, in parts that are made when they are called.

    Columns of a part that repeat a few words come as dictionaries.
    """
    rows = [account for account in books.rows if account.uncarried.size]
    yield "rows", ROWS, [partial(_rows, account, staged[account.table]) for account in rows]
    yield "reasons", REASONS, [partial(_reasons, books)]
    tables: dict[str, list[Account]] = {}
    for account in books.values:
        if account.uncarried.size:
            tables.setdefault(account.table, []).append(account)
    for name, accounts in _safe_names(tables).items():
        yield name, VALUES, _values(accounts, staged[accounts[0].table])


def _values(accounts: list[Account], table: StagedTable) -> list[Part]:
    """A column that is left out names every row, so the places of rows are made once."""
    places = table.places(np.arange(table.raw.num_rows))
    return [
        partial(_some_values, account, slice(start, start + MANY), table, places)
        for account in accounts
        for start in range(0, account.uncarried.size, MANY)
    ]


def _some_values(account: Account, some: slice, table: StagedTable, places: pa.Array) -> pa.Table:
    at = pa.array(account.uncarried[some])
    shown = (table.source_columns or {}).get(account.column, account.column)
    return pa.table(
        {
            "table": _same(account.table, len(at)),
            "row": places.take(at),
            "column": _same(shown, len(at)),
            "value": table.raw[account.column].take(at),
            **_reason_columns(account, some),
        }
    )


def _rows(account: Account, table: StagedTable) -> pa.Table:
    return pa.table(
        {
            "table": _same(account.table, account.uncarried.size),
            "row": table.places(account.uncarried),
            **_reason_columns(account, slice(None)),
        }
    )


def _same(text: str, count: int) -> pa.Array:
    return _words(np.zeros(count, np.int32), [text])


def _reason_columns(account: Account, some: slice) -> dict[str, pa.Array]:
    given = account.reasons[some].astype(np.int32)
    return {
        "outcome": _words(given, [outcome(reason.word) for reason in account.names]),
        "reason": _words(given, [reason.word for reason in account.names]),
        "target": _words(given, [reason.target for reason in account.names]),
    }


def _words(numbers: np.ndarray, words: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(words, pa.string()))


def _reasons(books: Books) -> pa.Table:
    accounts = (*books.rows, *books.values)
    words = sorted({reason.word for account in accounts for reason, _ in account.counts()})
    columns = [words, [outcome(word) for word in words], [books.meaning(word) for word in words]]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=REASONS)


def _safe_names(tables: dict[str, list[Account]]) -> dict[str, list[Account]]:
    """Names that can be file names: tables of a file may be called anything."""
    safe: dict[str, list[Account]] = {}
    for name, accounts in tables.items():
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name)[:60] or "_"
        taken = _RESERVED | {other.lower() for other in safe}
        safe[f"{stem}_{len(safe) + 1}" if stem.lower() in taken else stem] = accounts
    return safe
