"""A finished run: target tables, ledger, findings, and the summary that the command line prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from idbmigrate.errors import UsageError, nearest
from idbmigrate.execution.belonging import KeyLine, Settled
from idbmigrate.ledger.books import Books, LedgerLine
from idbmigrate.ledger.inexact import InexactLine
from idbmigrate.ledger.proof import Proof
from idbmigrate.result.proposals import Proposal, proposals
from idbmigrate.result.summary import (
    DateProof,
    FileFacts,
    Identified,
    InputFacts,
    LeftBehind,
    Manifest,
    NotOfType,
    OverlayFacts,
    PseudonymFacts,
    RootCause,
    Summary,
    TableIn,
    effects,
    identified,
    left_behind,
    no_effects,
    short_cause,
    tables_in,
)
from idbmigrate.staging.dictionary import plain
from idbmigrate.staging.tables import StagedTable

if TYPE_CHECKING:
    import pandas as pd

    from idbmigrate.checks import Outcome
    from idbmigrate.compile.plan import Plan
    from idbmigrate.datasets.identify import Identification
    from idbmigrate.execution.run import Execution
    from idbmigrate.mapping.model import Mapping as MappingFile


@dataclass(repr=False)
class Run:
    """What :func:`idbmigrate.conversion.convert` gives back.

    ``coded``: the target's tables, columns in the order of the data set, each text or a dictionary of text,
    a missing value null. ``packages``: the same by reporting month, with ``split="month"``. ``outcome``:
    what the rules gave, ``None`` where no rules of the target are public. ``out``: the folder written,
    ``None`` where none was asked for. ``overlay``: the user's overlay files by name and digest and the codes
    that they decide, by lookup; ``None`` where none was given. ``allow``, ``salvage``: what the user asked
    for. ``execution``: what the queries gave, where the run is to be explained.
    """

    input: InputFacts
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
    files: list[FileFacts] = field(default_factory=list)
    overlay: OverlayFacts | None = None
    pseudonyms: PseudonymFacts | None = None
    not_of_type: list[NotOfType] | None = None
    allow: tuple[str, ...] = ()
    salvage: bool = False
    manifest: Manifest | None = None
    execution: Execution | None = None

    def __repr__(self) -> str:
        """Names and numbers of rows alone: never a value of a record."""
        rows = sum(table.num_rows for table in self.coded.values())
        return f"<Run {self.plan.source} to {self.plan.target}: {rows:,} rows in {len(self.coded)} tables>"

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """The target's tables: every column text."""
        return {name: plain(table) for name, table in self.coded.items()}

    def frame(self, table: str) -> pd.DataFrame:
        """One target table as pandas: every column text, missing is ``<NA>``.

        Raises ``UsageError`` (``unknown-name``) where the target has no such table.
        """
        import pandas as pd

        if table not in self.coded:
            raise UsageError(
                f"{self.plan.target} has no table {table!r}",
                code="unknown-name",
                hint=nearest(table, self.coded),
            )
        return self.tables[table].to_pandas(types_mapper={pa.string(): pd.StringDtype()}.get)

    @cached_property
    def findings(self) -> pa.Table:
        """What was found, about people and then by the rules: one row a finding, as
        :data:`idbmigrate.checks.findings.SCHEMA` says."""
        if self.outcome is None:
            return self.about_people
        return pa.concat_tables([self.about_people, self.outcome.findings]).unify_dictionaries()

    @property
    def _found_anything(self) -> bool:
        """Whether there may be a finding; without one nothing of the rules need be loaded."""
        return self.outcome is not None or bool(self.whose.conflicts or self.whose.allowed)

    @cached_property
    def about_people(self) -> pa.Table:
        """Contradictions about whose a record is, and records that could be of several people."""
        from idbmigrate.checks.people import findings_about_people

        return findings_about_people(self.books, self.whose, self.mapping)

    @cached_property
    def root_causes(self) -> list[RootCause]:
        """One line a rule and column that failed by itself, the gravest first; what only follows is last."""
        if not self._found_anything:
            return []
        from idbmigrate.checks.causes import root_causes

        return [short_cause(cause) for cause in root_causes(self.outcome, about_people=self.about_people)]

    @cached_property
    def ledger(self) -> list[LedgerLine]:
        """Rows and values, in = carried + rejected + dropped, by table, column and reason."""
        return self.books.lines()

    @cached_property
    def _tables_in(self) -> list[TableIn]:
        return tables_in(self.books)

    @cached_property
    def _left_behind(self) -> list[LeftBehind]:
        return left_behind(self.books)

    @cached_property
    def _proposals(self) -> list[Proposal]:
        return proposals(self.books, self.staged, self.mapping, self.plan.accept)

    @cached_property
    def _keys(self) -> list[KeyLine]:
        return self.whose.lines(self.books.meaning, self.other_months)

    @cached_property
    def other_months(self) -> dict[str, np.ndarray] | None:
        """Of a run over one month, masks over the rows of each source table: those left out as another's."""
        if self.period is None:
            return None
        return {
            name: self.books.other_months(name, table.raw.num_rows) for name, table in self.staged.items()
        }

    @property
    def less_exactly(self) -> list[InexactLine]:
        """Values that were carried and are not all in the target, in counts."""
        return self.books.inexact

    @property
    def identified(self) -> Identified:
        """What the file was taken for, and why."""
        return identified(self.identification)

    @property
    def dates(self) -> list[DateProof]:
        """What each source column of text dates proves of the order of day and month, in counts."""
        return [
            {
                "table": table.label,
                "column": column,
                "order": proof.order,
                "day_first": proof.day_first,
                "month_first": proof.month_first,
                "respelled": proof.respelled,
                "unread": proof.unread,
            }
            for table in self.staged.values()
            for column, proof in table.dates.items()
        ]

    @property
    def summary(self) -> Summary:
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
            "proposals": self._proposals,
            "less_exactly": self.less_exactly,
            "keys": self._keys,
            "findings": effects(self.findings) if self._found_anything else no_effects(),
            "root_causes": self.root_causes,
            "out": self.out,
            "files": self.files,
        }
