"""Explains a row of an output, or a row of the file that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.conversion.options import Name, Progress, quiet
from idbmigrate.errors import UsageError, nearest
from idbmigrate.explanation.again import run_again
from idbmigrate.explanation.model import SourceRow, TargetRow
from idbmigrate.explanation.source_row import explain_source_row
from idbmigrate.explanation.target_row import explain_target_row
from idbmigrate.readers import open_idb
from idbmigrate.result.run import Run
from idbmigrate.staging.tables import StagedTable

#: Rows that an error names where several fit.
_SHOWN = 5


def explain(
    out: Name,
    table: str,
    *which: str,
    of_source: bool = False,
    column: str | None = None,
    file: Name | None = None,
    mapping: Name | None = None,
    overlay: Sequence[Name] = (),
    password: str | None = None,
    progress: Progress = quiet,
) -> TargetRow | SourceRow:
    """Explain one row of the output folder ``out``, or, with ``of_source``, of the file that it is from.

    ``which`` names the row: ``COLUMN=VALUE`` pairs, the value of a primary key of one column, ``#N`` (from
    1), or in the file its place, ``page:slot``. ``column`` is the one column to explain. ``file``,
    ``mapping`` and ``overlay`` are those of the run, where the manifest cannot tell where they are.

    The run is made again in memory. Raises UsageError ``unknown-name`` for a table, column or row that is
    not there, ``not-of-the-run`` where file, mapping, overlay or version is not the run's.
    """
    run, source = run_again(Path(out), file, mapping, overlay, password, progress)
    if of_source:
        staged = _staged(run, table)
        row = _row(staged.raw, staged.label, which, staged)
        return explain_source_row(run, staged, row, _column(staged.columns, staged.label, column))
    if table not in run.coded:
        raise _unknown(f"{run.plan.target} has no table {table!r}", nearest(table, run.coded))
    rows = run.tables[table]
    named = [word if "=" in word or word.startswith("#") else f"{_key(run, table)}={word}" for word in which]
    number = _row(rows, table, named, None)
    with open_idb(source, password=password) as idb:
        return explain_target_row(run, idb, table, number, _column(rows.column_names, table, column))


def _staged(run: Run, table: str) -> StagedTable:
    for staged in run.staged.values():
        if table.lower() in (staged.label.lower(), staged.source_name.lower()):
            return staged
    raise _unknown(f"the file has no table {table!r}", nearest(table, run.staged))


def _key(run: Run, table: str) -> str:
    from idbmigrate.datasets import load_dataset

    spec = load_dataset(run.plan.target).tables[table]
    if len(spec.primary_key) != 1:
        raise UsageError(
            f"{table} has no primary key of one column",
            code="bad-option",
            hint="name the row by COLUMN=VALUE, or by its number as #N",
        )
    return spec.primary_key[0]


def _column(names: Sequence[str], table: str, column: str | None) -> str | None:
    if column is not None and column not in names:
        raise _unknown(f"{table} has no column {column!r}", nearest(column, names))
    return column


def _row(table: pa.Table, name: str, which: Sequence[str], staged: StagedTable | None) -> int:
    """The number, from 0, of the one row that is meant."""
    if not which:
        raise UsageError(
            "which row?", code="bad-option", hint="name it by COLUMN=VALUE, or by its number as #N"
        )
    mask = np.ones(table.num_rows, bool)
    for word in which:
        mask &= _fits(table, name, word, staged)
    rows = np.flatnonzero(mask)
    if rows.size == 1:
        return int(rows[0])
    if not rows.size:
        raise _unknown(f"{name} has no such row", "a value has to be written as the row has it")
    some = ", ".join(f"#{row + 1}" for row in rows[:_SHOWN]) + (", ..." if rows.size > _SHOWN else "")
    raise UsageError(
        f"{rows.size} rows of {name} are so", code="bad-option", hint=f"say more, or choose one: {some}"
    )


def _fits(table: pa.Table, name: str, word: str, staged: StagedTable | None) -> np.ndarray:
    column, equals, value = word.partition("=")
    numbers = np.arange(table.num_rows)
    if word.startswith("#") and word[1:].isdecimal():
        return numbers == int(word[1:]) - 1
    if not equals:
        if staged is None or staged.ids is None:
            raise UsageError(f"a row is not named {word!r}", code="bad-option", hint="COLUMN=VALUE, or #N")
        page, _, slot = word.partition(":")
        if not (page.isdecimal() and slot.isdecimal()):
            raise UsageError(
                f"a row is not named {word!r}", code="bad-option", hint="page:slot, COLUMN=VALUE, or #N"
            )
        return staged.ids == (int(page) << 8 | int(slot))
    _column(table.column_names, name, column)
    fits = pc.fill_null(pc.equal(table[column].cast(pa.string()), value), False)
    if staged is not None:
        fits = pc.or_(fits, pc.fill_null(pc.equal(staged.clean[column].cast(pa.string()), value), False))
    return np.asarray(fits.to_numpy())


def _unknown(message: str, hint: str | None) -> UsageError:
    return UsageError(message, code="unknown-name", hint=hint)
