"""Runs the tests that stand inside mapping files, on every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.compile.plan import Plan
from idbmigrate.datasets.model import Dataset
from idbmigrate.engine import ENGINES, open_engine
from idbmigrate.engine.execute import Execution, execute
from idbmigrate.engine.parameters import resolve
from idbmigrate.errors import IdbmigrateError
from idbmigrate.ledger import keep_books
from idbmigrate.mapping import model as m
from idbmigrate.residue import residue
from idbmigrate.stage import StagedTable, staged_texts

ANY, LABEL = "*", "#"
#: Parameters that a test need not name; the tables of a test rarely say who the provider is.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one test on one engine; ``faults`` is empty where it passed."""

    test: m.MappingTest
    engine: str
    faults: tuple[str, ...]


@dataclass
class Trials:
    """Runs tests of one mapping. Plans are kept: most tests share theirs."""

    mapping: m.Mapping
    source: Dataset
    target: Dataset
    plans: dict[tuple, Plan] = field(default_factory=dict)

    def run(
        self, engines: Iterable[str] = ENGINES, tests: Iterable[m.MappingTest] | None = None
    ) -> list[Verdict]:
        """One verdict a test and engine, in the order of the file."""
        chosen = list(self.mapping.tests if tests is None else tests)
        return [self._verdict(test, engine) for test in chosen for engine in engines]

    def _verdict(self, test: m.MappingTest, engine_name: str) -> Verdict:
        engine = open_engine(engine_name)
        try:
            staged = self._staged(test)
            given = resolve(self.mapping, test.parameters, staged, engine)
            plan = self._plan(given, test.accept or "inferred")
            run = execute(plan, staged, engine, self.target)
            faults = [*_compare(test, run, self.target), *self._rejects(test, staged, run)]
        except IdbmigrateError as error:
            faults = [str(error)]
        finally:
            engine.close()
        return Verdict(test, engine_name, tuple(faults))

    def _staged(self, test: m.MappingTest) -> dict[str, StagedTable]:
        tables = {}
        for name, spec in self.source.tables.items():
            drawn = test.source.get(name)
            columns = drawn.columns if drawn else ()
            cells = {
                column: pa.array([row[i] for row in drawn.rows] if drawn else [], pa.string())
                for i, column in enumerate(columns)
            }
            tables[name] = staged_texts(name, pa.table(cells), list(spec.columns))
        return tables

    def _plan(self, parameters: Mapping[str, str], accept: str) -> Plan:
        key = (tuple(sorted(parameters.items())), accept)
        if key not in self.plans:
            columns = {name: frozenset(spec.columns) for name, spec in self.source.tables.items()}
            self.plans[key] = compile_mapping(
                self.mapping, columns, self.target, parameters=parameters, accept=accept
            )
        return self.plans[key]

    def _rejects(self, test: m.MappingTest, staged: dict[str, StagedTable], run: Execution) -> list[str]:
        books = keep_books(staged, run, self.mapping)
        books.close()
        if test.rejects is None:
            return []
        tables = residue(books, staged)
        values = [t for name, t in tables.items() if name not in ("rows", "reasons")]
        rows = [tables["rows"].to_pylist(), *(table.to_pylist() for table in values)]
        found = [row for part in rows for row in part]
        faults = []
        for drawn in test.rejects.rows:
            wanted = dict(zip(test.rejects.columns, drawn, strict=True))
            if not any(_matches(wanted, row) for row in found):
                faults.append(f"rejects lack {_shown(wanted)}")
        return faults


def _matches(wanted: Mapping[str, str | None], row: Mapping[str, str | None]) -> bool:
    return all(
        cell == ANY or (row.get(name) or None) == cell or _headed(name, cell, row)
        for name, cell in wanted.items()
    )


def _headed(name: str, cell: str | None, row: Mapping[str, str | None]) -> bool:
    """A reason may be drawn by its first part alone."""
    return name == "reason" and cell is not None and str(row.get(name)).partition(":")[0] == cell


def _shown(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={cell if cell is not None else 'missing'}" for name, cell in row.items())


# -- comparing drawn tables ------------------------------------------------------------------------


def _compare(test: m.MappingTest, run: Execution, target: Dataset) -> list[str]:
    labels: dict[str, str] = {}
    faults: list[str] = []
    for name, drawn in test.target.items():
        if name not in run.results:
            faults.append(f"{name} is not filled by this mapping")
            continue
        rows = run.results[name].rows(target.tables[name])
        missing = [column for column in drawn.columns if column not in rows.column_names]
        if missing:
            faults.append(f"{name} has no column {missing[0]}")
            continue
        made = list(zip(*(rows[c].to_pylist() for c in drawn.columns), strict=True)) if drawn.columns else []
        if not drawn.columns and rows.num_rows:
            faults.append(f"{name} has {rows.num_rows} rows where none are expected")
        faults += _unmatched(name, drawn, made, labels)
    return faults


def _unmatched(name: str, drawn: m.DrawnTable, made: list[tuple], labels: dict[str, str]) -> list[str]:
    """Pair drawn rows with made ones, those with the fewest wildcards first; the rest are faults."""
    left = list(made)
    faults = []
    order = np.argsort([sum(_is_open(cell, labels) for cell in row) for row in drawn.rows], kind="stable")
    for row in (drawn.rows[i] for i in order):
        for candidate in left:
            bound = _bind(row, candidate, labels)
            if bound is not None:
                labels |= bound
                left.remove(candidate)
                break
        else:
            faults.append(f"{name} lacks {_shown(dict(zip(drawn.columns, row, strict=True)))}")
    for row in left[:SHOWN] if drawn.columns else ():
        faults.append(f"{name} has unexpected {_shown(dict(zip(drawn.columns, row, strict=True)))}")
    return faults


def _is_open(cell: str | None, labels: Mapping[str, str]) -> bool:
    return cell == ANY or (cell is not None and cell.startswith(LABEL) and cell not in labels)


def _bind(row: tuple, candidate: tuple, labels: Mapping[str, str]) -> dict[str, str] | None:
    """Labels that have to be bound for the rows to agree, ``None`` where they cannot."""
    bound: dict[str, str] = {}
    for cell, value in zip(row, candidate, strict=True):
        if cell is not None and cell.startswith(LABEL) and len(cell) > 1:
            known = labels.get(cell, bound.get(cell))
            if value is None or (known is not None and known != value):
                return None
            bound[cell] = value
        elif cell == ANY:
            if value is None:
                return None
        elif cell != value:
            return None
    return bound
