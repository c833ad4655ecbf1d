"""A finished run: target tables, ledger, findings, and the summary that the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.ledger import DROPPED, REJECTED, Account, Books, outcome
from idbmigrate.stage import StagedTable

if TYPE_CHECKING:
    import pandas as pd

    from idbmigrate.compile.plan import Plan
    from idbmigrate.datasets.identify import Identification
    from idbmigrate.mapping.model import Mapping as MappingFile

EFFECTS = ("file", "group", "record", "warning")


@dataclass
class Run:
    """What :func:`idbmigrate.convert` gives back.

    ``tables``: the target's tables, every column text in the order of the data set, a missing value
    null. ``packages``: the same by reporting month, with ``split="month"``. ``findings``: what the rules
    found, one row a finding. ``out``: the folder written, ``None`` where none was asked for.
    """

    input: dict[str, Any]
    identification: Identification
    mapping: MappingFile
    plan: Plan
    staged: dict[str, StagedTable]
    tables: dict[str, pa.Table]
    books: Books
    findings: pa.Table
    period: str | None = None
    packages: dict[str, dict[str, pa.Table]] = field(default_factory=dict)
    out: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)

    def frame(self, table: str) -> pd.DataFrame:
        """One target table as pandas: every column text, missing is ``<NA>``."""
        import pandas as pd

        return self.tables[table].to_pandas(types_mapper={pa.string(): pd.StringDtype()}.get)

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Rows and values, in = carried + rejected + dropped, by table, column and reason."""
        return self.books.lines()

    @property
    def summary(self) -> dict[str, Any]:
        """The run in short: what went in, what came out, what was left behind and why."""
        return {
            "inputs": [self.input],
            "source": self.plan.source,
            "target": self.plan.target,
            "mapping": {"name": self.mapping.name, "version": self.mapping.version},
            "accept": self.plan.accept,
            "parameters": self.plan.parameters,
            "period": self.period,
            "months": sorted(self.packages),
            "tables_in": tables_in(self.books),
            "tables_out": [{"table": name, "rows": t.num_rows} for name, t in self.tables.items()],
            "left_behind": left_behind(self.books),
            "findings": effects(self.findings),
            "out": self.out,
            "files": self.files,
        }


def tables_in(books: Books) -> list[dict[str, Any]]:
    """One line a source table: rows and values, with what became of them."""
    lines = {}
    for account in books.rows:
        lines[account.table] = {"table": account.table, "rows": account.incoming, **_totals(account)}
        lines[account.table]["values"] = {"in": 0, "carried": 0, REJECTED: 0, DROPPED: 0}
    for account in books.values:
        values = lines[account.table]["values"]
        values["in"] += account.incoming
        for kind, count in _totals(account).items():
            values[kind] += count
    return list(lines.values())


def _totals(account: Account) -> dict[str, int]:
    totals = {"carried": account.carried, REJECTED: 0, DROPPED: 0}
    for reason, count in account.counts():
        totals[outcome(reason.word)] += count
    return totals


def left_behind(books: Books) -> list[dict[str, Any]]:
    """One line a reason, most values first."""
    found: dict[str, dict[str, Any]] = {}
    for kind, accounts in (("rows", books.rows), ("values", books.values)):
        for account in accounts:
            for reason, count in account.counts():
                line = found.setdefault(
                    reason.word,
                    {
                        "reason": reason.word,
                        "meaning": books.meaning(reason.word),
                        "outcome": outcome(reason.word),
                        "rows": 0,
                        "values": 0,
                    },
                )
                line[kind] += count
    return sorted(found.values(), key=lambda line: (-line["values"], -line["rows"], line["reason"]))


def effects(findings: pa.Table) -> dict[str, int]:
    """Number of findings by effect."""
    counts = dict.fromkeys(EFFECTS, 0)
    if findings.num_rows:
        counted = pc.value_counts(findings["effect"])
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        counts |= dict(pairs)
    return counts


# -- the residue -----------------------------------------------------------------------------------


def residue(books: Books, staged: Mapping[str, StagedTable]) -> dict[str, pa.Table]:
    """Every value that was not carried, by source table.

    Columns: table, row (``page:slot``), column, value (as the file holds it), outcome, reason, target
    (the column it was on its way to), meaning. Rows that were not carried as a whole are in ``rows``.
    """
    parts: dict[str, list[pa.Table]] = {}
    for account in books.values:
        if account.uncarried.size:
            parts.setdefault(account.table, []).append(_values(account, staged[account.table], books))
    tables = {name: pa.concat_tables(tables) for name, tables in parts.items()}
    rows = [_rows(account, staged[account.table], books) for account in books.rows if account.uncarried.size]
    return {"rows": pa.concat_tables(rows) if rows else _no_rows(), **_safe_names(tables)}


def _values(account: Account, table: StagedTable, books: Books) -> pa.Table:
    column = table.raw[account.column]
    return pa.table(
        {
            "table": _same(account.table, account.uncarried.size),
            "row": table.places(account.uncarried),
            "column": _same(_source_name(table, account.column), account.uncarried.size),
            "value": column.take(pa.array(account.uncarried)).combine_chunks()
            if isinstance(column, pa.ChunkedArray)
            else column.take(pa.array(account.uncarried)),
            **_reason_columns(account, books),
        },
        schema=_VALUES,
    )


def _rows(account: Account, table: StagedTable, books: Books) -> pa.Table:
    return pa.table(
        {
            "table": _same(account.table, account.uncarried.size),
            "row": table.places(account.uncarried),
            **_reason_columns(account, books),
        },
        schema=_ROWS,
    )


def _source_name(table: StagedTable, column: str) -> str:
    return (table.source_columns or {}).get(column, column)


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(count, np.int64)))


def _reason_columns(account: Account, books: Books) -> dict[str, pa.Array]:
    index = pa.array(account.reasons)
    words = [reason.word for reason in account.names]
    return {
        "outcome": pa.array([outcome(word) for word in words], pa.string()).take(index),
        "reason": pa.array(words, pa.string()).take(index),
        "target": pa.array([reason.headed for reason in account.names], pa.string()).take(index),
        "meaning": pa.array([books.meaning(word) for word in words], pa.string()).take(index),
    }


def _texts(*names: str) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])


_ROWS = _texts("table", "row", "outcome", "reason", "target", "meaning")
_VALUES = _texts("table", "row", "column", "value", "outcome", "reason", "target", "meaning")


def _no_rows() -> pa.Table:
    return _ROWS.empty_table()


def _safe_names(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Names that can be file names: tables of a file may be called anything."""
    safe: dict[str, pa.Table] = {}
    for name, table in tables.items():
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name)[:60] or "_"
        if stem.lower() in {"rows", "con", "prn", "aux", "nul"} or stem.lower() in {s.lower() for s in safe}:
            stem = f"{stem}_{len(safe) + 1}"
        safe[stem] = table
    return safe
