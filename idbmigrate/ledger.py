"""The books: what came in = what was carried + rejected + dropped, row by row and value by value.

The three sides are counted apart. What came in is counted in the staged tables, as the reader gave
them. What was carried is found by following every published target row back to the source rows it was
made from. What was not carried must find its reason in the verdicts of the queries or in the mapping.
A row or a value for which no reason is found keeps the books open, and nothing is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.value import CONDITION, SUPERSEDED
from idbmigrate.engine.execute import TableResult, as_numpy
from idbmigrate.errors import BooksError
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.stage import StagedTable

REJECTED, DROPPED = "rejected", "dropped"

#: First part of a reason word -> outcome and meaning. What the data is to blame for is rejected, what a
#: named rule left out is dropped.
REASONS: dict[str, tuple[str, str]] = {
    "bad-format": (REJECTED, "the value does not have the form that its target column asks for"),
    "too-long": (REJECTED, "the value is longer than its target column"),
    "too-short": (REJECTED, "the value is shorter than its target column allows"),
    "unknown-code": (REJECTED, "the code is not in the lookup"),
    "rejected-code": (REJECTED, "the code is not in the lookup, and the row cannot do without it"),
    "blank": (REJECTED, "a mandatory target column would be empty"),
    "no-parent": (REJECTED, "the record that this one belongs to is not in the target"),
    "no-equivalent": (DROPPED, "the code is known and has no equivalent in the target"),
    "not-accepted": (DROPPED, "the mapping of the value is less certain than the run accepts (--accept)"),
    "superseded": (DROPPED, "another value was used in its place"),
    "condition": (DROPPED, "a condition of the mapping does not carry the value here"),
    "filter": (DROPPED, "a filter of the mapping left the row out"),
    "repeat": (DROPPED, "the record repeats another in every column"),
    "one-per": (DROPPED, "of several rows with one key another was kept"),
    "outside-period": (DROPPED, "the row does not belong to the reporting period asked for"),
    "retired": (DROPPED, "the mapping retires the column"),
    "empty-text": (DROPPED, "the value is white space or an empty text"),
    "nothing-to-carry": (DROPPED, "the row holds nothing that a target row is made from"),
    "unknown-column": (DROPPED, "the data set has no such column"),
    "unknown-table": (DROPPED, "the data set has no such table"),
}


def outcome(word: str) -> str:
    """Whether a reason word means ``rejected`` or ``dropped``."""
    return REASONS[word.partition(":")[0]][0]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not carried, and to which target column it was on its way (may be empty)."""

    word: str
    headed: str = ""


@dataclass
class Account:
    """Balance of one column (or of the rows of a table, with an empty ``column``)."""

    table: str
    column: str
    incoming: int
    carried: int
    uncarried: np.ndarray  # positions
    reasons: np.ndarray  # index into ``names``, -1 where there is none
    names: list[Reason]

    @property
    def open(self) -> int:
        """What neither was carried nor has a reason."""
        return self.incoming - self.carried - int(np.count_nonzero(self.reasons >= 0))

    def counts(self) -> Iterator[tuple[Reason, int]]:
        given = self.reasons[self.reasons >= 0]
        for index, count in enumerate(np.bincount(given, minlength=len(self.names))):
            if count:
                yield self.names[index], int(count)


@dataclass
class Books:
    """Accounts of all tables and columns of a source."""

    rows: list[Account] = field(default_factory=list)
    values: list[Account] = field(default_factory=list)
    explained: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Raise ``BooksError`` (``books-open``) unless every account balances."""
        for account in (*self.rows, *self.values):
            if account.open:
                what = "values" if account.column else "rows"
                place = f"{account.table}.{account.column}" if account.column else account.table
                raise BooksError(
                    f"{account.open} of {account.incoming} {what} were neither carried nor have a reason",
                    code="books-open",
                    where=place,
                    hint="the mapping loses them in silence: carry the column, or retire it with a reason",
                )

    def lines(self) -> list[dict[str, object]]:
        """The ledger as rows: table, column, in, carried, rejected, dropped, and the count of each reason."""
        return [_line(account) for account in (*self.rows, *self.values)]

    def meaning(self, word: str) -> str:
        """What a reason word means, in the words of the mapping where it has any."""
        return self.explained.get(word) or REASONS[word.partition(":")[0]][1]


def _line(account: Account) -> dict[str, object]:
    totals = {REJECTED: 0, DROPPED: 0}
    reasons: dict[str, int] = {}
    for reason, count in account.counts():
        totals[outcome(reason.word)] += count
        reasons[reason.word] = reasons.get(reason.word, 0) + count
    return {
        "table": account.table,
        "column": account.column or None,
        "in": account.incoming,
        "carried": account.carried,
        **totals,
        "reasons": dict(sorted(reasons.items())),
    }


# -- keeping the books -----------------------------------------------------------------------------


def keep_books(
    staged: Mapping[str, StagedTable],
    results: Mapping[str, TableResult],
    mapping: MappingFile,
    explained: Mapping[str, str],
) -> Books:
    """The books of one run. They may be open: ``Books.close`` says so."""
    books = Books(explained=dict(explained))
    views = [_Columns(result) for result in results.values()]
    traces = _traces(views)
    for label, table in staged.items():
        values = [_value_account(table, column, traces, mapping, books) for column in table.columns]
        books.rows.append(_row_account(table, label, views, values))
        books.values += values
    return books


class _Columns:
    """Columns of a result as numpy arrays, each made once."""

    def __init__(self, result: TableResult):
        self.result = result
        self._made: dict[tuple[str, str], np.ndarray] = {}

    def numbers(self, name: str) -> np.ndarray:
        """Whole numbers, -1 where missing."""
        return self._once("numbers", name, lambda c: as_numpy(pc.fill_null(pc.cast(c, pa.int64()), -1)))

    def there(self, name: str) -> np.ndarray:
        return self._once("there", name, lambda c: as_numpy(pc.is_valid(c)))

    def true(self, name: str) -> np.ndarray:
        return self._once("true", name, lambda c: as_numpy(pc.fill_null(pc.cast(c, pa.bool_()), False)))

    def _once(self, kind: str, name: str, make) -> np.ndarray:
        if (kind, name) not in self._made:
            self._made[kind, name] = make(self.result.candidates[name])
        return self._made[kind, name]


@dataclass(frozen=True)
class _Trace:
    """One way of a source column into one target column: where its rows went and what became of them."""

    columns: _Columns
    branch: int
    field: p.FieldColumns
    carrier: p.CarrierColumns
    row_column: str
    item: int | None


def _traces(views: list[_Columns]) -> dict[tuple[str, str], list[_Trace]]:
    found: dict[tuple[str, str], list[_Trace]] = {}
    for view in views:
        for number, branch in enumerate(view.result.query.branches):
            joined = {alias: (table, column) for alias, table, column in branch.joined}
            for item in branch.fields:
                for carrier in item.carriers:
                    for reference in carrier.references:
                        ways: list[tuple[str | None, str, str, int | None]] = []
                        if reference.alias == "item":
                            ways += [(branch.source, c, p.ROW, i) for i, c in enumerate(branch.items)]
                        elif not reference.alias:
                            ways.append((branch.source, reference.name, p.ROW, None))
                        elif reference.alias in joined:
                            table, row_column = joined[reference.alias]
                            ways.append((table, reference.name, row_column, None))
                        for table, column, row_column, index in ways:
                            trace = _Trace(view, number, item, carrier, row_column, index)
                            found.setdefault((table or "", column), []).append(trace)
    return found


def _candidates(trace: _Trace) -> np.ndarray:
    """Mask of the candidate rows that this trace is about."""
    columns = trace.columns
    mask = columns.numbers(trace.row_column) >= 0
    if len(trace.columns.result.query.branches) > 1:
        mask = mask & (columns.numbers(p.BRANCH) == trace.branch)
    if trace.item is not None:
        mask = mask & (columns.numbers(p.ITEM) == trace.item)
    return mask


def _failed(trace: _Trace) -> np.ndarray | None:
    """Mask of the rows whose value was not taken, ``None`` where none can fail."""
    columns, failed = trace.columns, None
    for name in (trace.carrier.why, trace.field.misfit):
        if name is not None:
            failed = columns.there(name) if failed is None else failed | columns.there(name)
    if trace.carrier.kept is not None:
        lost = ~columns.true(trace.carrier.kept)
        failed = lost if failed is None else failed | lost
    return failed


def _value_account(
    table: StagedTable, column: str, traces, mapping: MappingFile, books: Books
) -> Account:
    raw = table.raw[column]
    incoming = as_numpy(pc.is_valid(raw))
    carried = np.zeros(incoming.size, bool)
    own = traces.get((table.label, column), []) if table.name else []
    for trace in own:
        columns = trace.columns
        mask = _candidates(trace) & trace.columns.result.published & columns.there(trace.field.name)
        failed = _failed(trace)
        if failed is not None:
            mask = mask & ~failed
        carried[columns.numbers(trace.row_column)[mask]] = True
    carried &= incoming
    uncarried = np.flatnonzero(incoming & ~carried)
    names: list[Reason] = []
    reasons = np.full(uncarried.size, -1, np.int64)
    if uncarried.size:
        place = np.full(incoming.size, -1, np.int64)
        place[uncarried] = np.arange(uncarried.size)
        for trace in own:
            _trace_reasons(trace, place, reasons, names)
        _other_reasons(table, column, uncarried, reasons, names, mapping, books)
    return Account(table.label, column, int(incoming.sum()), int(carried.sum()), uncarried, reasons, names)


def _trace_reasons(trace: _Trace, place: np.ndarray, reasons: np.ndarray, names: list[Reason]) -> None:
    """Give values on this way that have no reason yet the one that the query found."""
    columns = trace.columns
    wanted = np.flatnonzero(_candidates(trace))
    spots = place[columns.numbers(trace.row_column)[wanted]]
    waiting = (spots >= 0) & (reasons[spots] < 0)
    wanted, spots = wanted[waiting], spots[waiting]
    if not wanted.size:
        return
    words = _words(trace, wanted)
    headed = f"{trace.columns.result.query.table}.{trace.field.name}"
    coded = pc.dictionary_encode(words)
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    start = len(names)
    names += [Reason(word, headed) for word in coded.dictionary.to_pylist()]
    codes = coded.indices.to_numpy(zero_copy_only=False)
    # The first candidate of a row gives the reason: write backwards, so that it is written last.
    reasons[spots[::-1]] = codes[::-1] + start


def _words(trace: _Trace, rows: np.ndarray) -> pa.Array:
    """The reason word of each of these candidate rows."""
    taken = trace.columns.result.candidates.take(pa.array(rows))
    fallback = pc.if_else(
        pc.is_valid(taken[trace.field.name]), pa.scalar(SUPERSEDED), pa.scalar(CONDITION)
    )
    choices = [taken[name] for name in (trace.carrier.why, trace.field.misfit) if name is not None]
    choices += [taken[p.REJECT], fallback]
    words = pc.coalesce(*choices)
    return words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words


def _other_reasons(table, column, uncarried, reasons, names, mapping, books: Books) -> None:
    clean = table.clean[column]
    blank = as_numpy(pc.is_null(clean))[uncarried]
    _give(blank, "empty-text", reasons, names, over=True)
    if table.name is None:
        word, why = "unknown-table", None
    elif column in table.unknown:
        word, why = "unknown-column", None
    else:
        word, why = "retired", mapping.retired_reason(table.name, column)
        if why is None:
            return
        word = f"retired:{table.name}.{column}"
        books.explained[word] = why
    _give(reasons < 0, word, reasons, names)


def _give(mask: np.ndarray, word: str, reasons: np.ndarray, names: list[Reason], over: bool = False) -> None:
    mask = mask if over else mask & (reasons < 0)
    if mask.any():
        names.append(Reason(word))
        reasons[mask] = len(names) - 1


def _row_account(table: StagedTable, label: str, views: list[_Columns], values: list[Account]) -> Account:
    """Rows are carried when a published target row was made from them; else they need a reason."""
    count = table.raw.num_rows
    carried = np.zeros(count, bool)
    reasons = np.full(count, -1, np.int64)
    names: list[Reason] = []
    based = [
        (view, number)
        for view in views
        for number, branch in enumerate(view.result.query.branches)
        if table.name is not None and branch.source == table.name
    ]
    for view, number in based:
        own = view.numbers(p.BRANCH) == number
        carried[view.numbers(p.ROW)[own & view.result.published]] = True
    for view, number in based:
        _row_reasons(view, number, carried, reasons, names)
    left = ~carried & (reasons < 0)
    if left.any():
        closed = all(account.open == 0 for account in values)
        word = "unknown-table" if table.name is None else "nothing-to-carry" if closed else None
        if word is not None:
            _give(left, word, reasons, names)
    uncarried = np.flatnonzero(~carried)
    return Account(label, "", count, int(carried.sum()), uncarried, reasons[uncarried], names)


def _row_reasons(columns: _Columns, number: int, carried, reasons, names: list[Reason]) -> None:
    result, rows = columns.result, columns.numbers(p.ROW)
    wanted = np.flatnonzero((columns.numbers(p.BRANCH) == number) & columns.there(p.REJECT))
    wanted = wanted[~carried[rows[wanted]] & (reasons[rows[wanted]] < 0)]
    if not wanted.size:
        return
    coded = pc.dictionary_encode(result.candidates[p.REJECT].take(pa.array(wanted)))
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    start = len(names)
    names += [Reason(word, result.query.table) for word in coded.dictionary.to_pylist()]
    reasons[rows[wanted][::-1]] = coded.indices.to_numpy(zero_copy_only=False)[::-1] + start
