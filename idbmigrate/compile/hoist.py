"""Values that hang on one column of a source table: said once in a plan, made once for each text.

Months of appointments hold few different texts in a column. What a mapping makes of one of them (a date
read, a code looked up, whether a filter holds) is therefore asked for each text that occurs, not for each
row, and columns and target tables share what they ask alike. In the query of a target table such a
value is a column of the source table like any other, named after the column it hangs on: ``PHQ9_SCORE.3``
(Access has no points in names).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import add
from typing import Any

from sqlglot import exp

from idbmigrate.compile import plan, portable, sql
from idbmigrate.compile.sql import Sql

#: Alias of the row itself in every query.
SELF = "a"


class Hoisting:
    """All prepared values of a plan, whatever columns they are asked of; none unless it ``hoists`` them."""

    def __init__(self, hoists: bool = True) -> None:
        self.hoists = hoists
        self._known: list[plan.Hoisted] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def said(self, value: Sql, truth: bool = False) -> Sql:
        """A column that holds the value, or the value itself where it hangs on more than one column.

        Only columns of the row itself can hold one. ``truth`` says that the value is true or false, never a
        text. What an engine answers at once, such as whether a column is filled, stays as it is.
        """
        if not self.hoists:
            return value
        columns: list[exp.Column] = []
        shape = _shape(value, columns)
        bases = {_base(column.name) for column in columns}
        if len(bases) != 1 or _plain(value) or any(column.table != SELF for column in columns):
            return value
        base = bases.pop()
        if shape not in self._numbers:
            self._numbers[shape] = len(self._known)
            self._known.append(self._prepared(_renamed(value, lambda name: name[len(base) :]), truth))
        return sql.column(f"{base}.{self._numbers[shape]}", SELF)

    def _prepared(self, waiting: Sql, truth: bool) -> plan.Hoisted:
        portable.check(waiting)
        needs = {column.name[1:] for column in waiting.find_all(exp.Column)} - {""}
        depth = 1 + max((self._known[int(need)].depth for need in needs), default=0)
        return plan.Hoisted(len(self._known), waiting, truth, tuple(map(int, sorted(needs))), depth)

    def needed(self, names: Iterable[str]) -> dict[str, tuple[plan.Hoisted, ...]]:
        """By column: the prepared values of these names, and before each those that it is made of."""
        return needed(names, dict(enumerate(self._known)))


def needed(names: Iterable[str], known: Mapping[int, plan.Hoisted]) -> dict[str, tuple[plan.Hoisted, ...]]:
    """By column: the values of these names among the known ones, and before each those it is made of."""
    found: dict[str, set[int]] = {}
    waiting = sorted(names)
    while waiting:
        base, _, number = waiting.pop().rpartition(".")
        mine = found.setdefault(base, set())
        if int(number) not in mine:
            mine.add(int(number))
            waiting += [f"{base}.{need}" for need in known[int(number)].needs]
    return {base: tuple(known[n] for n in sorted(numbers)) for base, numbers in found.items()}


def query(relation: str, columns: Mapping[str, Sequence[plan.Hoisted]], whole: bool = False) -> exp.Select:
    """Hoisted values of the columns of a relation that has these columns and ``plan.ROW``.

    What is made of ``X`` with the number 3 is the column ``X.3``. ``whole``: its own columns, too.
    """
    source, stages, names = relation, [], [plan.ROW]
    for depth in sorted({value.depth for values in columns.values() for value in values}):
        named = [
            sql.named(_renamed(value.value, partial(add, base)), f"{base}.{value.number}")
            for base, values in columns.items()
            for value in values
            if value.depth == depth
        ]
        stages.append((f"made_{depth}", sql.select([exp.Star(), *named], sql.relation(source, SELF))))
        source, names = f"made_{depth}", [*names, *(value.alias for value in named)]
    given: Iterable[Sql] = [exp.Star()] if whole else map(sql.column, names)
    return sql.staged(sql.select(given, sql.relation(source)), stages)


def _shape(value: Sql, columns: list[exp.Column]) -> tuple[Any, ...]:
    """What a value is made of, alike for values that differ in the column they hang on alone.

    The columns that it names are added to ``columns``.
    """
    if isinstance(value, exp.Column):
        columns.append(value)
        return exp.Column, value.name[len(_base(value.name)) :]
    parts: list[Any] = [type(value)]
    for name, part in value.args.items():
        if isinstance(part, list):
            parts.append((name, *(_shape(each, columns) for each in part)))
        elif part is not None:
            parts.append((name, _shape(part, columns) if isinstance(part, exp.Expr) else part))
    return tuple(parts)


def _base(name: str) -> str:
    return name.rpartition(".")[0] or name


def _renamed(value: Sql, name: Callable[[str], str]) -> Sql:
    """A copy whose columns have other names."""
    value = value.copy()
    for column in list(value.find_all(exp.Column)):
        column.this.set("this", name(column.name))
    return value


def _plain(value: Sql) -> bool:
    """Whether a value is a column, or only asks whether one is filled."""
    while isinstance(value, (exp.Not, exp.Paren, exp.Is)):
        value = value.this
    return isinstance(value, exp.Column)
