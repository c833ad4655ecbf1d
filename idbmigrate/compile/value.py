"""What an expression of a mapping compiles to: a value, and the account of what became of its sources."""

from __future__ import annotations

from dataclasses import dataclass, replace

from idbmigrate.compile import sql
from idbmigrate.compile.sql import Sql
from idbmigrate.mapping.model import Reference

# Why a value that was there is not in the target. The ledger books by these words.
BAD_FORMAT = "bad-format"
TOO_LONG = "too-long"
TOO_SHORT = "too-short"
UNKNOWN_CODE = "unknown-code"
REJECTED_CODE = "rejected-code"
UNDECIDED_NO = "undecided-no"
NO_EQUIVALENT = "no-equivalent"
NOT_ACCEPTED = "not-accepted"
SKIPPED_HOUR = "skipped-hour"
SUPERSEDED = "superseded"
CONDITION = "condition"


@dataclass(frozen=True)
class Contribution:
    """Source columns that feed a value together.

    ``kept`` is true where this contribution's value is the one that was taken (``None``: wherever there is a
    value). ``why`` is the word that says why it was not (``None``: it cannot fail on its own). ``steps`` are
    the functions and lookups that the value went through, the first one first: some leave a part of it out.
    """

    references: tuple[Reference, ...]
    kept: Sql | None = None
    why: Sql | None = None
    steps: tuple[str, ...] = ()

    def failing(self, why: Sql | None) -> Contribution:
        """The same with one more way to fail; the inner reason comes first."""
        if why is None:
            return self
        return replace(self, why=why if self.why is None else sql.coalesce(self.why, why))


@dataclass(frozen=True)
class Value:
    """SQL of a text value, and its contributions."""

    sql: Sql
    contributions: tuple[Contribution, ...] = ()

    def through(self, result: Sql, why: Sql | None) -> Value:
        """The value after a function: new SQL, and a reason for what the function could not use."""
        return Value(result, tuple(contribution.failing(why) for contribution in self.contributions))

    def by(self, step: str) -> Value:
        """The value with one more step that it went through."""
        return Value(self.sql, tuple(replace(each, steps=(*each.steps, step)) for each in self.contributions))

    def only_where(self, condition: Sql) -> Value:
        """The value, kept only where the condition holds: elsewhere another stands in its place."""
        contributions = tuple(
            replace(c, kept=condition if c.kept is None else sql.both(condition, c.kept))
            for c in self.contributions
        )
        return Value(self.sql, contributions)

    def as_part(self) -> Value:
        """The value as a part that the whole can do without: where it is missing, it is not kept."""
        can_fail = any(c.why is not None or c.kept is not None for c in self.contributions)
        return self.only_where(sql.not_null(self.sql)) if can_fail else self

    def only_in(self, case: Sql) -> Value:
        """The value as one case of several: outside its case it is not taken, and cannot fail."""
        contributions = tuple(
            replace(c, why=None if c.why is None else sql.case([(case, c.why)], sql.no_text()))
            for c in self.contributions
        )
        return Value(self.sql, contributions).only_where(case)


def combined(values: list[Value], result: Sql) -> Value:
    """A value made of several values together."""
    return Value(result, tuple(contribution for value in values for contribution in value.contributions))


def chosen(values: list[Value], result: Sql) -> Value:
    """One of several values: the contributions of the others are kept only where they say the same."""
    contributions = []
    for value in values:
        same = sql.surely(sql.equal(value.sql, result))
        for contribution in value.contributions:
            kept = same if contribution.kept is None else sql.both(same, contribution.kept)
            contributions.append(replace(contribution, kept=kept))
    return Value(result, tuple(contributions))
