"""A mapping over small tables, from the drawn rows to target rows, rejects and books, on any engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from idbmigrate.compile.optimise import HOIST
from idbmigrate.compile.plan import Plan
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.model import Dataset
from idbmigrate.engine import Engine, open_engine
from idbmigrate.errors import UsageError, nearest
from idbmigrate.execution.belonging import settled
from idbmigrate.execution.planning import plan_for, rules_for
from idbmigrate.execution.run import Execution, execute
from idbmigrate.ledger.books import Books, keep_books
from idbmigrate.ledger.rejects import rejects
from idbmigrate.mapping import model as m
from idbmigrate.mapping.drawn import draw
from idbmigrate.mapping.load import load_mapping
from idbmigrate.staging.tables import StagedTable, staged_texts
from idbmigrate.words import StatedConfidence

Staged = Mapping[str, StagedTable]


@dataclass
class MappingRun:
    """What a mapping made of some tables. Books and rejects are made when they are first looked at."""

    mapping: m.Mapping = field(repr=False)
    target: Dataset = field(repr=False)
    staged: Staged = field(repr=False)
    execution: Execution = field(repr=False)

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """The target tables, every column text."""
        made = self.execution.results.items()
        return {name: result.rows(self.target.tables[name]) for name, result in made}

    @cached_property
    def books(self) -> Books:
        """The ledger: in = carried + rejected + dropped."""
        return keep_books(self.staged, self.execution, self.mapping)

    @cached_property
    def rejects(self) -> dict[str, pa.Table]:
        """What was not carried, as the files in ``rejects/`` of an output folder hold it."""
        return rejects(self.books, self.staged)

    def rejected(self, *but: str) -> list[dict[str, str | None]]:
        """The rows of :attr:`rejects`, without the summary and the files named."""
        tables = [table for name, table in self.rejects.items() if name not in ("reasons", *but)]
        return [row for table in tables for row in table.to_pylist()]


def run_mapping(
    mapping: m.Mapping | str | os.PathLike[str],
    tables: Mapping[str, pa.Table | str],
    engine: str = "duckdb",
    *,
    source: Dataset | None = None,
    target: Dataset | None = None,
    parameters: Mapping[str, str] | None = None,
    accept: StatedConfidence = "inferred",
    period: str | None = None,
    allow: Iterable[str] = (),
    optimise: bool = True,
    close: bool = True,
) -> MappingRun:
    """Run a mapping over source tables in memory, as :func:`idbmigrate.convert` runs it over a file.

    ``mapping`` is the name or the file of one; ``tables`` are source tables by name, as text columns or drawn
    as in the tests of a mapping; those that are left out have no row. ``source`` and ``target`` stand for the
    data sets that the mapping names. The other options are those of ``convert``. The books must close, unless
    ``close`` is False. Raises UsageError for a table or column that the source data set lacks, and what
    ``convert`` raises: DescriptionError, BooksError.
    """
    mapping = mapping if isinstance(mapping, m.Mapping) else load_mapping(mapping)
    source, target = source or load_dataset(mapping.source), target or load_dataset(mapping.target)
    parameters, allow = parameters or {}, tuple(allow)
    staged = stage_drawn(tables, source)
    opened = open_engine(engine)

    def plan(known: Staged) -> Plan:
        return plan_for(
            mapping,
            known,
            target,
            opened,
            parameters=parameters,
            accept=accept,
            period=period,
            optimise=optimise,
        )

    try:
        hoists = HOIST in rules_for(opened, optimise)
        run = run_staged(mapping, target, staged, opened, plan, allow, hoists)
        if close:
            run.books.close()
        run.tables, run.rejects  # noqa: B018  (made while the engine is open)
        return run
    finally:
        opened.close()


def run_staged(
    mapping: m.Mapping,
    target: Dataset,
    staged: Staged,
    engine: Engine,
    plan: Callable[[Staged], Plan],
    allow: Iterable[str] = (),
    hoists: bool = True,
) -> MappingRun:
    """Run a mapping over staged tables; ``plan`` is called once it is known whose each record is."""
    known = settled(staged, mapping, engine, tuple(allow), hoists).staged
    return MappingRun(mapping, target, known, execute(plan(known), known, engine, target))


def stage_drawn(tables: Mapping[str, pa.Table | str], source: Dataset) -> dict[str, StagedTable]:
    """The tables of a source data set, with the rows that are given and no others."""
    given = {name: draw(rows) if isinstance(rows, str) else rows for name, rows in tables.items()}
    for name, rows in given.items():
        if name not in source.tables:
            raise _lacks(f"{source.name} has no table {name}", name, source.tables)
        for column in rows.column_names:
            if column not in source.tables[name].columns:
                raise _lacks(
                    f"{source.name} has no column {name}.{column}", column, source.tables[name].columns
                )
    nothing = pa.table({})
    return {
        name: staged_texts(name, given.get(name, nothing), spec.columns)
        for name, spec in source.tables.items()
    }


def _lacks(message: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(message, code="bad-option", hint=nearest(name, known))
