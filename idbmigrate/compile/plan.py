"""The compiled form of a mapping: queries, and what the ledger needs to read their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

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


#: What a column of a query is there for: the row's own place (branch, row, item), the row of a joined source
#: table, a field, a helper, whether a contribution was taken, why one was not, why a value does not fit, the
#: verdict on the row, the row of a parent table.
Role = Literal["place", "joined-row", "field", "helper", "kept", "why", "misfit", "verdict", "parent-place"]
#: The type of its values.
Type = Literal["text", "number", "truth"]
_TYPES: dict[Role, Type] = {
    "place": "number",
    "joined-row": "number",
    "kept": "truth",
    "parent-place": "number",
}


@dataclass(frozen=True)
class Column:
    """A column that the query of a target table gives, or can give: who reads it asks for its role."""

    name: str
    role: Role

    @property
    def type(self) -> Type:
        """The type of its values; what is not named among the types is text."""
        return _TYPES.get(self.role, "text")


def there(name: str) -> str:
    """Name of the column that says which row of the parent table a field names."""
    return f"_there_{name}"


def rows(table: str) -> str:
    """Name of the relation that gives the rows of a source table to the branches made from it."""
    return f"rows_{table}"


def staged(table: str) -> str:
    """Name of the relation that holds a whole source table, for joins."""
    return f"source_{table}"


def raw(table: str) -> str:
    """Name of the relation that holds a staged table as the file has it, for the ledger."""
    return f"raw_{table}"


def several(column: str) -> str:
    """Name of the column of such a relation that is true where a cell holds several values."""
    return f"{column}.several"


def clean(table: str) -> str:
    """Name of the relation that holds a staged table as queries read it."""
    return f"clean_{table}"


def valued(table: str) -> str:
    """Name of the same with its hoisted values."""
    return f"valued_{table}"


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


def superseded(table: str) -> str:
    """Name of the relation of rows that have to make way for another with the same key."""
    return f"superseded_{table}"


def judged(table: str) -> str:
    """Name of the relation that says of each row that may be made whether it is published, and why not."""
    return f"judged_{table}"


def traced(table: str) -> str:
    """Name of the relation that follows the rows and values of a source table to the target and back."""
    return f"traced_{table}"


def reasons(table: str) -> str:
    """Name of the relation that says what became of each row and value of a source table."""
    return f"reasons_{table}"


def books(table: str) -> str:
    """Name of the relation of the ledger's counts of a source table."""
    return f"books_{table}"


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
    ``columns`` are all that its branches give, with what each is there for, by name.
    ``hoisted`` are the names of the hoisted values that the query reads, by source table.
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
    columns: Mapping[str, Column]
    branches: tuple[BranchColumns, ...]
    hoisted: tuple[tuple[str, frozenset[str]], ...]
    identities: Identities


@brief
@dataclass(frozen=True)
class NaturalKeyQuery:
    """What the natural key of a source table says of its rows.

    ``marks`` says all of it by itself. In its place a run may ask for less: ``shared`` gives the rows that
    share their key with another row, ``numbers`` tells these apart, and ``keys`` gives every row a digest
    of its key and occurrence, from which identifiers are made (``None`` where no identifier needs it).
    ``values`` are the hoisted values that these read, by column, each after those that it is made of.
    """

    table: str
    shared: exp.Query
    numbers: exp.Query
    keys: exp.Query | None
    marks: exp.Query
    repeats: str | None
    values: dict[str, tuple[Hoisted, ...]]


@dataclass(frozen=True)
class Relation:
    """A relation that an engine makes of those before it; one that many others read is ``stored``."""

    name: str
    query: exp.Query
    meaning: str
    stored: bool = False


@brief
@dataclass(frozen=True)
class Plan:
    """Everything that an engine runs, in order: natural keys of source tables, then target tables.

    ``values`` are the prepared values that the tables read, by source table and column.
    """

    mapping: str
    source: str
    target: str
    accept: StatedConfidence
    parameters: dict[str, str]
    natural_keys: tuple[NaturalKeyQuery, ...]
    tables: tuple[TableQuery, ...]
    values: dict[str, dict[str, tuple[Hoisted, ...]]]
    #: reason word -> what it means, for names that the mapping gives (filters, rules)
    reasons: dict[str, str] = field(default_factory=dict)
    #: Source tables of which rows have a conflict.
    conflicts: frozenset[str] = frozenset()
    #: Rules of the optimiser that made it.
    rules: frozenset[str] = frozenset()
    #: Source tables that may be read.
    sources: tuple[str, ...] = ()
