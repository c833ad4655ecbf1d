"""Why something was not carried: the queries are run once more, to give their verdict on each row.

A query is asked only about source rows of which it may say something new, and only for the branches and
columns that say it. A row that is published needs no verdict, but its values may have been left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile import plan as p
from idbmigrate.compile.lineage import LineagePath
from idbmigrate.compile.value import CONDITION, SUPERSEDED
from idbmigrate.execution.run import TableResult, as_numpy, row_names
from idbmigrate.ledger.lineage import Lineage, candidates, numbers
from idbmigrate.ledger.reasons import FAULT, OTHER_MONTH, Reason, weight
from idbmigrate.words import OUTSIDE_PERIOD

#: Name of the column that says why a candidate row is not published.
_VERDICT = "_verdict"


class Asking(Protocol):
    """An account that asks for reasons: positions of what is uncarried, and where the reasons go."""

    table: str
    column: str
    uncarried: np.ndarray
    reasons: np.ndarray
    names: list[Reason]


def explain(lineage: Lineage, accounts: Sequence[Asking]) -> None:
    """Fill in the reasons that the queries know: those of the row itself, and those of joins for the rest."""
    for joined in (False, True):
        open_to = [
            account.reasons < 0 if joined else np.ones(account.reasons.size, bool) for account in accounts
        ]
        for result in lineage.run.results.values():
            question = _Question(lineage, result, joined)
            for account, may in zip(accounts, open_to, strict=True):
                question.put(account, may)
            if question.rows:
                question.answer()


class _Question:
    """What one query is asked: on behalf of which ways, for which of its columns, over which source rows."""

    def __init__(self, lineage: Lineage, result: TableResult, joined: bool):
        self.lineage, self.result, self.joined = lineage, result, joined
        self.asking: list[tuple[Asking, LineagePath, np.ndarray]] = []
        self.columns: set[str] = set()
        self.rows: dict[str, np.ndarray] = {}

    def put(self, account: Asking, may: np.ndarray) -> None:
        """Ask on behalf of an account, of what the mask says, if the query may say something of it."""
        ways = self.lineage.found.get((account.table, account.column), ())
        ways = [way for way in ways if way.query is self.result.query and way.joined == self.joined]
        if ways:
            waiting = account.uncarried[may & (_given(account) < self._heaviest)]
            for way in ways:
                self._ask(account, way, may, self._met(way, waiting))

    @property
    def _heaviest(self) -> int:
        """The weight of a reason that this query cannot outweigh."""
        return OTHER_MONTH if self.result.left_out else FAULT

    def _ask(self, account: Asking, way: LineagePath, may: np.ndarray, waiting: np.ndarray) -> None:
        """Ask on one way about the source rows that wait; about all, where any may join one that waits."""
        if not waiting.size:
            return
        self.asking.append((account, way, may))
        self.columns.update(way.whys)
        if way.joined:
            self.columns.add(way.row_column)
        if way.field is not None and self._may_be_there(way.field, way):
            self.columns.add(way.field.name)
        if not self._all_published(way, waiting):
            self.columns.add(p.REJECT)
        if self.result.others:
            self.columns.update(self.result.others.columns)
        if way.source:
            count = self.lineage.run.sources[way.source].num_rows
            self.rows.setdefault(way.source, np.zeros(count, bool))[... if way.joined else waiting] = True

    def _met(self, way: LineagePath, waiting: np.ndarray) -> np.ndarray:
        """Those of the source rows that may have a candidate row; an ``each`` has none without an entry."""
        if way.joined or way.single or way.source is None:
            return waiting
        source = self.lineage.run.sources[way.source].select(way.query.branches[way.branch].items)
        filled = [as_numpy(pc.is_valid(column)) for column in source.columns]
        return waiting[np.logical_or.reduce(filled)[waiting]]

    def _may_be_there(self, made: p.FieldColumns, way: LineagePath) -> bool:
        """Whether the field may have a value that does not carry this one: another's, or one taken out."""
        return bool(way.contribution and (way.contribution.kept or made.name in self.result.blanked))

    def _all_published(self, way: LineagePath, waiting: np.ndarray) -> bool:
        """Whether each of these source rows has its one candidate row among the published."""
        row = replace(way, field=None, contribution=None)
        return way.single and bool(_among(waiting, self.lineage.published(row)).all())

    def answer(self) -> None:
        """Run the query, and give the accounts what it says."""
        branches = frozenset(way.branch for _, way, _ in self.asking)
        query = self.result.query.explain(branches, frozenset(self.columns))
        rows = {source: np.flatnonzero(wanted) for source, wanted in self.rows.items()}
        said = self.lineage.run.explain(query, rows)
        said = said.append_column(_VERDICT, self._verdicts(said))
        for account, way, may in self.asking:
            self._give(account, way, may, candidates(way, said))

    def _verdicts(self, said: pa.Table) -> pa.ChunkedArray | pa.Array:
        """Why each candidate row is not published, null where it is."""
        if p.REJECT not in self.columns:
            return pa.nulls(said.num_rows, pa.string())
        verdicts, names = said[p.REJECT], _names(said)
        for word, superseded in self.result.superseded.items():
            verdicts = pc.if_else(pa.array(_among(names, superseded)), pa.scalar(word), verdicts)
        if self.result.left_out:
            made = self.result.made.filter(pa.array(self.result.kept))
            outside = pa.array(~_among(names, _names(made)) & as_numpy(pc.is_null(verdicts)))
            verdicts = pc.if_else(outside, pa.scalar(self.result.left_out), verdicts)
        if self.result.others:
            elsewhen = pa.array(self.result.others.of(said) & as_numpy(pc.is_valid(verdicts)))
            verdicts = pc.if_else(elsewhen, pa.scalar(OUTSIDE_PERIOD), verdicts)
        return verdicts

    def _give(self, account: Asking, way: LineagePath, may: np.ndarray, said: pa.Table) -> None:
        """Give the uncarried the weightiest word of the candidate rows made from them, of such the first.

        A reason stays once it is given, but one that lays it to a rule makes way for one that lays it to
        the data, and one that only says "not here" for both.
        """
        rows, given = numbers(said[way.row_column]), _given(account)
        spots = np.minimum(np.searchsorted(account.uncarried, rows), account.uncarried.size - 1)
        open_to = may[spots] & (given[spots] < self._heaviest)
        at = np.flatnonzero((account.uncarried[spots] == rows) & open_to)
        if not at.size:
            return
        spots = spots[at]
        coded = self._words(way, said, pa.array(at)).combine_chunks().dictionary_encode()
        codes, words = coded.indices.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()
        weights = np.array([weight(word) for word in words])[codes]
        better = np.flatnonzero(weights > given[spots])
        start = len(account.names)
        account.names += [Reason(word, way.target) for word in words]
        # What counts of several candidate rows is written last: the weightiest word, of such the first in the
        # alphabet, and in a run over one month that of the first row.
        alphabet, first = np.argsort(np.argsort(words)), self.result.others is not None
        order = np.lexsort((-alphabet[codes[better]], weights[better]))
        better = better[::-1] if first else better[order]
        account.reasons[spots[better]] = codes[better] + start

    def _words(self, way: LineagePath, said: pa.Table, at: pa.Array) -> pa.ChunkedArray:
        """The words for these candidate rows; what the value itself is to blame for holds in any row."""
        verdicts = said[_VERDICT].take(at)
        if way.field is None:
            return verdicts
        otherwise = pa.scalar(CONDITION)
        if self._may_be_there(way.field, way):
            outdone = self.result.left_out if way.field.name in self.result.blanked else SUPERSEDED
            there = pc.is_valid(said[way.field.name].take(at))
            otherwise = pc.if_else(there, pa.scalar(outdone), otherwise)
        whys = [said[name].take(at) for name in way.whys]
        return pc.coalesce(*self._elsewhen(way, said, verdicts, at), *whys, verdicts, otherwise)

    def _elsewhen(
        self, way: LineagePath, said: pa.Table, verdicts: pa.ChunkedArray, at: pa.Array
    ) -> list[Any]:
        """The words for values of another month, null for others: of them nothing else is said."""
        others = self.result.others
        if others is None or way.field is None:
            return []
        mask = as_numpy(pc.fill_null(pc.equal(verdicts, OUTSIDE_PERIOD), False))
        if way.field.name in others.closing:
            mask = mask | others.ended_later(said)[at.to_numpy()]
        return [pc.if_else(pa.array(mask), pa.scalar(OUTSIDE_PERIOD), pa.scalar(None, pa.string()))]


def _names(rows: pa.Table) -> np.ndarray:
    """One number a row that no other row of the same query has."""
    return row_names(*(numbers(rows[name]) for name in (p.BRANCH, p.ROW, p.ITEM)))


def _among(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of the numbers are among others that are in ascending order."""
    if not known.size:
        return np.zeros(wanted.size, bool)
    return known[np.minimum(np.searchsorted(known, wanted), known.size - 1)] == wanted


def _given(account: Asking) -> np.ndarray:
    """How much the reason says that each of the uncarried has, 0 where it has none."""
    return np.array([weight(reason.word) for reason in account.names] + [0])[account.reasons]
