"""Match the tables and columns of a file with those of one data set, name by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from idbmigrate.brief import brief
from idbmigrate.datasets.model import ColumnSpec, Dataset, Format, TableSpec
from idbmigrate.datasets.overlay import Binding, Overlay

#: Share of a table's expected columns that a table of another name must have to be mentioned.
_RESEMBLANCE = 0.6
#: A table of fewer columns is not recognised by them.
_ENOUGH_COLUMNS = 3

#: A column of a CSV file: it has neither type nor width.
_UNTYPED = "CSV"
_NUMBERS = ("BYTE", "INT", "LONG", "BIG_INT")
#: Kind of a format -> the Access types that hold it as it is meant.
_TYPES = {
    "text": ("TEXT", "MEMO"),
    "integer": _NUMBERS,
    "decimal": (*_NUMBERS, "FLOAT", "DOUBLE", "NUMERIC", "MONEY"),
    "date": ("SHORT_DATE_TIME", "EXT_DATE_TIME"),
    "time": ("TEXT", "SHORT_DATE_TIME", "EXT_DATE_TIME"),
    "month": ("TEXT",),
    "timestamp": ("SHORT_DATE_TIME", "EXT_DATE_TIME"),
}


class Column(Protocol):
    """A column of the file: its name, Access type name and length in bytes or characters."""

    name: str
    type: str
    length: int


@dataclass(frozen=True)
class ColumnMatch:
    """A column of the file and the one of the data set that it is (``canonical`` is None: none).

    ``how`` is ``exact``, ``case``, ``alias`` or ``overlay``; ``confidence`` that of the name that
    matched; a table may also be told by its ``columns``. ``drift`` says how type or width differ from what
    the data set leads one to expect.
    """

    source: str
    canonical: str | None
    how: str | None
    confidence: str | None
    type: str
    length: int
    drift: str | None = None


@brief
@dataclass(frozen=True)
class TableMatch:
    """A table of the file and the one of the data set that it is (``canonical`` is None: none).

    ``missing`` are the data set's columns that the file's table does not have, ``resembles`` the table
    whose columns a table of unknown name has.
    """

    source: str
    canonical: str | None
    how: str | None
    confidence: str | None
    columns: tuple[ColumnMatch, ...]
    missing: tuple[str, ...] = ()
    resembles: str | None = None

    @property
    def extra(self) -> tuple[str, ...]:
        """Columns of the file that the data set does not have."""
        return tuple(column.source for column in self.columns if column.canonical is None)


@dataclass(frozen=True)
class Clash:
    """Names of the file (``sources``) that may all be the same ``canonical`` one."""

    canonical: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """All tables of the file in catalogue order, matched with one data set."""

    tables: tuple[TableMatch, ...]
    missing: tuple[str, ...]
    clashes: tuple[Clash, ...]


def match(dataset: Dataset, tables: Mapping[str, list[Column]], overlay: Overlay) -> Matching:
    """Match a file's tables with a data set; of names that clash the first one counts."""
    names = [(spec.name, spec.aliases, spec.confidence) for spec in dataset.tables.values()]
    bound = {
        name: own.source for name, own in overlay.tables.items() if own.source and name in dataset.tables
    }
    found, clashes = _assign([t for t in tables if not overlay.ignores(t)], names, bound, "")
    by_columns, more = _by_columns(dataset, tables, found, overlay)
    found |= by_columns
    clashes += more
    taken = {name for name, _, _ in found.values()}
    missing = [name for name in dataset.tables if name not in taken]
    shapes = [_Shape.of(dataset.tables[name]) for name in missing]
    shapes = [shape for shape in shapes if shape.expected >= _ENOUGH_COLUMNS]
    matches = []
    for source, columns in tables.items():
        canonical, how, confidence = found.get(source, (None, None, None))
        if canonical is None:
            matches.append(_unmatched(source, columns, [] if overlay.ignores(source) else shapes))
            continue
        binding = overlay.tables.get(canonical, Binding(None, {}))
        own, lost, more = _columns(dataset.tables[canonical], source, columns, binding, overlay)
        clashes += more
        matches.append(TableMatch(source, canonical, how, confidence, own, lost))
    lost = tuple(name for name in missing if dataset.tables[name].expected)
    return Matching(tuple(matches), lost, tuple(clashes))


def _by_columns(
    dataset: Dataset,
    tables: Mapping[str, list[Column]],
    found: Mapping[str, tuple[str, str, str]],
    overlay: Overlay,
) -> tuple[dict[str, tuple[str, str, str]], list[Clash]]:
    """Tables of unknown names that have the columns by which a table of the data set is recognised.

    They stand beside tables that are known by name: without any of those nothing is recognised.
    """
    if not found:
        return {}, []
    taken = {name for name, _, _ in found.values()}
    free = {t: {c.name.casefold() for c in own} for t, own in tables.items() if t not in found}
    recognised: dict[str, tuple[str, str, str]] = {}
    clashes = []
    for spec in dataset.tables.values():
        if spec.name in taken or not spec.recognised_by:
            continue
        known = [
            {name.casefold() for name in (column, *spec.columns[column].aliases)}
            for column in spec.recognised_by
        ]
        alike = [t for t, names in free.items() if not overlay.ignores(t) and all(k & names for k in known)]
        recognised |= dict.fromkeys(alike[:1], (spec.name, "columns", "inferred"))
        clashes += [Clash(spec.name, tuple(alike))] if len(alike) > 1 else []
    return recognised, clashes


def _columns(
    spec: TableSpec, source: str, columns: list[Column], binding: Binding, overlay: Overlay
) -> tuple[tuple[ColumnMatch, ...], tuple[str, ...], list[Clash]]:
    names = [(column.name, column.aliases, column.confidence) for column in spec.columns.values()]
    called = {alias: column.name for column in spec.columns.values() for alias in column.aliases}
    bound = {called.get(name, name): own for name, own in binding.columns.items()}
    bound = {name: own for name, own in bound.items() if name in spec.columns}
    free = [column.name for column in columns if not overlay.ignores(source, column.name)]
    found, clashes = _assign(free, names, bound, f"{source}.")
    matches = []
    for column in columns:
        canonical, how, confidence = found.get(column.name, (None, None, None))
        change = drift(column, spec.columns[canonical]) if canonical else None
        matches.append(
            ColumnMatch(column.name, canonical, how, confidence, column.type, column.length, change)
        )
    taken = {name for name, _, _ in found.values()}
    return tuple(matches), tuple(name for name in spec.columns if name not in taken), clashes


def _unmatched(source: str, columns: list[Column], shapes: list[_Shape]) -> TableMatch:
    own = tuple(ColumnMatch(c.name, None, None, None, c.type, c.length) for c in columns)
    names = {column.name.casefold() for column in columns}
    best, resembles = _RESEMBLANCE, None
    for shape in shapes:
        share = len({shape.names[name] for name in shape.names.keys() & names}) / shape.expected
        if share > best:
            best, resembles = share, shape.table
    return TableMatch(source, None, None, None, own, resembles=resembles)


@dataclass(frozen=True)
class _Shape:
    """The names by which the expected columns of a table are known, and how many of them there are."""

    table: str
    names: Mapping[str, str]
    expected: int

    @classmethod
    def of(cls, spec: TableSpec) -> _Shape:
        columns = [column for column in spec.columns.values() if column.expected]
        names = {name.casefold(): c.name for c in columns for name in (c.name, *c.aliases)}
        return cls(spec.name, names, len(columns))


def _assign(
    sources: Iterable[str],
    names: Iterable[tuple[str, Mapping[str, str], str]],
    bound: Mapping[str, str],
    prefix: str,
) -> tuple[dict[str, tuple[str, str, str]], list[Clash]]:
    """Give each source name its canonical one, how they met and how sure that is.

    ``names`` are canonical name, aliases and confidence; ``bound`` are the user's own pairs, which no
    other name contends with.
    """
    known: dict[str, tuple[str, str, str]] = {}
    for name, source in bound.items():
        known[source.casefold()] = (name, "overlay", "confirmed")
    for name, aliases, confidence in names:
        if name not in bound:
            known.setdefault(name.casefold(), (name, "case", confidence))
            for alias, grade in aliases.items():
                known.setdefault(alias.casefold(), (name, "alias", grade))
    found: dict[str, tuple[str, str, str]] = {}
    rivals: dict[str, list[str]] = {}
    for source in sources:
        if hit := known.get(source.casefold()):
            name, how, confidence = hit
            rivals.setdefault(name, []).append(source)
            if len(rivals[name]) == 1:
                found[source] = (name, "exact" if how == "case" and source == name else how, confidence)
    clashes = [Clash(f"{prefix}{n}", tuple(all_)) for n, all_ in rivals.items() if len(all_) > 1]
    return found, clashes


def drift(column: Column, spec: ColumnSpec) -> str | None:
    """How a column's Access type or width differs from the format of the data set, in words."""
    expected = spec.format
    if column.type == _UNTYPED:
        return None
    if column.type not in _TYPES[expected.kind]:
        return f"{column.type} where {_expectation(expected)} is expected"
    if column.type == "TEXT" and expected.max_length and column.length != expected.max_length:
        side = "narrower" if column.length < expected.max_length else "wider"
        return f"{column.length} characters, {side} than {expected.max_length}"
    return None


def _expectation(expected: Format) -> str:
    words = {"text": "text", "integer": "a whole number", "decimal": "a decimal number"}
    return words.get(expected.kind, f"a {expected.kind}")
