"""What a mapping says, as typed values: the language of ``docs/mapping-language.md`` after reading.

Nothing here knows SQL or data sets. Every node keeps the :class:`Place` it was written at, so that a
complaint can name file, line and path.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace

from idbmigrate.brief import brief
from idbmigrate.documents.place import Place as Place
from idbmigrate.words import STATED_CONFIDENCE, StatedConfidence

#: How a source code and its target code relate.
EQUIVALENCE = ("equal", "broader", "narrower", "related")
#: What happens to a code that a lookup does not list.
UNKNOWN_POLICIES = ("reject", "null", "keep", "default")
#: Longest identifier that can be derived: 128 bits of a digest.
MAX_IDENTIFIER = 32


def accepted(confidence: str | None, accept: str) -> bool:
    """Whether a fact of this confidence may be used by a run that accepts up to ``accept``."""
    return confidence is None or STATED_CONFIDENCE.index(confidence) <= STATED_CONFIDENCE.index(accept)


# -- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expression:
    """A value of one target row. ``children`` are the expressions it is made of."""

    place: Place = field(compare=False)

    @property
    def children(self) -> tuple[Expression, ...]:
        return ()


@dataclass(frozen=True)
class Reference(Expression):
    """A column: of the row itself (``alias`` is empty), of a joined row, of an item, or a helper (``_x``)."""

    alias: str
    name: str

    @property
    def helper(self) -> bool:
        """Whether it names a helper of its branch."""
        return not self.alias and self.name.startswith("_")

    def __str__(self) -> str:
        return f"{self.alias}.{self.name}" if self.alias else self.name


@dataclass(frozen=True)
class Constant(Expression):
    text: str


@dataclass(frozen=True)
class Parameter(Expression):
    name: str


@brief
@dataclass(frozen=True)
class LookedUp(Expression):
    lookup: str
    of: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        return (self.of,)


@brief
@dataclass(frozen=True)
class Call(Expression):
    """A function of the closed list in :mod:`idbmigrate.mapping.functions`."""

    function: str
    arguments: tuple[Expression, ...]
    options: MappingType[str, str | tuple[str, ...]]

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.arguments


@brief
@dataclass(frozen=True)
class FirstOf(Expression):
    choices: tuple[Expression, ...]

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.choices


@brief
@dataclass(frozen=True)
class Link(Expression):
    """The value of ``link``, which names another record, and ``tells``: what that record says of this one."""

    link: Expression
    tells: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        return (self.link, self.tells)


@brief
@dataclass(frozen=True)
class Cases(Expression):
    cases: tuple[tuple[Condition, Expression], ...]
    otherwise: Expression | None

    @property
    def children(self) -> tuple[Expression, ...]:
        values = tuple(value for _, value in self.cases)
        return values if self.otherwise is None else (*values, self.otherwise)


@brief
@dataclass(frozen=True)
class Identifier(Expression):
    """Derived identifier. Its parts name a record; they do not carry a value."""

    parts: tuple[Expression | None, ...]  # None stands for the natural key of the row
    prefix: str
    length: int


@brief
@dataclass(frozen=True)
class LastKnown(Expression):
    """The value that records of one ``within`` had last, up to the moment ``at`` of the row.

    Its parts name other records; they do not carry a value of this one.
    """

    of: Expression
    within: tuple[Expression, ...]
    at: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.of, *self.within, self.at)


# -- conditions ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Present(Condition):
    of: Expression
    present: bool


@brief
@dataclass(frozen=True)
class Compared(Condition):
    """``value`` against texts (``in``, ``not_in``), a pattern, or another expression."""

    value: Expression
    operator: str
    operand: tuple[str, ...] | str | Expression


@dataclass(frozen=True)
class Known(Condition):
    lookup: str
    of: Expression


@brief
@dataclass(frozen=True)
class Combined(Condition):
    how: str  # all, any, none
    conditions: tuple[Condition, ...]


def walk(node: Expression | Condition) -> Iterator[Expression | Condition]:
    """A value or condition and all that it is made of, conditions and identifier parts included."""
    yield node
    match node:
        case Identifier() | LastKnown():
            parts: tuple[Expression | Condition | None, ...] = node.parts
        case Cases():
            parts = (*(condition for condition, _ in node.cases), *node.children)
        case Expression():
            parts = node.children
        case Present() | Known():
            parts = (node.of,)
        case Compared():
            parts = (node.value, node.operand if isinstance(node.operand, Expression) else None)
        case Combined():
            parts = node.conditions
        case _:
            parts = ()
    for part in parts:
        if part is not None:
            yield from walk(part)


def references(node: Expression | Condition | None) -> Iterator[Reference]:
    """Every column that a value or a condition looks at, conditions and identifier parts included."""
    for each in walk(node) if node is not None else ():
        if isinstance(each, Reference):
            yield each


# -- lookups, parameters, sources ----------------------------------------------------------------


@brief
@dataclass(frozen=True)
class LookupRow:
    code: str
    to: str | None
    equivalence: str
    confidence: str
    reason: str | None
    source: str | None
    note: str | None
    place: Place = field(compare=False)
    undecided: bool = False  # the "no" of a Yes/No column, as long as no overlay says what it means


@brief
@dataclass(frozen=True)
class Lookup:
    name: str
    title: str
    clean: tuple[tuple[str, int], ...]  # (function, width)
    unknown: str
    default: str | None
    rows: tuple[LookupRow, ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class ParameterSpec:
    """A parameter. ``default`` is (kind, operand): text, parameter, most_common, earliest, ..., or None."""

    name: str
    title: str
    default: tuple[str, object] | None
    one_of: tuple[str, ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Agreement:
    """Records that share ``key`` (the natural key where there is none) must not differ in ``value``.

    Where they do, theirs is the conflict of that name.
    """

    conflict: str
    key: Expression | None
    value: Expression
    reason: str
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class AgreedColumn:
    """A column that a record and its parent both hold; where they differ, theirs is a conflict."""

    conflict: str
    column: str
    reason: str
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Parent:
    """The source table that the records of another belong to, by a column that both hold."""

    table: str
    by: str
    agree: tuple[AgreedColumn, ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class SourceRule:
    """How the records of a source table are told apart, and what they belong to.

    ``within``: the column together with which the natural key is unique, where it is not so alone.
    """

    table: str
    natural_key: tuple[Expression, ...]
    repeats: str | None
    repeats_reason: str | None
    required: bool
    place: Place = field(compare=False)
    agree: tuple[Agreement, ...] = ()
    parents: tuple[Parent, ...] = ()
    within: str | None = None

    @property
    def key_column(self) -> str | None:
        """The column that is the natural key, where it is one column."""
        first = self.natural_key[0] if len(self.natural_key) == 1 else None
        return first.name if isinstance(first, Reference) else None

    @property
    def conflicts(self) -> dict[str, str]:
        """The conflicts that records of the table may have, each with its reason."""
        own = {item.conflict: item.reason for item in self.agree}
        return own | {item.conflict: item.reason for parent in self.parents for item in parent.agree}


# -- tables --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preference:
    how: str  # filled, highest, lowest
    field: str


@brief
@dataclass(frozen=True)
class Join:
    alias: str
    table: str
    target: bool
    on: tuple[tuple[str, Expression], ...]
    prefer: tuple[Preference, ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Filter:
    name: str
    keep: Condition
    reason: str
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Field:
    """How one target column (or helper) is filled."""

    name: str
    value: Expression
    confidence: str | None
    note: str | None
    place: Place = field(compare=False)

    @property
    def helper(self) -> bool:
        return self.name.startswith("_")


@brief
@dataclass(frozen=True)
class OnePer:
    key: tuple[str, ...]
    rule: str
    reason: str
    prefer: tuple[Preference, ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Branch:
    """One way in which rows of a target table come about."""

    rows: str
    source: str | None  # None: one row from nothing
    joins: tuple[Join, ...]
    each: tuple[MappingType[str, str], ...]
    where: tuple[Filter, ...]
    fields: tuple[Field, ...]
    confidence: str | None
    note: str | None
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class TableMap:
    name: str
    branches: tuple[Branch, ...]
    one_per: tuple[OnePer, ...]  # applied one after another
    place: Place = field(compare=False)


# -- the whole -----------------------------------------------------------------------------------


@brief
@dataclass(frozen=True)
class DrawnTable:
    """A small table drawn as text: columns and cells; ``None`` is a missing value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class MappingTest:
    name: str
    parameters: MappingType[str, str]
    accept: StatedConfidence | None
    source: MappingType[str, DrawnTable]
    target: MappingType[str, DrawnTable]
    rejects: DrawnTable | None
    place: Place = field(compare=False)


@brief
@dataclass(frozen=True)
class Mapping:
    """One mapping file with everything that it includes. ``files`` are all files read, the main one first."""

    name: str
    version: str
    title: str
    source: str
    target: str
    parameters: MappingType[str, ParameterSpec]
    sources: MappingType[str, SourceRule]
    lookups: MappingType[str, Lookup]
    tables: MappingType[str, TableMap]
    retired: MappingType[str, MappingType[str, str]]
    unavailable: MappingType[str, MappingType[str, str]]
    tests: tuple[MappingTest, ...]
    files: tuple[str, ...]
    place: Place = field(compare=False)

    def with_tables(self, tables: MappingType[str, TableMap]) -> Mapping:
        """The same mapping with other tables (used to try changes)."""
        return replace(self, tables=tables)

    @property
    def conflicts(self) -> dict[str, str]:
        """All conflicts that the mapping knows, each with its reason."""
        return {name: why for rule in self.sources.values() for name, why in rule.conflicts.items()}

    def retired_reason(self, table: str, column: str) -> str | None:
        """Why a source column is not carried, ``None`` where the mapping does not retire it."""
        of_table = self.retired.get(table, {})
        return of_table.get(column, of_table.get("*"))

    def unavailable_reason(self, table: str, column: str) -> str | None:
        """Why a target column cannot be filled, ``None`` where the mapping does not say so."""
        of_table = self.unavailable.get(table, {})
        return of_table.get(column, of_table.get("*"))
