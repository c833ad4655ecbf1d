"""Sets the counts of a legacy file beside those of what it was converted to, record by record.

A referral that is counted on one side only, or more often on one side, is a difference. It is explained
where the books hold a value or row of that very referral, among those that the measure reads, that was
not carried, and where the file without all that was not carried counts the referral as the target does.
What stays unexplained is a fault of the mapping or of the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.ledger.reasons import weight
from idbmigrate.measures.bind import days
from idbmigrate.measures.count import EMPLOYMENT_SUPPORT, NONE, Counted, count_staged, count_target
from idbmigrate.measures.load import load_definitions, load_reading
from idbmigrate.measures.model import Measure, Reading
from idbmigrate.periods.month import OUTSIDE

if TYPE_CHECKING:
    from idbmigrate.ledger.books import Account, Books
    from idbmigrate.result.run import Run
    from idbmigrate.staging.tables import StagedTable

EQUAL, EXPLAINED, FAULT, ONE_SIDED = "equal", "explained", "fault", "not comparable"


@dataclass
class Line:
    """One measure on both sides.

    ``outcome``: equal; explained; fault; or not comparable, where one side cannot give the measure
    (``why``). ``records``: how many referrals or patients are counted differently; ``reasons``: how many
    of them the books explain, by reason; ``unexplained``: the others.
    """

    measure: Measure
    legacy: int | None
    target: int | None
    outcome: str
    records: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    unexplained: int = 0
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The line as one JSON object."""
        return {
            "measure": self.measure.name,
            "title": self.measure.title,
            "within": self.measure.within,
            "legacy": self.legacy,
            "target": self.target,
            "outcome": self.outcome,
            "records": self.records,
            "reasons": self.reasons,
            "unexplained": self.unexplained,
            "why": self.why,
        }


def compare_run(run: Run) -> list[Line]:
    """Compare the counts of a finished run's file with those of its target tables."""
    support = run.plan.parameters.get(EMPLOYMENT_SUPPORT, NONE)
    legacy = count_staged(run.staged, run.plan.source, run.period, support)
    target = count_target(run.tables, run.plan.target, run.period)
    return compare(legacy, target, run.staged, run.books, support)


def compare(
    legacy: Counted,
    target: Counted,
    staged: Mapping[str, StagedTable] | None = None,
    books: Books | None = None,
    support: str = NONE,
) -> list[Line]:
    """One line a measure. Without the staged tables and the books of the run nothing is explained.

    ``support``: what the employment support of the file was counted as.
    """
    reading = load_reading(legacy.dataset)
    evidence = None
    if reading and staged and books:
        evidence = _Evidence(reading, staged, books, legacy, target, support)
    return [_line(each, legacy, target, evidence) for each in load_definitions().measures.values()]


def _line(measure: Measure, legacy: Counted, target: Counted, evidence: _Evidence | None) -> Line:
    before, after = legacy.total(measure.name), target.total(measure.name)
    if before is None or after is None:
        why = target.missing.get(measure.name) or legacy.missing.get(measure.name)
        return Line(measure, before, after, ONE_SIDED, why=why)
    who = _differing(legacy.of(measure.name), target.of(measure.name))
    if not len(who):
        return Line(measure, before, after, EQUAL)
    reasons = evidence.reasons(measure, who) if evidence else {}
    unexplained = len(who) - sum(reasons.values())
    outcome = FAULT if unexplained else EXPLAINED
    return Line(measure, before, after, outcome, len(who), reasons, unexplained)


def _differing(before: pa.Table, after: pa.Table) -> pa.Array:
    """Who is counted differently on the two sides."""
    after = after.set_column(1, "n", pc.negate(after["n"]))
    both = pa.concat_tables([before, after]).group_by("who").aggregate([("n", "sum")])
    who = both.filter(pc.not_equal(both["n_sum"], 0))["who"]
    return who.combine_chunks() if isinstance(who, pa.ChunkedArray) else who


class _Evidence:
    """What the books say of the referrals and patients that are counted differently."""

    def __init__(
        self,
        reading: Reading,
        staged: Mapping[str, StagedTable],
        books: Books,
        legacy: Counted,
        target: Counted,
        support: str,
    ):
        self.reading, self.staged, self.period = reading, staged, legacy.period
        self.legacy, self.target, self.support = legacy, target, support
        self.accounts = {(each.table, each.column): each for each in (*books.rows, *books.values)}
        self.keys: dict[tuple[str, str], pa.ChunkedArray] = {}

    def reasons(self, measure: Measure, who: pa.Array) -> dict[str, int]:
        """How many of them have a reason, by the weightiest reason each has."""
        still = _differing(self._without.of(measure.name), self.target.of(measure.name))
        who = who.filter(pc.invert(pc.is_in(who, value_set=still)))
        by = "patient" if measure.of.startswith("support") else "referral"
        found = [
            pairs for place in self._places(measure) if (pairs := self._pairs(*place, by, who)) is not None
        ]
        return _weightiest(pa.concat_tables(found)) if found else {}

    @cached_property
    def _without(self) -> Counted:
        """The counts of the file without the values and rows that were not carried."""
        bare = {label: self._bare(label, table) for label, table in self.staged.items() if table.name}
        return count_staged(bare, self.legacy.dataset, self.period, self.support)

    def _bare(self, label: str, table: StagedTable) -> StagedTable:
        clean = table.clean
        for number, column in enumerate(clean.column_names):
            gone = self._uncarried(label, column, clean.num_rows)
            if gone is not None:
                left = pc.if_else(gone, pa.scalar(None, pa.string()), clean[column].cast(pa.string()))
                clean = clean.set_column(number, column, left)
        rows = self._uncarried(label, "", clean.num_rows)
        return replace(table, clean=clean if rows is None else clean.filter(pc.invert(rows)))

    def _uncarried(self, label: str, column: str, count: int) -> pa.Array | None:
        """Which values of a column, or rows, were not carried; nothing where all were."""
        account: Account | None = self.accounts.get((label, column))
        if account is None or not account.uncarried.size:
            return None
        mask = np.zeros(count, bool)
        mask[account.uncarried] = True
        return pa.array(mask)

    def _places(self, measure: Measure) -> list[tuple[str, str]]:
        """Tables and columns that the measure reads, each table once more for its rows as a whole."""
        definitions = load_definitions()
        roles = {place for fact in definitions.facts_of(measure) for place in definitions.facts[fact].places}
        columns = {column for role in roles for column in self.reading.column(role)}
        referral, contact = self.reading.roles["referral"], self.reading.roles["contact"]
        keys = {(referral["table"], referral["key"])}
        if any(table == contact["table"] for table, _ in columns):
            keys.add((contact["table"], contact["referral"]))
        return sorted({*columns, *keys, *((table, "") for table, _ in (*columns, *keys))})

    def _pairs(self, table: str, column: str, by: str, who: pa.Array) -> pa.Table | None:
        """Who of them has a value or row in an account that was not carried, and the reason's word."""
        account: Account | None = self.accounts.get((table, column))
        if account is None or not account.uncarried.size:
            return None
        keys = self._keys(table, by).take(pa.array(account.uncarried))
        given = pc.and_(pc.is_in(keys, value_set=who), pa.array(account.reasons >= 0))
        words = pa.array([reason.word for reason in account.names], pa.string())
        reason = words.take(pa.array(np.maximum(account.reasons, 0)))
        reason = pc.if_else(self._outside(table, account), OUTSIDE, reason)
        whole_row = pa.repeat(pa.scalar(not column), len(reason))
        return pa.table({"who": keys, "reason": reason, "whole_row": whole_row}).filter(given)

    def _outside(self, table: str, account: Account) -> pa.Array:
        """Which rows are contacts of another month than the run's: that is why, whatever else is said."""
        contact = self.reading.roles["contact"]
        if not self.period or table != contact["table"]:
            return pa.repeat(pa.scalar(False), account.uncarried.size)
        day = days(self._column(table, contact["day"]).take(pa.array(account.uncarried)))
        other = pc.not_equal(pc.utf8_slice_codeunits(day, 0, 7), self.period)
        return _flat(pc.fill_null(other, False))

    def _keys(self, table: str, by: str) -> pa.ChunkedArray:
        """The referral, or the patient, of each row of a legacy table."""
        if (table, by) not in self.keys:
            referral, contact = self.reading.roles["referral"], self.reading.roles["contact"]
            keys = self._column(table, referral["key"] if table == referral["table"] else contact["referral"])
            if by == "patient":
                known = self._column(referral["table"], referral["key"])
                at = pc.index_in(keys, value_set=_flat(known))
                keys = _flat(self._column(referral["table"], referral["patient"])).take(_flat(at))
            self.keys[table, by] = keys
        return self.keys[table, by]

    def _column(self, table: str, name: str) -> pa.ChunkedArray:
        return self.staged[table].clean[name].cast(pa.string())


def _flat(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _weightiest(pairs: pa.Table) -> dict[str, int]:
    """For each one the weightiest of its reasons, counted; why a row is not there comes before a value."""
    of_rows = set(pc.unique(pairs.filter(pairs["whole_row"])["reason"]).to_pylist())
    words = pc.unique(pairs["reason"]).to_pylist()
    words.sort(key=lambda word: (-weight(word), word not in of_rows, word))
    rank = pc.index_in(pairs["reason"], value_set=pa.array(words, pa.string()))
    first = pa.table({"who": pairs["who"], "rank": rank}).group_by("who").aggregate([("rank", "min")])
    counts = np.bincount(first["rank_min"].to_numpy(), minlength=len(words))
    return {word: int(count) for word, count in zip(words, counts, strict=True) if count}
