"""What an explanation says. Values and bytes are those of a record: they are for whoever has the file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

#: What stands for a value where an explanation is for others.
HIDDEN = "(not shown)"


@dataclass(frozen=True, repr=False)
class Origin:
    """A source value that a cell looks at.

    ``place`` is the row (``page:slot``), ``raw`` the text that the file holds, ``clean`` the one that
    queries read; ``offset`` is where the cell's bytes begin in the file and ``stored`` the bytes themselves,
    in hexadecimal: null where the reader gives none. ``carried`` is false for a value that only a condition
    or an identifier looks at.
    """

    table: str
    column: str
    place: str
    raw: str | None
    clean: str | None
    carried: bool
    offset: int | None = None
    stored: str | None = None

    def shared(self) -> Origin:
        stored = self.stored and HIDDEN
        return replace(self, raw=_hidden(self.raw), clean=_hidden(self.clean), stored=stored)


@dataclass(frozen=True, repr=False)
class LookupUse:
    """A lookup that a rule uses, with the row that the code met (``place`` is null where none did)."""

    lookup: str
    code: str | None = None
    to: str | None = None
    equivalence: str | None = None
    confidence: str | None = None
    source: str | None = None
    note: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Rule:
    """How the mapping fills a column: where it says so, how sure it is, and the parameters that it uses."""

    place: str
    confidence: str | None
    note: str | None
    parameters: dict[str, str] = field(default_factory=dict)
    lookups: tuple[LookupUse, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Cell:
    """A cell of a target row: ``rule`` is null where the mapping does not fill the column.

    ``reason`` says, where the cell is missing, why a value that was on its way to it stayed behind.
    """

    column: str
    value: str | None
    rule: Rule | None = None
    origins: tuple[Origin, ...] = ()
    reason: str | None = None
    meaning: str | None = None

    def shared(self) -> Cell:
        rule = self.rule and replace(
            self.rule, lookups=tuple(_only_names(each) for each in self.rule.lookups)
        )
        origins = tuple(each.shared() for each in self.origins)
        return replace(self, value=_hidden(self.value), rule=rule, origins=origins)


@dataclass(frozen=True, repr=False)
class TargetRow:
    """A row of the output: ``row`` is its number from 1, ``made_from`` are its source rows, its own first."""

    table: str
    row: int
    made_from: tuple[str, ...]
    cells: tuple[Cell, ...]

    def __repr__(self) -> str:
        return f"<TargetRow {self.table} {self.row}: {len(self.cells)} cells>"

    def shared(self) -> TargetRow:
        """The same without values and bytes."""
        return replace(self, cells=tuple(cell.shared() for cell in self.cells))

    def as_dict(self) -> dict[str, Any]:
        """The explanation as one JSON object."""
        return asdict(self)


@dataclass(frozen=True, repr=False)
class BookEntry:
    """What became of a source value, or of the row itself (``column`` is null).

    ``outcome`` is carried, rejected or dropped; null for a cell without a value. ``cells`` are target cells
    or rows, as ``Table.Column row``; ``on_the_way_to`` is where a value that stayed behind would have gone.
    """

    column: str | None
    value: str | None
    outcome: str | None
    cells: tuple[str, ...] = ()
    reason: str | None = None
    meaning: str | None = None
    on_the_way_to: str | None = None

    def shared(self) -> BookEntry:
        return replace(self, value=_hidden(self.value))


@dataclass(frozen=True, repr=False)
class SourceRow:
    """A row of the file with what the books say of it and of each of its values."""

    table: str
    place: str
    row: BookEntry
    values: tuple[BookEntry, ...]

    def __repr__(self) -> str:
        return f"<SourceRow {self.table} {self.place}: {len(self.values)} values>"

    def shared(self) -> SourceRow:
        """The same without values."""
        return replace(self, values=tuple(each.shared() for each in self.values))

    def as_dict(self) -> dict[str, Any]:
        """The explanation as one JSON object."""
        return asdict(self)


def _hidden(value: str | None) -> str | None:
    return None if value is None else HIDDEN


def _only_names(of: LookupUse) -> LookupUse:
    """A lookup without the code that was looked for and what it became: they are values of the record."""
    return LookupUse(of.lookup)
