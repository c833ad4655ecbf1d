"""The compiled form of a mapping: queries, and what the ledger needs to read their results."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from idbmigrate.mapping.model import Reference

# Names of columns that a query adds to the target's own. None of them is published.
BRANCH, ROW, ITEM, REJECT = "_branch", "_row", "_item", "_reject"
REPEAT, OCCURRENCE = "_repeat", "_occurrence"


def staged(table: str) -> str:
    """Name of the relation that holds a staged source table."""
    return f"source_{table}"


def target(table: str) -> str:
    """Name of the relation that holds the published rows of a target table, helpers included."""
    return f"target_{table}"


@dataclass(frozen=True, slots=True)
class CarrierColumns:
    """Where a query says what became of one carrier: column names, ``None`` where there is nothing to say."""

    references: tuple[Reference, ...]
    kept: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class FieldColumns:
    name: str
    carriers: tuple[CarrierColumns, ...]
    misfit: str | None  # column that says why the value does not fit the format of its target column

    @property
    def helper(self) -> bool:
        return self.name.startswith("_")


@dataclass(frozen=True, slots=True)
class BranchColumns:
    """One branch: its source table, the joined source tables with their row columns, and its fields."""

    rows: str
    source: str | None
    joined: tuple[tuple[str, str, str], ...]  # alias, source table, column with its row
    items: tuple[str, ...]
    fields: tuple[FieldColumns, ...]


@dataclass(frozen=True, slots=True)
class TableQuery:
    """One target table: a query that gives a row a candidate, published or not."""

    table: str
    query: exp.Query
    published: tuple[str, ...]
    helpers: tuple[str, ...]
    branches: tuple[BranchColumns, ...]
    parents: tuple[str, ...]

    def with_misfit(self, name: str, column: str) -> TableQuery:
        """The same, reading from ``column`` why values of the field ``name`` were not carried."""
        branches = tuple(
            replace(
                branch,
                fields=tuple(
                    replace(item, misfit=column) if item.name == name else item for item in branch.fields
                ),
            )
            for branch in self.branches
        )
        return replace(self, branches=branches)


@dataclass(frozen=True, slots=True)
class TieQuery:
    """A query that gives the rows of a source table that share their natural key with another row."""

    table: str
    query: exp.Query
    repeats: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an engine runs, in order: ties of source tables, then target tables."""

    mapping: str
    source: str
    target: str
    accept: str
    parameters: dict[str, str]
    ties: tuple[TieQuery, ...]
    tables: tuple[TableQuery, ...]
    #: reason word -> what it means, for names that the mapping gives (filters, rules)
    reasons: dict[str, str] = field(default_factory=dict)
