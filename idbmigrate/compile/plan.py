"""The compiled form of a mapping: queries, and what the ledger needs to read their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from idbmigrate.brief import brief
from idbmigrate.mapping.model import Reference
from idbmigrate.words import StatedConfidence

# Names of columns that a query adds to the target's own. None of them is published.
CONFLICT = "_conflict"  # the word for a row that must not be carried, as it is not certain whose it is
BRANCH, ROW, ITEM, REJECT = "_branch", "_row", "_item", "_reject"
REPEAT, OCCURRENCE, KEY = "_repeat", "_occurrence", "_key"
#: The number of a row among those of its target table, for the rows that it is joined with.
PLACE = "_place_there"
#: How the name of a lookup begins among the steps of a value.
LOOKUP = "lookup:"


def there(name: str) -> str:
    """Name of the column that says which row of the parent table a field names."""
    return f"_there_{name}"


def rows(table: str) -> str:
    """Name of the relation that gives the rows of a source table to the branches made from it."""
    return f"rows_{table}"


def staged(table: str) -> str:
    """Name of the relation that holds a whole source table, for joins."""
    return f"source_{table}"


def keys(table: str) -> str:
    """Name of the relation that holds the key columns of a source table while its keys are settled."""
    return f"keys_{table}"


def known(table: str) -> str:
    """Name of the relation that holds the different keys of a parent table."""
    return f"known_{table}"


def marks(table: str) -> str:
    """Name of what the natural key of a source table says of its rows."""
    return f"marks_{table}"


def texts(table: str, column: str) -> str:
    """Name of a relation that holds texts of this and perhaps other source columns."""
    return f"texts_{table}.{column}"


def made(table: str) -> str:
    """Name of the relation that holds what the query of a target table gave."""
    return f"made_{table}"


def target(table: str) -> str:
    """Name of the relation that holds the published rows of a target table, helpers included."""
    return f"target_{table}"


@brief
@dataclass(frozen=True)
class Hoisted:
    """A value that hangs on one column of a source table, whichever that is.

    In ``value`` the column has no name, and what was made of it before the number of that, as ``.3``;
    ``needs`` are these numbers. ``truth``: true or false, never a text. ``depth`` is one more than that
    of what it needs.
    """

    number: int
    value: exp.Expr
    truth: bool
    needs: tuple[int, ...]
    depth: int


@brief
@dataclass(frozen=True)
class ContributionColumns:
    """Where a query says what became of one contribution: names of columns, ``None`` where none is.

    ``steps`` are the functions and lookups that its value goes through.
    """

    references: tuple[Reference, ...]
    kept: str | None
    why: str | None
    steps: tuple[str, ...] = ()


@brief
@dataclass(frozen=True)
class FieldColumns:
    name: str
    contributions: tuple[ContributionColumns, ...]
    misfit: str | None  # column that says why the value does not fit the format of its target column

    @property
    def helper(self) -> bool:
        return self.name.startswith("_")


@dataclass(frozen=True)
class PassThrough:
    """What a field takes as it is: a column of its source row, or a text. Neither: it is missing."""

    column: str | None = None
    text: str | None = None


@brief
@dataclass(frozen=True)
class BranchColumns:
    """One branch: its source table, the joined source tables with their row columns, and its fields."""

    rows: str
    source: str | None
    joined: tuple[tuple[str, str, str], ...]  # alias, source table, column with its row
    items: tuple[str, ...]
    fields: tuple[FieldColumns, ...]


#: Fields that in every row are the identifier of the row's source row: its table, prefix and length.
Identities = dict[str, tuple[str, str, int]]


@brief
@dataclass(frozen=True)
class TableQuery:
    """One target table.

    ``query`` gives the published rows and where each came from. It leaves out ``pass_through``: fields that
    all branches take as they are, with what each branch takes, by entry of its ``each`` (else one alone). Two
    kinds of fields hold the primary key of a row of a parent table, which has the text: of ``references``,
    where that row is joined, the query gives its number (:func:`there`), of ``same_row_parents``, made from
    the same source row, nothing. A row without a parent of the same source row is not published. All three
    are empty in a plan without the rules of :mod:`idbmigrate.compile.optimise`.
    ``explain`` gives every candidate row of the branches with these numbers, and these of its columns: the
    verdict on it (``_reject``), fields, and what is said of their values. ``rankings`` give, rule by rule,
    the rows that ``one_per`` does not keep, once those without a parent are gone.
    ``prepared`` are the names of the prepared values that the query reads, by source table.
    """

    table: str
    query: exp.Query
    pass_through: dict[str, tuple[tuple[PassThrough, ...], ...]]
    references: dict[str, tuple[str, str]]  # field -> parent table and its key
    same_row_parents: dict[str, tuple[str, str]]
    explain: Callable[[frozenset[int], frozenset[str]], exp.Query]
    rankings: tuple[tuple[str, exp.Query], ...]
    published: tuple[str, ...]
    helpers: tuple[str, ...]
    branches: tuple[BranchColumns, ...]
    hoisted: tuple[tuple[str, frozenset[str]], ...]
    identities: Identities


@brief
@dataclass(frozen=True)
class NaturalKeyQuery:
    """What the natural key of a source table says of its rows.

    ``shared`` gives the rows that share their key with another row, ``numbers`` tells these apart.
    ``keys`` gives every row a digest of its key and occurrence, from which identifiers are made (``None``
    where no identifier needs it). ``values`` are the prepared values that these read, by column, each
    after those that it is made of.
    """

    table: str
    shared: exp.Query
    numbers: exp.Query
    keys: exp.Query | None
    repeats: str | None
    values: dict[str, tuple[Hoisted, ...]]


@brief
@dataclass(frozen=True)
class Plan:
    """Everything that an engine runs, in order: ties of source tables, then target tables.

    ``values`` are the prepared values that the tables read, by source table and column.
    """

    mapping: str
    source: str
    target: str
    accept: StatedConfidence
    parameters: dict[str, str]
    ties: tuple[NaturalKeyQuery, ...]
    tables: tuple[TableQuery, ...]
    values: dict[str, dict[str, tuple[Hoisted, ...]]]
    #: reason word -> what it means, for names that the mapping gives (filters, rules)
    reasons: dict[str, str] = field(default_factory=dict)
    #: Source tables of which rows have a conflict.
    conflicts: frozenset[str] = frozenset()
    #: Rules of the optimiser that made it.
    rules: frozenset[str] = frozenset()
