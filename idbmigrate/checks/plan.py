"""The rules of one table, made ready for the engine.

A plan hands out the pieces that check types build their expressions from. What looks at one value alone
is tested on the distinct values of a column; what SQL cannot say the same way on every engine (check
digits, scores, values of related rows, repeated keys) is computed on whole columns. Both join the table
as columns of their own, so that one query answers for all rules that are left: those that compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlglot import exp

from idbmigrate.checks import many_rows

if TYPE_CHECKING:
    from idbmigrate.checks.check_types import CheckType, OneColumn
    from idbmigrate.checks.distinct import Column
    from idbmigrate.checks.relations import Relations
    from idbmigrate.engine import Engine

ROW = "__row"


class Plan:
    """One table while its rules are compiled and run."""

    def __init__(self, table: str, relations: Relations, outside: dict[str, str | None], engine: Engine):
        self.table, self.relations, self._outside, self.engine = table, relations, outside, engine
        self.spec = relations.dataset.tables[table]
        self.size = relations.rows(table)
        self._tested: dict[OneColumn, exp.Expr] = {}
        self._scores: dict[tuple[str, str, str | None], dict[str, exp.Expr]] = {}
        self._related: dict[tuple[str, str], Column] = {}
        self._added: dict[str, Callable[[], pa.Array | np.ndarray]] = {}

    # What checks are built from

    def column(self, name: str) -> Column:
        """A column of the table as its distinct values."""
        return self.relations.column(self.table, name)

    def related(self, table: str, column: str) -> Column:
        """A column of the row of another table that each row belongs to."""
        if (table, column) not in self._related:
            self._related[table, column] = self.relations.related(self.table, table, column)
        return self._related[table, column]

    def outside(self, name: str) -> str | None:
        """A value that comes from outside the table."""
        return self._outside.get(name)

    def codes(self, name: str) -> tuple[str, ...]:
        """The national codes of a column; empty where the data set description has no list."""
        codes = self.relations.dataset.codes_of(self.spec.columns[name])
        return tuple(codes.codes) if codes else ()

    def tested(self, check: OneColumn) -> exp.Expr:
        """Condition: a check of one value fails. Each distinct value is tested once; raises ``CannotRun``."""
        if check not in self._tested:
            column = self.column(check.column)
            fails = check.fails(column.values, self)
            self._tested[check] = self._found(column, fails)
        return self._tested[check]

    def _found(self, column: Column, fails: np.ndarray) -> exp.Expr:
        return self._add(lambda: fails[column.at]) if column.holds(fails) else exp.false()

    def texts(self, column: Column) -> exp.Column:
        """Column of the query: the texts of the rows."""
        return self._add(lambda: column.values.texts.take(pa.array(column.at)))

    def numbers(self, name: str, column: Column, numbers: np.ndarray) -> exp.Column:
        """Column of the query, of that name: the number of each row's value; null instead of 0."""
        return self._add(lambda: _or_null(numbers[column.at]), name)

    def rows(self, fails: np.ndarray) -> exp.Expr:
        """Condition from a bool a row that was computed on whole columns."""
        return self._add(lambda: fails) if fails.any() else exp.false()

    # What looks at many rows

    def score(self, tool: str, score: str, pattern: str | None) -> dict[str, exp.Expr]:
        """Conditions: an assessment score has a problem, by problem; ``pattern`` is the shape of a number."""
        if (tool, score, pattern) not in self._scores:
            sides = self.column(tool), self.column(score)
            found = many_rows.scores(*sides, self.relations.dataset.assessments, pattern)
            problems = {problem: self.rows(fails) for problem, fails in found.items()}
            self._scores[tool, score, pattern] = problems
        return self._scores[tool, score, pattern]

    def repeated(self, names: Sequence[str], where: CheckType | None, blanks_equal: bool) -> exp.Expr:
        """Condition: another row has the same values in some columns; raises ``CannotRun``."""
        columns = [self.column(name) for name in names]
        chosen = np.ones(self.size, bool)
        if not blanks_equal:
            for column in columns:
                chosen &= column.values.given[column.at]
        if where is not None:
            chosen &= self.mask(where.sql(self))
        return self.rows(many_rows.repeated(columns, chosen))

    def without(self, table: str, where: CheckType | None) -> exp.Expr:
        """Condition: no row of a descendant table, of those that a check takes, belongs to the row."""
        other = Plan(table, self.relations, self._outside, self.engine)
        rows = self.relations.ancestor_rows(table, self.table)
        if where is not None:
            rows = rows[other.mask(where.sql(other))]
        fails = np.ones(self.size, bool)
        fails[rows[rows >= 0]] = False
        return self.rows(fails)

    # Running

    def mask(self, condition: exp.Expr) -> np.ndarray:
        """Run one condition: bool a row."""
        mask = np.zeros(self.size, bool)
        mask[self.rows_where([condition])[0]] = True
        return mask

    def rows_where(self, conditions: Sequence[exp.Expr]) -> list[np.ndarray]:
        """Numbers of the rows, from 0 and ascending, that satisfy each condition.

        What was computed before is looked up; all others are one query.
        """
        queried = [each for each in conditions if not isinstance(each, (exp.Boolean, exp.Column))]
        found = iter(self._queried(queried) if queried and self.size else ())
        none = np.zeros(0, np.int64)
        return [
            none
            if isinstance(each, exp.Boolean)  # false: nothing else is ever known beforehand
            else np.flatnonzero(self._added[each.name]())
            if isinstance(each, exp.Column)
            else next(found, none)
            for each in conditions
        ]

    def _queried(self, conditions: Sequence[exp.Expr]) -> list[np.ndarray]:
        names = [f"fails {place}" for place in range(len(conditions))]
        some = exp.or_(*(exp.paren(each) for each in conditions), copy=False)
        answers = (exp.alias_(each, name, quoted=True) for each, name in zip(conditions, names, strict=True))
        table = exp.Table(this=exp.to_identifier(self.table, quoted=True))
        query = exp.select(exp.column(ROW, quoted=True), *answers, copy=False).from_(table).where(some)
        found = self._run(query)
        rows = found[ROW].to_numpy()
        order = np.argsort(rows)
        return [rows[order][_holds(found[name])[order]] for name in names]

    def _run(self, query: exp.Query) -> pa.Table:
        wanted = {each.name for each in query.find_all(exp.Column)} - {ROW}
        columns = {name: self._added[name]() for name in sorted(wanted)}
        rows = np.arange(self.size)
        self.engine.register(self.table, pa.table({ROW: rows, **columns}))
        return self.engine.run(query)

    def _add(self, compute: Callable[[], pa.Array | np.ndarray], name: str | None = None) -> exp.Column:
        name = name or f"__{len(self._added)}"
        self._added.setdefault(name, compute)
        return exp.column(name, quoted=True)


def _or_null(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers, mask=numbers == 0)


def _holds(found: pa.ChunkedArray) -> np.ndarray:
    """Truth of a condition that an engine gives as truth, number or null."""
    return found.cast(pa.bool_()).fill_null(False).to_numpy()
