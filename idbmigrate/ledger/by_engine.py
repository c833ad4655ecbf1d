"""The accounts of a complete plan: the engine says what became of each row and value of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import books as compiled
from idbmigrate.compile import plan as p
from idbmigrate.compile.complete import is_complete, relations, sources_read
from idbmigrate.datasets.model import Dataset
from idbmigrate.execution.row_order import in_order
from idbmigrate.execution.run import Execution, all_of, as_numpy
from idbmigrate.ledger.reasons import REASONS, Reason, weight
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.staging.tables import StagedTable

#: How much a reason says, by the first part of its word.
WEIGHTS = {word: weight(word) for word in REASONS if weight(word) <= weight("blank")}
#: By column (empty for the rows): the positions of what was not carried, its reasons, and which each has;
#: -1 for none.
Accounts = dict[str, tuple[np.ndarray, np.ndarray, list[Reason]]]


def can_say(run: Execution) -> bool:
    """Whether the engine has made every relation by itself, and all that it made is published."""
    whole = all(result.kept.all() and not result.left_out for result in run.results.values())
    return is_complete(run.plan) and whole


def source_tables(staged: Mapping[str, StagedTable], mapping: MappingFile) -> list[compiled.SourceTable]:
    """The staged tables as the ledger's queries see them."""
    return [
        compiled.SourceTable(
            label,
            table.name is not None,
            tuple(table.columns),
            frozenset(table.unknown),
            table.keys,
            table.lost,
            frozenset(table.several),
            {
                column: f"retired:{label}.{column}"
                for column in table.columns
                if retired(mapping, table, column)
            },
        )
        for label, table in staged.items()
    ]


def script(plan: p.Plan, mapping: MappingFile, source: Dataset, ledger: bool) -> list[p.Relation]:
    """Every relation of a complete plan over the tables of a data set, in order.

    Without the ``ledger`` only those that the target tables of the plan read.
    """
    if not ledger:
        return list(relations(replace(plan, sources=tuple(sources_read(plan)))))
    tables = []
    for name, spec in source.tables.items():
        keys = frozenset({*spec.primary_key, *spec.foreign_keys})
        left = {c: f"retired:{name}.{c}" for c in spec.columns if mapping.retired_reason(name, c) is not None}
        tables.append(
            compiled.SourceTable(name, True, tuple(spec.columns), keys=keys, lost=keys, retired=left)
        )
    return [*relations(plan), *compiled.relations(plan, tables, WEIGHTS)]


def retired(mapping: MappingFile, table: StagedTable, column: str) -> str | None:
    """Why the mapping retires a column of a table that the data set knows."""
    return mapping.retired_reason(table.name, column) if table.name else None


def accounts(
    staged: Mapping[str, StagedTable], run: Execution, mapping: MappingFile
) -> Iterator[tuple[str, Accounts]]:
    """What became of the rows and values of each staged table, by its label."""
    for label, table in staged.items():
        run.engine.register(p.raw(label), raw_relation(table))
    for relation in compiled.relations(run.plan, source_tables(staged, mapping), WEIGHTS):
        run.engine.define(relation.name, relation.query, relation.stored)
    for label, table in staged.items():
        found = in_order(all_of(run.engine, p.reasons(label)), [p.ROW]) if table.raw.num_rows else None
        yield (
            label,
            {
                "" if column == compiled.ROWS else column: _account(found[column] if found else None)
                for column in (compiled.ROWS, *table.columns)
            },
        )


def raw_relation(table: StagedTable) -> pa.Table:
    """A staged table as the file has it, with the number of each row and which cells hold several values."""
    numbers = pa.array(np.arange(table.raw.num_rows, dtype=np.int64))
    relation = table.raw.append_column(p.ROW, numbers)
    for column, values in table.several.items():
        relation = relation.append_column(p.several(column), pa.array(values.mask))
    return relation


def _account(said: pa.ChunkedArray | None) -> tuple[np.ndarray, np.ndarray, list[Reason]]:
    if said is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), []
    coded = pc.dictionary_encode(said.cast(pa.string())).combine_chunks()
    codes = as_numpy(pc.fill_null(coded.indices, -1)).astype(np.int64)
    words = coded.dictionary.to_pylist()
    carried = [number for number, word in enumerate(words) if word == compiled.CARRIED]
    uncarried = np.flatnonzero((codes >= 0) & ~np.isin(codes, carried))
    given = [number for number, word in enumerate(words) if word not in (compiled.CARRIED, "")]
    place = np.full(len(words) + 1, -1)
    place[given] = np.arange(len(given))
    parts = [words[number].partition(compiled.MARK) for number in given]
    return uncarried, place[codes[uncarried]], [Reason(word, target) for word, _, target in parts]
