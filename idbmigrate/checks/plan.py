"""The rules of one table, made ready for the engine.

A plan hands out the pieces that check forms build their expressions from. What SQL cannot say the
same way on every engine (check digits, scores, values of related rows, repeated keys) is computed on
whole columns and joins the table as a column of its own, so that one SELECT can answer for all rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from re import compile as pattern_of
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from idbmigrate.checks.operands import shifted
from idbmigrate.checks.values import ALGORITHMS

if TYPE_CHECKING:
    from idbmigrate.checks.forms import Form
    from idbmigrate.checks.relations import Relations
    from idbmigrate.datasets import Assessment
    from idbmigrate.engine import Engine

ROW = "__row"
_VISIBLE = "[^ \\t\\r\\n]"


class Plan:
    """One table while its rules are compiled and run."""

    def __init__(self, table: str, relations: Relations, outside: dict[str, str | None], engine: Engine):
        self.table, self.relations, self._outside, self.engine = table, relations, outside, engine
        self.spec = relations.dataset.tables[table]
        self._added: dict[str, pa.Array] = {}

    # What forms are built from

    def column(self, name: str) -> exp.Column:
        """A column of the table."""
        return exp.column(exp.to_identifier(name, quoted=True))

    def given(self, name: str) -> exp.Expression:
        """A column holds more than white space; never null itself.

        Here and in :meth:`blank` the first sign decides for nearly every value; only what starts with
        white space is looked at whole.
        """
        filled = exp.or_(self._starts(name, exp.GTE), self.shaped(name, _VISIBLE), copy=False)
        return exp.and_(exp.not_(self._null(name), copy=False), exp.paren(filled, copy=False), copy=False)

    def blank(self, name: str) -> exp.Expression:
        """A column holds nothing but white space; never null itself."""
        unseen = exp.not_(self.shaped(name, _VISIBLE), copy=False)
        empty = exp.paren(exp.and_(self._starts(name, exp.LT), unseen, copy=False), copy=False)
        return exp.paren(exp.or_(self._null(name), empty, copy=False), copy=False)

    def _null(self, name: str) -> exp.Is:
        return exp.Is(this=self.column(name), expression=exp.null())

    def _starts(self, name: str, kind: type[exp.Binary]) -> exp.Expression:
        return kind(this=self.column(name), expression=exp.Literal.string("!"))

    def shaped(self, name: str, pattern: str) -> exp.RegexpLike:
        """A column matches a pattern; null where it is null."""
        return exp.RegexpLike(this=self.column(name), expression=exp.Literal.string(pattern))

    def among(self, name: str, values: Sequence[str]) -> exp.In:
        """A column holds one of some values; null where it is null."""
        listed = [exp.Literal.string(value) for value in values]
        return exp.In(this=self.column(name), expressions=listed)

    def matches(self, name: str, pattern: str) -> exp.Expression:
        """A column matches a pattern; never null itself."""
        return exp.and_(exp.not_(self._null(name)), self.shaped(name, pattern))

    def outside(self, name: str) -> str | None:
        """A value that comes from outside the table."""
        return self._outside.get(name)

    def codes(self, name: str) -> tuple[str, ...]:
        """The national codes of a column; none where the data set description has no list."""
        codes = self.relations.dataset.codes_of(self.spec.columns[name])
        return tuple(codes.codes) if codes else ()

    def related(self, table: str, column: str) -> exp.Column:
        """A column of the row of another table that each row belongs to."""
        return self._add(f"__{table}.{column}", lambda: self.relations.related(self.table, table, column))

    def failing(self, column: str, algorithm: str) -> exp.Column:
        """Whether an algorithm rejects the value of a column."""
        check = ALGORITHMS[algorithm][0]
        return self._add(f"__{algorithm}.{column}", lambda: self._failing(column, check))

    def score(self, tool: str, score: str, problem: str) -> exp.Column:
        """Whether an assessment score has a problem: its tool, its shape or its range."""
        for name, mask in self._scores(tool, score).items():
            self._added.setdefault(f"__score.{name}", mask)
        return self.column(f"__score.{problem}")

    def repeated(self, names: Sequence[str], where: Form | None, blanks_equal: bool) -> exp.Expression | None:
        """Whether another row has the same values in some columns."""
        guards = [] if blanks_equal else [self.given(name) for name in names]
        if where is not None:
            condition = where.sql(self)
            if condition is None:
                return None
            guards.append(condition)
        keys = [self.column(name) for name in names]
        source = exp.select(*keys).from_(self._relation())
        if guards:
            source = source.where(*guards)
        one = exp.Literal.number(1)
        twice = source.group_by(*keys).having(exp.GT(this=exp.Count(this=exp.Star()), expression=one))
        if not self._run(twice).num_rows:
            return exp.false()
        count = exp.Window(this=exp.Count(this=exp.Star()), partition_by=keys)
        inner = exp.select(self.column(ROW), exp.alias_(count, "n")).from_(self._relation())
        if guards:
            inner = inner.where(*guards)
        rows = exp.select(self.column(ROW)).from_(inner.subquery("groups")).where("n > 1")
        name = f"__repeated.{len(self._added)}"
        return self._add(name, lambda: self._mask(self._numbers(rows)))

    def without(self, table: str, where: Form | None) -> exp.Expression | None:
        """Whether no row of a descendant table (that satisfies a form) belongs to each row."""
        other = Plan(table, self.relations, self._outside, self.engine)
        rows = self.relations.ancestor_rows(table, self.table)
        if where is not None:
            condition = where.sql(other)
            if condition is None:
                return None
            rows = rows[other.rows_where(condition)]
        mask = np.ones(self.relations.rows(self.table), dtype=bool)
        mask[rows[rows >= 0]] = False
        return self._add(f"__without.{len(self._added)}", lambda: pa.array(mask))

    def not_continued(self, per: str, start: str, end: str, same_day: bool) -> exp.Column:
        """Whether no other row of the same group starts after the end of each row that has one."""
        return self._add(f"__not_continued.{end}", lambda: self._not_continued(per, start, end, same_day))

    # Running

    def rows_where(self, condition: exp.Expression) -> np.ndarray:
        """Numbers of the rows, from 0, for which a condition holds."""
        query = exp.select(self.column(ROW)).from_(self._relation()).where(condition)
        return self._numbers(query)

    def counts(self, conditions: Sequence[exp.Expression]) -> list[int]:
        """How many rows satisfy each condition, in one pass over the table."""
        if not conditions or not self.relations.rows(self.table):
            return [0] * len(conditions)
        one = exp.Literal.number(1)
        sums = [exp.Count(this=exp.Case(ifs=[exp.If(this=each, true=one)])) for each in conditions]
        named = (exp.alias_(each, f"n{at}") for at, each in enumerate(sums))
        query = exp.select(*named).from_(self._relation())
        return [column[0].as_py() for column in self._run(query).columns]

    def arrow(self) -> pa.Table:
        """The table with its row numbers and the columns that were added."""
        size = self.relations.rows(self.table)
        columns = {name: self.relations.values(self.table, name) for name in self.spec.columns}
        return pa.table({**columns, **self._added, ROW: pa.array(np.arange(size))})

    def _run(self, query: exp.Query) -> pa.Table:
        self.engine.register(self.table, self.arrow())
        return self.engine.run(query)

    def _numbers(self, query: exp.Query) -> np.ndarray:
        """The one column of whole numbers that a query gives, in ascending order."""
        found = self._run(query).column(0)
        return np.sort(found.to_numpy()) if len(found) else np.zeros(0, np.int64)

    def _relation(self) -> exp.Table:
        return exp.to_table(exp.to_identifier(self.table, quoted=True))

    def _add(self, name: str, compute: Callable[[], pa.Array]) -> exp.Column:
        if name not in self._added:
            self._added[name] = compute()
        return self.column(name)

    def _mask(self, rows: np.ndarray) -> pa.Array:
        mask = np.zeros(self.relations.rows(self.table), dtype=bool)
        mask[rows] = True
        return pa.array(mask)

    def _failing(self, column: str, check: Callable[[str], bool]) -> pa.Array:
        encoded = pc.dictionary_encode(self.relations.values(self.table, column))
        wrong = [bool(value.strip()) and not check(value) for value in encoded.dictionary.to_pylist()]
        return pc.fill_null(pa.array(wrong, pa.bool_()).take(encoded.indices), False)

    def _not_continued(self, per: str, start: str, end: str, same_day: bool) -> pa.Array:
        ends = pc.dictionary_encode(self.relations.values(self.table, end))
        nexts = pa.array([_next_day(day) for day in ends.dictionary.to_pylist()], pa.string())
        group, first = (self.relations.values(self.table, name) for name in (per, start))
        begun = pc.value_counts(_pair(group, first))

        def rows_that_start(day: pa.Array) -> np.ndarray:
            at = pc.index_in(_pair(group, day), value_set=begun.field("values"))
            return pc.fill_null(begun.field("counts").take(at), 0).to_numpy()

        after = nexts.take(ends.indices)
        found = rows_that_start(after)
        if same_day:
            last = ends.dictionary.take(ends.indices)
            own = pc.fill_null(pc.equal(first, last), False).to_numpy(zero_copy_only=False)
            found = found + rows_that_start(last) - own
        return pa.array((found == 0) & after.is_valid().to_numpy(zero_copy_only=False))

    def _scores(self, tool: str, score: str) -> dict[str, pa.Array]:
        if "__score.tool" in self._added:
            return {}
        sides = [pc.dictionary_encode(self.relations.values(self.table, name)) for name in (tool, score)]
        codes = [pc.fill_null(side.indices, -1).to_numpy().astype(np.int64) + 1 for side in sides]
        width = len(sides[1].dictionary) + 1
        pairs, at = np.unique(codes[0] * width + codes[1], return_inverse=True)
        tools, scores = ([None, *side.dictionary.to_pylist()] for side in sides)
        known = {each.concept: each for each in self.relations.dataset.assessments}
        verdicts = [_verdict(tools[pair // width], scores[pair % width], known) for pair in pairs.tolist()]
        table = np.array(verdicts, dtype=bool).reshape(-1, 3)
        return {name: pa.array(table[at, place]) for place, name in enumerate(("tool", "shape", "range"))}


def _verdict(tool: str | None, score: str | None, known: dict[str, Assessment]) -> tuple[bool, bool, bool]:
    """Whether a tool is not listed, and the shape or the range of its score is wrong."""
    if not tool or not tool.strip():
        return False, False, False
    assessment = known.get(tool)
    if assessment is None:
        return True, False, False
    if not score or not score.strip() or score in assessment.values:
        return False, False, False
    if assessment.pattern and not pattern_of(assessment.pattern).fullmatch(score):
        return False, True, False
    if assessment.range is None:
        return False, False, bool(assessment.values)
    try:
        low, high = (Decimal(str(end)) for end in assessment.range)
        return False, False, not low <= Decimal(score) <= high
    except InvalidOperation:
        return False, False, True


def _pair(group: pa.Array, day: pa.Array) -> pa.Array:
    """Two columns as one; missing where one of them is."""
    return pc.binary_join_element_wise(group, day, "\x1f")


def _next_day(day: str | None) -> str | None:
    try:
        return shifted(day, 0, 1) if day else None
    except (ValueError, OverflowError):
        return None
