"""From target rows back to source rows: what was carried, and why the rest was not.

A trace is one way of a source column into one target column. Following the traces of the published
rows says what was carried; the rows that are left over are put to the queries once more, which then
give their verdict on each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.value import CONDITION, SUPERSEDED
from idbmigrate.engine.execute import Execution, TableResult, as_numpy, row_names
from idbmigrate.reasons import HEAVIEST, Reason, weight
from idbmigrate.stage import StagedTable


class Asking(Protocol):
    """An account that asks for reasons: positions of what is uncarried, and where the reasons go."""

    table: str
    column: str
    uncarried: np.ndarray
    reasons: np.ndarray
    names: list[Reason]

@dataclass(frozen=True)
class _Trace:
    """One way of a source column into one target column. ``joined``: through a joined table."""

    query: p.TableQuery
    branch: int
    field: p.FieldColumns
    carrier: p.CarrierColumns
    row_column: str
    item: int | None

    @property
    def joined(self) -> bool:
        return self.row_column != p.ROW

    @property
    def headed(self) -> str:
        return f"{self.query.table}.{self.field.name}"


class _View:
    """Columns of an Arrow table as numpy arrays, each made once."""

    def __init__(self, table: pa.Table):
        self.table = table
        self._made: dict[tuple[str, str], np.ndarray] = {}

    def numbers(self, name: str) -> np.ndarray:
        """Whole numbers, -1 where missing."""
        return self._once("numbers", name, lambda c: as_numpy(pc.fill_null(pc.cast(c, pa.int64()), -1)))

    def there(self, name: str) -> np.ndarray:
        return self._once("there", name, lambda c: as_numpy(pc.is_valid(c)))

    def true(self, name: str) -> np.ndarray:
        return self._once("true", name, lambda c: as_numpy(pc.fill_null(pc.cast(c, pa.bool_()), False)))

    def _once(self, kind: str, name: str, make: Callable[[pa.ChunkedArray], np.ndarray]) -> np.ndarray:
        if (kind, name) not in self._made:
            self._made[kind, name] = make(self.table[name])
        return self._made[kind, name]

    def of(self, trace: _Trace) -> np.ndarray:
        """Mask of the rows that a trace is about."""
        mask = self.numbers(trace.row_column) >= 0
        if len(trace.query.branches) > 1:
            mask = mask & (self.numbers(p.BRANCH) == trace.branch)
        if trace.item is not None:
            mask = mask & (self.numbers(p.ITEM) == trace.item)
        return mask

    def names(self) -> np.ndarray:
        """One number a row that no other row of the same query has."""
        return row_names(*(self.numbers(name) for name in (p.BRANCH, p.ROW, p.ITEM)))


class Traces:
    """All traces of one run."""

    def __init__(self, run: Execution):
        self.run = run
        self.views = {name: _View(result.made) for name, result in run.results.items()}
        self.found: dict[tuple[str, str], list[_Trace]] = {}
        for result in run.results.values():
            self._follow(result.query)

    def _follow(self, query: p.TableQuery) -> None:
        for number, branch in enumerate(query.branches):
            joined = {alias: (table, column) for alias, table, column in branch.joined}
            for item in branch.fields:
                for carrier in item.carriers:
                    for reference in carrier.references:
                        ways: list[tuple[str | None, str, str, int | None]] = []
                        if reference.alias == "item":
                            ways += [(branch.source, name, p.ROW, i) for i, name in enumerate(branch.items)]
                        elif not reference.alias:
                            ways.append((branch.source, reference.name, p.ROW, None))
                        elif reference.alias in joined:
                            table, row_column = joined[reference.alias]
                            ways.append((table, reference.name, row_column, None))
                        for table, column, row_column, index in ways:
                            trace = _Trace(query, number, item, carrier, row_column, index)
                            self.found.setdefault((table or "", column), []).append(trace)

    # -- what was carried ----------------------------------------------------------------------

    def values_carried(self, table: str, column: str, count: int) -> np.ndarray:
        """Mask over the rows of a source table: the value of this column is in the target."""
        carried = np.zeros(count, bool)
        for trace in self.found.get((table, column), ()):
            view, result = self.views[trace.query.table], self.run.results[trace.query.table]
            mask = view.of(trace) & result.kept & view.there(trace.field.name)
            if trace.carrier.kept is not None:
                mask = mask & view.true(trace.carrier.kept)
            carried[view.numbers(trace.row_column)[mask]] = True
        return carried

    def rows_carried(self, table: str, count: int) -> np.ndarray:
        """Mask over the rows of a source table: a published target row was made from this one."""
        carried = np.zeros(count, bool)
        for result in self.run.results.values():
            for number, branch in enumerate(result.query.branches):
                if branch.source == table:
                    view = self.views[result.query.table]
                    mask = (view.numbers(p.BRANCH) == number) & result.kept
                    carried[view.numbers(p.ROW)[mask]] = True
        return carried

    def may_skip_rows(self, table: str, column: str) -> bool:
        """Whether a way of the column is met by no row that lacks all columns of an ``each``."""
        ways = self.found.get((table, column), ())
        return any(not way.joined and way.query.branches[way.branch].items for way in ways)

    def may_join(self, table: str, column: str) -> bool:
        """Whether a way of the column is met only by rows that something joins."""
        return any(way.joined for way in self.found.get((table, column), ()))

    # -- why the rest was not ------------------------------------------------------------------

    def explain(self, accounts: Sequence[Asking]) -> None:
        """Fill in the reasons that the queries know: those of the row itself first, then those of joins."""
        for name, result in self.run.results.items():
            self._explain(result, self._asked(name, accounts), accounts, joined=False)
        for name, result in self.run.results.items():
            asking = [a for a in accounts if self._traces(a, name, joined=True) and np.any(a.reasons < 0)]
            if asking:
                everything = {
                    branch.source: np.arange(self.run.sources[branch.source].num_rows)
                    for branch in result.query.branches
                    if branch.source
                }
                self._explain(result, everything, asking, joined=True)

    def _traces(self, account: Asking, query: str, joined: bool) -> list[_Trace]:
        found = self.found.get((account.table, account.column), ())
        return [trace for trace in found if trace.query.table == query and trace.joined == joined]

    def _asked(self, query: str, accounts: Sequence[Asking]) -> dict[str, np.ndarray]:
        """Rows of each source table that hold something for which this query may know a weightier reason."""
        sources = {branch.source for branch in self.run.results[query].query.branches if branch.source}
        asked: dict[str, list[np.ndarray]] = {}
        for account in accounts:
            direct = account.table in sources and not account.column
            if direct or self._traces(account, query, joined=False):
                rows = account.uncarried[_given(account)[account.reasons] < HEAVIEST]
                if rows.size:
                    asked.setdefault(account.table, []).append(rows)
        return {table: np.unique(np.concatenate(rows)) for table, rows in asked.items()}

    def _explain(
        self, result: TableResult, rows: dict[str, np.ndarray], accounts: Sequence[Asking], joined: bool
    ) -> None:
        if not rows:
            return
        view = _View(self.run.explain(result.query, rows))
        verdicts = self._verdicts(result, view)
        for account in accounts:
            for trace in self._traces(account, result.query.table, joined):
                words = _words(trace, view, verdicts, trace.field.name in result.blanked and result.left_out)
                _give(account, view.numbers(trace.row_column), view.of(trace), words, trace.headed)
            if not account.column and not joined:
                for number, branch in enumerate(result.query.branches):
                    if branch.source == account.table:
                        mask = (view.numbers(p.BRANCH) == number) & as_numpy(pc.is_valid(verdicts))
                        _give(account, view.numbers(p.ROW), mask, verdicts.take, result.query.table)

    def _verdicts(self, result: TableResult, view: _View) -> pa.ChunkedArray:
        """Why each candidate row is not published, null where it is."""
        made = self.views[result.query.table]
        verdicts = view.table[p.REJECT]
        for word, beaten in result.beaten.items():
            verdicts = pc.if_else(pa.array(_among(view.names(), beaten)), pa.scalar(word), verdicts)
        if result.left_out:
            published = _among(view.names(), made.names()[result.kept])
            outside = pa.array(~published & as_numpy(pc.is_null(verdicts)))
            verdicts = pc.if_else(outside, pa.scalar(result.left_out), verdicts)
        return verdicts


def _among(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of the numbers are among others that are in ascending order."""
    if not known.size:
        return np.zeros(wanted.size, bool)
    return known[np.minimum(np.searchsorted(known, wanted), known.size - 1)] == wanted


def _words(trace: _Trace, view: _View, verdicts: pa.ChunkedArray, taken_out: str | bool):
    """A function from row numbers to the reason words of those rows.

    What is to say of the value itself comes first: it holds whatever became of the row.
    """

    def words(at: pa.Array) -> pa.Array:
        named = [name for name in (trace.carrier.why, trace.field.misfit) if name is not None]
        there = pc.is_valid(view.table[trace.field.name].take(at))
        otherwise = pc.if_else(there, pa.scalar(taken_out or SUPERSEDED), pa.scalar(CONDITION))
        return pc.coalesce(*(view.table[name].take(at) for name in named), verdicts.take(at), otherwise)

    return words


def _given(account: Asking) -> np.ndarray:
    """Weights of an account's reasons, by their number; no reason, -1, finds the 0 at the end."""
    return np.array([weight(reason.word) for reason in account.names] + [0])


def _give(account: Asking, rows: np.ndarray, mask: np.ndarray, words, headed: str) -> None:
    """Give the uncarried the word of the first candidate row made from them.

    A reason stays once it is given, but one that lays it to a rule makes way for one that lays it to the
    data, and one that only says "not here" for both.
    """
    if not account.uncarried.size:
        return
    at = np.flatnonzero(mask)
    spots = np.searchsorted(account.uncarried, rows[at])
    spots = np.minimum(spots, account.uncarried.size - 1)
    given = _given(account)
    waiting = (account.uncarried[spots] == rows[at]) & (given[account.reasons[spots]] < HEAVIEST)
    at, spots = at[waiting], spots[waiting]
    if not at.size:
        return
    found = words(pa.array(at))
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    coded = pc.dictionary_encode(found)
    codes = coded.indices.to_numpy(zero_copy_only=False)
    texts = coded.dictionary.to_pylist()
    better = np.array([weight(word) for word in texts])[codes] > given[account.reasons[spots]]
    start = len(account.names)
    account.names += [Reason(word, headed) for word in texts]
    # Of several candidate rows the first gives the reason: written backwards, it is written last.
    account.reasons[spots[better][::-1]] = codes[better][::-1] + start


class Origins:
    """Where the published rows of each target table came from, by table, put into words when asked."""

    def __init__(self, run: Execution, staged: Mapping[str, StagedTable]):
        self.run, self.staged = run, staged

    def __contains__(self, table: object) -> bool:
        return table in self.run.results

    def __getitem__(self, table: str) -> _Origin:
        return _Origin(self.run.results[table], self.staged)


class _Origin:
    def __init__(self, result: TableResult, staged: Mapping[str, StagedTable]):
        self.result, self.staged = result, staged

    def take(self, rows: pa.Array) -> pa.Array:
        """Source table and place (``page:slot``) of these published rows; nothing for a header."""
        at = np.flatnonzero(self.result.kept)[rows.to_numpy()]
        branch, row = (as_numpy(self.result.made[n].take(pa.array(at))) for n in (p.BRANCH, p.ROW))
        words = np.full(at.size, None, object)
        for number, made in enumerate(self.result.query.branches):
            mine = np.flatnonzero(branch == number)
            if made.source and mine.size:
                places = self.staged[made.source].places(row[mine].astype(np.int64))
                named = pc.binary_join_element_wise(pa.scalar(made.source), places, " ")
                words[mine] = named.to_numpy(zero_copy_only=False)
        return pa.array(words, pa.string())
