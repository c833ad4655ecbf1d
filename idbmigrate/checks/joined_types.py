"""Check types that join others, and check types that look at more than one row or table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idbmigrate.checks.check_types import Algorithm, CheckType, Is, Length
from idbmigrate.checks.operands import CannotRun

if TYPE_CHECKING:
    from sqlglot import exp

    from idbmigrate.checks.plan import Plan


@dataclass(frozen=True)
class Joined(CheckType):
    """``all: [...]``, ``any: [...]``, ``none: [...]``: fails where all, any or none of the parts hold."""

    join: str
    parts: tuple[CheckType, ...]

    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.columns()))

    def meaning(self) -> str:
        words = [part.meaning() for part in self.parts]
        if self.join == "all":  # a choice among what must all hold stands in brackets
            choices = (isinstance(part, Joined) and part.join == "any" for part in self.parts)
            words = [f"({word})" if choice else word for word, choice in zip(words, choices, strict=True)]
        if self.join == "none":
            if len(words) == 1:
                return words[0].replace(" is ", " is not ", 1)
            return "neither " + " nor ".join(words)
        return (" and " if self.join == "all" else " or ").join(words)

    def sql(self, plan: Plan) -> exp.Expr:
        from sqlglot import exp

        parts = _each(self.parts, plan)
        never = exp.false()  # known beforehand of many parts: it spares the query
        if self.join == "all":
            return never if never in parts else exp.and_(*parts)
        if self.join == "any":
            return exp.or_(*([part for part in parts if part != never] or [never]))
        return exp.not_(exp.paren(exp.or_(*parts)))


def _each(parts: Sequence[CheckType], plan: Plan) -> list[exp.Expr]:
    """The expressions of all parts; raises ``CannotRun`` with everything that they lack."""
    found: list[exp.Expr] = []
    lacking: list[CannotRun] = []
    for part in parts:
        try:
            found.append(part.sql(plan))
        except CannotRun as error:
            lacking.append(error)
    if lacking:
        outside = {name for each in lacking for name in each.outside}
        raise CannotRun(outside, any(each.code_list for each in lacking))
    return found


@dataclass(frozen=True)
class Coded(CheckType):
    """``coded: {scheme, code, icd10: [..], snomed: [..]}``: the code has not the shape of its scheme.

    Four to six characters of any kind for ICD-10, as at the centre, and a SNOMED CT concept.
    """

    scheme: str
    code: str
    icd10: tuple[str, ...]
    snomed: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return (self.code, self.scheme)

    def meaning(self) -> str:
        return f"{self.code} does not have the shape of a code of the scheme in {self.scheme}"

    def sql(self, plan: Plan) -> exp.Expr:
        icd10 = Joined("all", (Is(self.scheme, self.icd10), Length(self.code, 4, 6)))
        snomed = Joined("all", (Is(self.scheme, self.snomed), Algorithm(self.code, "snomed")))
        return Joined("any", (icd10, snomed)).sql(plan)


@dataclass(frozen=True)
class Score(CheckType):
    """``score: {tool, score, problem, pattern}``: an assessment score against the data set's list of tools.

    ``problem`` is ``tool`` (concept not listed), ``shape`` (text of the score), ``range`` or ``value``
    (shape or range). ``pattern`` is the shape of a number where the list gives none. A score that is badly
    written and out of range is out of range as a consequence.
    """

    tool: str
    score: str
    problem: str
    pattern: str | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.tool,) if self.problem == "tool" else (self.score, self.tool)

    def meaning(self) -> str:
        return {
            "tool": f"{self.tool} is not an assessment concept that the centre accepts",
            "shape": f"{self.score} does not have the shape that scores of this assessment have",
            "range": f"{self.score} is outside the range of this assessment",
            "value": f"{self.score} is not a score of this assessment (range, and how it is written)",
        }[self.problem]

    def sql(self, plan: Plan) -> exp.Expr:
        return plan.score(self.tool, self.score, self.pattern)[self.problem]

    def cause(self) -> CheckType | None:
        return replace(self, problem="shape") if self.problem == "range" else None


@dataclass(frozen=True)
class Without(CheckType):
    """``without: {table, column, key, where}``: no row of another table belongs to this one.

    ``key`` is the column of the other table that holds this row's ``column``; ``via`` leads there
    over tables between. ``where`` is a check that the other rows must satisfy.
    """

    column: str
    table: str
    where: CheckType | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def meaning(self) -> str:
        which = f" where {self.where.meaning()}" if self.where else ""
        return f"no row of {self.table} belongs to it{which}"

    def sql(self, plan: Plan) -> exp.Expr:
        return plan.without(self.table, self.where)


@dataclass(frozen=True)
class Unique(CheckType):
    """``unique: {columns, where, blanks}``: more than one row has the same values.

    A row with a blank among the columns counts only with ``blanks: equal``.
    """

    names: tuple[str, ...]
    where: CheckType | None = None
    blanks_equal: bool = False

    def columns(self) -> tuple[str, ...]:
        return self.names

    def meaning(self) -> str:
        which = f" where {self.where.meaning()}" if self.where else ""
        equal = " (no value is a value, too)" if self.blanks_equal else ""
        return f"more than one row has the same {' + '.join(self.names)}{equal}{which}"

    def sql(self, plan: Plan) -> exp.Expr:
        return plan.repeated(self.names, self.where, self.blanks_equal)


@dataclass(frozen=True)
class Continued(CheckType):
    """``continued: {per, start, end, by, same_day}``: an end that no valid row of another ``by`` follows.

    The row that follows starts on the day after the end, with ``same_day: yes`` also on that day.
    """

    per: str
    start: str
    end: str
    by: str
    same_day: str | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.end, self.start, self.per, self.by)

    def order(self) -> tuple[str, ...]:
        """Its columns as :func:`idbmigrate.checks.many_rows.not_continued` takes them."""
        return (self.per, self.start, self.end, self.by)

    def meaning(self) -> str:
        day = "the day of, or after," if self.same_day else "the day after"
        return f"no valid row of the same {self.per} and another {self.by} starts on {day} {self.end}"


@dataclass(frozen=True)
class Parent(CheckType):
    """``parent: {column, table}``: the row that it belongs to is missing, or was itself rejected.

    A row that names no parent is the business of ``blank``.
    """

    column: str
    table: str

    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def meaning(self) -> str:
        return f"there is no valid row in {self.table} for this {self.column}"


@dataclass(frozen=True)
class Child(CheckType):
    """``child: {column, table, where}``: no valid row of a child table belongs to the row."""

    column: str
    table: str
    where: CheckType | None = None

    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def meaning(self) -> str:
        which = f", although {self.where.meaning()}" if self.where else ""
        return f"there is no valid row in {self.table} for this {self.column}{which}"


@dataclass(frozen=True)
class WholeFile(CheckType):
    """Forms about the file as a whole.

    ``empty: Table``, ``repeated_header: Table`` (more than one row), ``header_invalid: Table`` (not
    one valid row), ``nothing_left: Table`` (every row rejected) and ``structure: names`` (a table or
    column of the data set is missing).
    """

    aspect: str
    table: str

    def columns(self) -> tuple[str, ...]:
        return ()

    def meaning(self) -> str:
        return {
            "empty": f"{self.table} has no row",
            "repeated_header": f"{self.table} has more than one row",
            "header_invalid": f"{self.table} does not have exactly one valid row",
            "nothing_left": f"every row of {self.table} is rejected",
            "structure": "a table or column of the data set is missing, or one too many is there",
        }[self.aspect]
