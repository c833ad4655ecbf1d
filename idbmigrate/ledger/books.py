"""The books: what came in = what was carried + rejected + dropped, row by row and value by value.

The three sides are counted apart. What came in is counted in the staged tables, as the reader gave
them. What was carried is found by following every published target row back to the source rows it was
made from. What was not carried must find its reason in the verdicts of the queries or in the mapping.
A row or a value for which no reason is found keeps the books open, and nothing is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.errors import BooksError
from idbmigrate.execution.run import Execution, as_numpy
from idbmigrate.ledger import by_engine
from idbmigrate.ledger.inexact import InexactLine, carried_inexactly
from idbmigrate.ledger.lineage import Lineage
from idbmigrate.ledger.reasons import Reason, meaning, outcome
from idbmigrate.ledger.row_reasons import explain
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.staging.tables import LOST, StagedTable
from idbmigrate.words import DROPPED, OUTSIDE_PERIOD, REJECTED

#: The reason of what nobody has read.
NOT_READ = "not-read"
#: The reason of a record whose key lost a character, of a cell of several values, and how words begin that
#: only follow from them.
LOST_CHARACTER, SEVERAL, _FOLLOWING = "lost-character", "several-values", ("blank:", "no-parent:")

#: One line of the ledger: the balance of a table's rows (``column`` null) or of a column's values, and the
#: count of each reason. ``less_exactly`` are those of the carried values that are not all in the target.
LedgerLine = TypedDict(
    "LedgerLine",
    {
        "table": str,
        "column": str | None,
        "in": int,
        "carried": int,
        "rejected": int,
        "dropped": int,
        "less_exactly": int,
        "reasons": dict[str, int],
    },
)


@dataclass(repr=False)
class Account:
    """Balance of one column (or of the rows of a table, with an empty ``column``).

    ``incoming`` is what stands in the staged table. ``beside`` counts by reason what does not: what nobody
    has read, and the further values of cells that hold several. All of it stays behind.
    """

    table: str
    column: str
    incoming: int
    carried: int
    uncarried: np.ndarray  # positions
    reasons: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # into ``names``, -1: none
    names: list[Reason] = field(default_factory=list)
    beside: Counter[str] = field(default_factory=Counter)
    less_exactly: int = 0

    def __repr__(self) -> str:
        return f"<Account of {self.table}{'.' + self.column if self.column else ''}: {self.incoming:,} in>"

    def give(self, mask: np.ndarray, word: str) -> None:
        """Give what is in the mask (over ``uncarried``) and has no reason yet this one."""
        mask = mask & (self.reasons < 0)
        if mask.any():
            self.names.append(Reason(word))
            self.reasons[mask] = len(self.names) - 1

    def give_over(self, mask: np.ndarray, word: str) -> None:
        """Give all that is in the mask (over ``uncarried``) this reason, whatever it has."""
        self.reasons[mask] = -1
        self.give(mask, word)

    def instead(self, mask: np.ndarray, words: tuple[str, ...], word: str) -> None:
        """Give what is in the mask this reason, where it has one that begins with one of the words."""
        numbers = [number for number, reason in enumerate(self.names) if reason.word.startswith(words)]
        self.give_over(mask & np.isin(self.reasons, numbers), word)

    def positions(self, word: str) -> np.ndarray:
        """Positions of what has this reason."""
        numbers = [number for number, reason in enumerate(self.names) if reason.word == word]
        return self.uncarried[np.isin(self.reasons, numbers)]

    @property
    def open(self) -> int:
        """What neither was carried nor has a reason."""
        return self.incoming - self.carried - int(np.count_nonzero(self.reasons >= 0))

    @property
    def total(self) -> int:
        """All that came in, read or not."""
        return self.incoming + self.beside.total()

    def counts(self) -> Iterator[tuple[Reason, int]]:
        """Each reason with its count; of one reason there may be several, on the way to other columns."""
        given = self.reasons[self.reasons >= 0]
        for index, count in enumerate(np.bincount(given, minlength=len(self.names))):
            if count:
                yield self.names[index], int(count)
        for word, count in self.beside.items():
            if count:
                yield Reason(word), count


@dataclass(repr=False)
class Books:
    """Accounts of all tables and columns of a source; ``unread`` are those of which nothing was read."""

    rows: list[Account] = field(default_factory=list)
    values: list[Account] = field(default_factory=list)
    unread: list[Account] = field(default_factory=list)
    explained: dict[str, str] = field(default_factory=dict)
    inexact: list[InexactLine] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Books of {len(self.rows)} tables and {len(self.values)} columns>"

    def close(self) -> None:
        """Raise ``BooksError`` (``books-open``) unless every account balances."""
        for account in (*self.rows, *self.values, *self.unread):
            if account.open:
                what = "values" if account.column else "rows"
                place = f"{account.table}.{account.column}" if account.column else account.table
                raise BooksError(
                    f"{account.open} of {account.incoming} {what} were neither carried nor have a reason",
                    code="books-open",
                    where=place,
                    hint="the mapping loses them in silence: carry the column, or retire it with a reason",
                )

    def lines(self) -> list[LedgerLine]:
        """The ledger as rows: table, column, the counts, and how many have each reason."""
        return [_line(account) for account in (*self.rows, *self.values, *self.unread)]

    def add_unread(self, lines: Iterable[Mapping[str, Any]], staged: Mapping[str, StagedTable]) -> None:
        """Enter what of the file nobody has read: see :class:`idbmigrate.result.summary.NotRead`."""
        accounts = {(each.table, each.column): each for each in (*self.rows, *self.values)}
        for line in lines:
            table, column = line["table"], line.get("column", "")
            count = line["values"] if column else line["rows"]
            names = (staged[table].source_columns if table in staged else None) or {}
            own = next((name for name, source in names.items() if source == column), column)
            if (table, own) not in accounts:
                nothing = np.empty(0, np.int64)
                accounts[table, own] = Account(table, own, 0, 0, nothing)
                self.unread.append(accounts[table, own])
            accounts[table, own].beside[NOT_READ] += count or 0  # named, even where nobody can tell how many

    def other_months(self, table: str, count: int) -> np.ndarray:
        """Mask over the rows of a source table that a run over one month leaves out as another's."""
        mask = np.zeros(count, bool)
        for account in self.rows:
            if account.table == table:
                mask[account.positions(OUTSIDE_PERIOD)] = True
        return mask

    def meaning(self, word: str) -> str:
        """What a reason word means, in the words of the mapping where it has any."""
        return self.explained.get(word) or meaning(word)


def _line(account: Account) -> LedgerLine:
    totals = {REJECTED: 0, DROPPED: 0}
    reasons: dict[str, int] = {}
    for reason, count in account.counts():
        totals[outcome(reason.word)] += count
        reasons[reason.word] = reasons.get(reason.word, 0) + count
    if NOT_READ in account.beside:
        reasons.setdefault(NOT_READ, 0)
    return {
        "table": account.table,
        "column": account.column or None,
        "in": account.total,
        "carried": account.carried,
        "rejected": totals[REJECTED],
        "dropped": totals[DROPPED],
        "less_exactly": account.less_exactly,
        "reasons": dict(sorted(reasons.items())),
    }


# -- keeping the books -----------------------------------------------------------------------------


def keep_books(staged: Mapping[str, StagedTable], run: Execution, mapping: MappingFile) -> Books:
    """The books of one run. They may be open: ``Books.close`` says so."""
    books = Books(explained={**run.plan.reasons, **_retired(staged, mapping)})
    if by_engine.can_say(run):
        for label, found in by_engine.accounts(staged, run, mapping):
            _enter(books, staged[label], found)
        books.inexact = carried_inexactly(mapping, staged, Lineage(run), books.values, run.plan.accept)
        return books
    lineage = Lineage(run)
    for label, table in staged.items():
        own = [_value_account(table, column, lineage) for column in table.columns]
        books.values += own
        every = np.ones(table.raw.num_rows, bool)
        books.rows.append(_account(label, "", every, _rows_carried(table, lineage)))
    _explain(staged, lineage, books)
    for account in books.values:
        _other_reasons(staged[account.table], account, mapping, books, lineage)
    for table, account in zip(staged.values(), books.rows, strict=True):
        _other_row_reasons(table, account, books)
    if any(result.others for result in run.results.values()):
        _outside_period(staged, books, lineage)
    books.inexact = carried_inexactly(mapping, staged, lineage, books.values, run.plan.accept)
    return books


def _retired(staged: Mapping[str, StagedTable], mapping: MappingFile) -> dict[str, str]:
    """What the reasons of retired columns mean."""
    return {
        f"retired:{label}.{column}": why
        for label, table in staged.items()
        for column in table.columns
        if (why := by_engine.retired(mapping, table, column)) is not None
    }


def _enter(books: Books, table: StagedTable, found: by_engine.Accounts) -> None:
    """Enter what an engine says of a table; what came in is counted in what the file has."""
    for column, (uncarried, reasons, names) in found.items():
        count = table.raw.num_rows
        incoming = count - table.raw[column].null_count if column else count
        account = Account(table.label, column, incoming, incoming - uncarried.size, uncarried, reasons, names)
        if column in table.several:
            account.beside[SEVERAL] += table.several[column].further
        (books.values if column else books.rows).append(account)


def _outside_period(staged: Mapping[str, StagedTable], books: Books, lineage: Lineage) -> None:
    """Of a row of another month nothing else is said: not what is wrong with it, nor what is retired."""
    masks = {}
    for label, table in staged.items():
        count = table.raw.num_rows
        standing = lineage.only_standing(table.name, count) if table.name else np.zeros(count, bool)
        masks[label] = books.other_months(label, count) | standing
    for account in books.values:
        account.give_over(masks[account.table][account.uncarried], OUTSIDE_PERIOD)


def _account(table: str, column: str, incoming: np.ndarray, carried: np.ndarray) -> Account:
    uncarried = np.flatnonzero(incoming & ~carried)
    reasons = np.full(uncarried.size, -1, np.int64)
    count = int(np.count_nonzero(incoming))
    return Account(table, column, count, count - uncarried.size, uncarried, reasons)


def _value_account(table: StagedTable, column: str, lineage: Lineage) -> Account:
    incoming = as_numpy(pc.is_valid(table.raw[column]))
    known = table.name is not None and incoming.any()
    carried = lineage.carried(table.label, column, incoming.size) if known else np.zeros_like(incoming)
    return _account(table.label, column, incoming, carried)


def _rows_carried(table: StagedTable, lineage: Lineage) -> np.ndarray:
    count = table.raw.num_rows
    return lineage.carried(table.name, "", count) if table.name else np.zeros(count, bool)


def _explain(staged: Mapping[str, StagedTable], lineage: Lineage, books: Books) -> None:
    """Ask the queries why: only for the rows that hold something uncarried.

    Blank texts need no why, nor do keys that nobody can be sure of, which are the cause of what follows.
    """
    unsure: dict[tuple[str, str], np.ndarray] = {}
    for account in books.values:
        table = staged[account.table]
        clean = table.clean[account.column]
        if not clean.null_count or not account.uncarried.size:
            continue
        blank = as_numpy(pc.is_null(clean))
        for word, mask in _withheld(table, account.column, blank):
            account.give(mask[account.uncarried], word)
            if account.column in table.keys:
                unsure[account.table, word] = unsure.get((account.table, word), False) | mask
        if account.column in table.several:
            account.beside[SEVERAL] += table.several[account.column].further
        account.give(blank[account.uncarried], "empty-text")
    for account in books.rows:
        for mask, word in _of_table(unsure, account):
            account.give(mask[account.uncarried], word)
    explain(lineage, [*books.values, *books.rows])
    for account in books.values:
        for mask, word in _of_table(unsure, account):
            account.instead(mask[account.uncarried], _FOLLOWING, word)


def _withheld(table: StagedTable, column: str, blank: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Values that queries were not shown, though the file holds them: the reason and which rows."""
    if column in table.lost:
        lost = pc.match_substring(_text(table.raw[column]), LOST)
        yield LOST_CHARACTER, blank & as_numpy(pc.fill_null(lost, False))
    if column in table.several:
        yield SEVERAL, table.several[column].mask


def _of_table(
    masks: Mapping[tuple[str, str], np.ndarray], account: Account
) -> Iterator[tuple[np.ndarray, str]]:
    return ((mask, word) for (table, word), mask in masks.items() if table == account.table)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _other_reasons(
    table: StagedTable, account: Account, mapping: MappingFile, books: Books, lineage: Lineage
) -> None:
    """Reasons that no query knows: what is retired, what no data set has, and rows that no query met."""
    left = account.reasons < 0
    if not left.any():
        return
    if table.name is None:
        account.give(left, "unknown-table")
    elif account.column in table.unknown:
        account.give(left, "unknown-column")
    else:
        why = mapping.retired_reason(table.name, account.column)
        if why is not None:
            account.give(left, f"retired:{table.name}.{account.column}")
        elif lineage.may_skip_rows(table.name, account.column):
            account.give(left, "nothing-to-carry")
        elif lineage.may_join(table.name, account.column):
            account.give(left, "not-joined")


def _other_row_reasons(table: StagedTable, account: Account, books: Books) -> None:
    """A row that nothing was made from is accounted for when every value in it is."""
    left = account.reasons < 0
    if left.any() and table.name is None:
        account.give(left, "unknown-table")
    elif left.any() and not any(other.open for other in books.values if other.table == account.table):
        account.give(left, "nothing-to-carry")
