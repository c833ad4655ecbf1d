"""A finished run: target tables, ledger, findings, and the summary that the command line prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.execution.belonging import Settled
from idbmigrate.ledger.books import Account, Books
from idbmigrate.ledger.proof import Proof
from idbmigrate.ledger.reasons import DROPPED, REJECTED, outcome
from idbmigrate.staging.dictionary import plain
from idbmigrate.staging.tables import StagedTable

if TYPE_CHECKING:
    import pandas as pd

    from idbmigrate.checks import Outcome
    from idbmigrate.compile.plan import Plan
    from idbmigrate.datasets.identify import Identification
    from idbmigrate.mapping.model import Mapping as MappingFile

EFFECTS = ("file", "group", "record", "warning")


@dataclass(repr=False)
class Run:
    """What :func:`idbmigrate.conversion.convert` gives back.

    ``coded``: the target's tables, columns in the order of the data set, each text or a dictionary of text,
    a missing value null. ``packages``: the same by reporting month, with ``split="month"``. ``outcome``:
    what the rules gave, ``None`` where no rules of the target are public. ``out``: the folder written,
    ``None`` where none was asked for. ``overlay``: the user's overlay files by name and digest and the codes
    that they decide, by lookup; ``None`` where none was given.
    """

    input: dict[str, Any]
    identification: Identification
    mapping: MappingFile
    plan: Plan
    staged: dict[str, StagedTable]
    coded: dict[str, pa.Table]
    books: Books
    proof: Proof
    outcome: Outcome | None = None
    period: str | None = None
    packages: dict[str, dict[str, pa.Table]] = field(default_factory=dict)
    whose: Settled = field(default_factory=lambda: Settled({}))
    out: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    overlay: dict[str, Any] | None = None
    manifest: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Names and numbers of rows alone: never a value of a record."""
        rows = sum(table.num_rows for table in self.coded.values())
        return f"<Run {self.plan.source} to {self.plan.target}: {rows:,} rows in {len(self.coded)} tables>"

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """The target's tables: every column text."""
        return {name: plain(table) for name, table in self.coded.items()}

    def frame(self, table: str) -> pd.DataFrame:
        """One target table as pandas: every column text, missing is ``<NA>``."""
        import pandas as pd

        return self.tables[table].to_pandas(types_mapper={pa.string(): pd.StringDtype()}.get)

    @property
    def findings(self) -> pa.Table:
        """What the rules found, one row a finding (see :data:`idbmigrate.checks.findings.SCHEMA`)."""
        from idbmigrate.checks.findings import SCHEMA

        return SCHEMA.empty_table() if self.outcome is None else self.outcome.findings

    @cached_property
    def root_causes(self) -> list[dict[str, Any]]:
        """One line a rule and column that failed by itself, the gravest first; what only follows is last."""
        if self.outcome is None:
            return []
        from idbmigrate.checks.causes import root_causes

        shown = ("code", "effect", "table", "column", "count", "message", "do")
        return [{key: cause[key] for key in shown} for cause in root_causes(self.outcome)]

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """Rows and values, in = carried + rejected + dropped, by table, column and reason."""
        return self.books.lines()

    @cached_property
    def _tables_in(self) -> list[dict[str, Any]]:
        return tables_in(self.books)

    @cached_property
    def _left_behind(self) -> list[dict[str, Any]]:
        return left_behind(self.books)

    @cached_property
    def _keys(self) -> list[dict[str, Any]]:
        return self.whose.lines(self.books.meaning)

    @property
    def identified(self) -> dict[str, Any]:
        """What the file was taken for, and why."""
        found = self.identification
        return {
            "dataset": found.dataset,
            "version": found.version,
            "confidence": found.confidence,
            "evidence": list(found.evidence),
        }

    @property
    def dates(self) -> list[dict[str, Any]]:
        """What each source column of text dates proves of the order of day and month, in counts."""
        return [
            {"table": table.label, "column": column, **asdict(order)}
            for table in self.staged.values()
            for column, order in table.dates.items()
        ]

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
            "overlay": self.overlay,
            "period": self.period,
            "months": sorted(self.packages),
            "tables_in": self._tables_in,
            "tables_out": [{"table": name, "rows": t.num_rows} for name, t in self.coded.items()],
            "left_behind": self._left_behind,
            "keys": self._keys,
            "findings": effects(self.findings) if self.outcome is not None else dict.fromkeys(EFFECTS, 0),
            "root_causes": self.root_causes,
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
