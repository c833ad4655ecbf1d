"""From a row of the file to every cell that it became, and to the reason of all that stayed behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.explanation.model import BookEntry, SourceRow
from idbmigrate.ledger.books import Account
from idbmigrate.ledger.lineage import Lineage, LineagePath, numbers
from idbmigrate.ledger.reasons import Reason, outcome
from idbmigrate.result.run import Run
from idbmigrate.staging.tables import StagedTable
from idbmigrate.words import CARRIED


def explain_source_row(run: Run, staged: StagedTable, row: int, column: str | None) -> SourceRow:
    """What became of a row of a source table, by its number from 0: of all its values, or of one column's."""
    assert run.execution is not None, "the run was made to be explained"
    lineage = Lineage(run.execution)
    accounts = {
        each.column: each for each in (*run.books.rows, *run.books.values) if each.table == staged.label
    }
    values = []
    for name in staged.columns:
        if column is None or name == column:
            text = staged.raw[name].cast(pa.string())[row].as_py()
            values.append(_entry(run, lineage, accounts[name], row, text))
    place = staged.places(np.array([row]))[0].as_py()
    return SourceRow(staged.label, place, _entry(run, lineage, accounts[""], row, ""), tuple(values))


def stayed_behind(account: Account, row: int) -> Reason | None:
    """Why the value, or the row, of an account was not carried; null where it was, or is missing."""
    at = np.searchsorted(account.uncarried, row)
    if at < account.uncarried.size and account.uncarried[at] == row:
        return account.names[account.reasons[at]]
    return None


def _entry(run: Run, lineage: Lineage, account: Account, row: int, value: str | None) -> BookEntry:
    column = account.column or None
    if value is None:
        return BookEntry(column, None, None)
    shown = value if column else None
    reason = stayed_behind(account, row)
    if reason is None:
        return BookEntry(column, shown, CARRIED, tuple(dict.fromkeys(_cells(lineage, account, row))))
    word = reason.word
    return BookEntry(column, shown, outcome(word), (), word, run.books.meaning(word), reason.target)


def _cells(lineage: Lineage, account: Account, row: int) -> Iterator[str]:
    for path in lineage.found.get((account.table, account.column), ()):
        for number in _published(lineage, path, row):
            yield f"{path.target} {number + 1}"


def _published(lineage: Lineage, path: LineagePath, row: int) -> np.ndarray:
    """The numbers, from 0, of the published rows that have a value of this source row on this way."""
    result = lineage.run.results[path.query.table]
    made = result.made
    mask = result.kept & (numbers(made[p.BRANCH]) == path.branch) & (numbers(made[path.row_column]) == row)
    if path.item is not None:
        mask &= numbers(made[p.ITEM]) == path.item
    if path.field is not None:
        mask &= pc.is_valid(made[path.field.name]).to_numpy()
        if path.contribution is not None and path.contribution.kept is not None:
            said = pc.cast(made[path.contribution.kept], pa.bool_())
            mask &= pc.fill_null(said, False).to_numpy()
    return (np.cumsum(result.kept) - 1)[mask]
