"""Source tables as the mapping sees them: canonical names, every value text, every row with its place.

Two views of each table stand side by side and share what they can. ``raw`` is what the file holds,
value for value; the ledger counts it and the rejects quotes it. ``clean`` is what queries read:
white space at the ends removed, empty texts missing, dates and times in one spelling where they have
one reading (:mod:`idbmigrate.staging.spellings`).

Most columns of health data hold few different values many times over. Such a column is an Arrow
dictionary: its different values, and for each row which of them. Text is made of the different values
only, and ``raw`` and ``clean`` share the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.concurrency import workers
from idbmigrate.datasets.model import ColumnSpec, Dataset
from idbmigrate.staging import spellings
from idbmigrate.staging.several import SeveralValues, read_values
from idbmigrate.staging.texts import Texts, as_text

if TYPE_CHECKING:
    from idbmigrate.datasets.identify import Identification
    from idbmigrate.datasets.match import TableMatch
    from idbmigrate.readers import Idb

#: What nobody sees at the ends of a text: white space of all kinds, what has no width, marks of direction.
UNSEEN = "".join(filter(str.isspace, map(chr, range(0x3001)))) + (
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)
#: Rows of a piece of a large table. An engine gives the pieces to its threads.
_PIECE = 30 * 2048
#: How often a value occurs at least, on average over a piece, where a dictionary pays: an engine reads
#: the whole dictionary anew with every piece.
_REPEATS = 8
#: Numbers of values in a dictionary: it never has more than a piece has rows, over ``_REPEATS``.
_NUMBER = pa.int16()
_CODED = pa.dictionary(_NUMBER, pa.string())


#: The character that stands where one was lost.
LOST = "\ufffd"


@dataclass(frozen=True, repr=False)
class StagedTable:
    """One source table as queries and the ledger see it.

    ``raw`` and ``clean`` have the same rows and columns, each of ``string`` or ``dictionary<int16, string>``.
    No two values of a dictionary are equal and none is null; the pieces of a large table have the same bounds
    in all columns, and one dictionary a column.

    ==============  ======================================================================================
    ``name``        the data set's name of the table; None for a table that the data set does not know
    ``ids``         int64 a row, page << 8 | slot, or the line of a CSV file where ``lines``; None where
                    the reader tells neither; below zero as :func:`number_place` has it where ``files``
    ``days``        columns that hold nothing but ``YYYY-MM-DD``
    ``dates``       column of text dates -> what its values prove of the order of day and month
    ``keys``        columns of the data set's keys; ``lost``: those with a character lost in some row
    ``several``     columns of which a cell may hold several values
    ``cleaned``     columns in which ``clean`` differs from ``raw``
    ``unknown``     columns that the data set does not know
    ``absent``      columns that the file does not have; the tables hold them, empty
    ``conflicts``   string a row: why nobody can tell whose record it is; None without such a row
    ``files``       names of the files that the rows come from, ``file_of`` the number of each row's file
    ==============  ======================================================================================
    """

    name: str | None
    source_name: str
    raw: pa.Table
    clean: pa.Table
    ids: np.ndarray | None
    lines: bool = False
    days: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    source_columns: Mapping[str, str] | None = None
    conflicts: pa.Array | None = None
    dates: Mapping[str, spellings.DateOrder] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    several: Mapping[str, SeveralValues] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    cleaned: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    file_of: np.ndarray | None = None

    def with_keys(self, columns: Mapping[str, pa.Array], conflicts: pa.Array | None) -> StagedTable:
        """The table with other texts of ``clean`` in these columns, and a word for each row in conflict."""
        clean = self.clean
        for name, values in columns.items():
            clean = clean.set_column(clean.schema.get_field_index(name), name, _in_pieces(values))
        return replace(self, clean=clean, conflicts=conflicts)

    def __repr__(self) -> str:
        return f"<StagedTable {self.label}: {self.raw.num_rows:,} rows, {self.raw.num_columns} columns>"

    @property
    def label(self) -> str:
        """The name that the books use: the data set's, or the file's own."""
        return self.name or self.source_name

    @property
    def columns(self) -> list[str]:
        """Columns that the file has."""
        return [name for name in self.raw.column_names if name not in self.absent]

    def places(self, rows: np.ndarray) -> pa.Array:
        """The references of rows by number: ``page:slot``, ``line:n``, or ``#n`` from 1 without either.

        With rows of several files the name of the file comes first.
        """
        if self.ids is None:
            return pc.binary_join_element_wise("#", pc.cast(pa.array(rows + 1), pa.string()), "")
        ids = self.ids[rows]
        if self.lines:
            return pc.binary_join_element_wise("line", pc.cast(pa.array(ids), pa.string()), ":")
        page, slot = (pc.cast(pa.array(part), pa.string()) for part in (ids >> 8, ids & 0xFF))
        place = pc.binary_join_element_wise(page, slot, ":")
        if self.file_of is None:
            return place
        word = pc.if_else(pa.array(ids & 1 == 1), "line:", "#")
        numbered = pc.binary_join_element_wise(word, pc.cast(pa.array(-ids >> 1), pa.string()), "")
        place = pc.if_else(pa.array(ids < 0), numbered, place)
        names = pa.array(self.files, pa.string()).take(pa.array(self.file_of[rows]))
        return pc.binary_join_element_wise(names, place, " ")


def number_place(numbers: np.ndarray, lines: bool) -> np.ndarray:
    """Numbers of rows (from 1), or of ``lines``, as places below zero, apart from those of Access files."""
    return -2 * numbers - int(lines)


def stage(idb: Idb, found: Identification, dataset: Dataset) -> dict[str, StagedTable]:
    """Stage all tables of a file, by label: the data set's in its order, then those it does not know.

    A table of the data set that the file lacks has no rows.
    """
    return {table.label: table for table in each_staged(idb, found, dataset)}


def each_staged(idb: Idb, found: Identification, dataset: Dataset) -> Iterator[StagedTable]:
    """Stage one table after the other, as :func:`stage` does; memory holds one at a time."""
    matches = {match.canonical: match for match in found.tables if match.canonical}
    lines = idb.row_reference == "line"
    for name, spec in dataset.tables.items():
        match = matches.get(name)
        known = _known(idb, match, name, spec.columns) if match else _absent(name, list(spec.columns))
        known = _without_lost_keys(known, {*spec.primary_key, *spec.foreign_keys})
        yield replace(known, lines=lines)
    for source_name in idb.tables:
        if not any(match.source == source_name and match.canonical for match in found.tables):
            table, ids, _ = read_values(idb, source_name, ())
            names = {name: name for name in table.column_names}
            label = _apart(source_name, dataset.tables)
            yield replace(_staged(None, label, table, ids, names, {}), lines=lines)


def _apart(name: str, taken: Iterable[str]) -> str:
    """A name of the file, marked where the data set has it for another table or column.

    An overlay may give ``Person`` to one table of the file and leave out another of that very name.
    """
    return f"{name} (not matched)" if name.casefold() in {own.casefold() for own in taken} else name


def _known(idb: Idb, match: TableMatch, name: str, spec: Mapping[str, ColumnSpec]) -> StagedTable:
    known = [column.source for column in match.columns if column.canonical]
    table, ids, several = read_values(idb, match.source, known)
    names: dict[str, str] = {}
    for column in match.columns:
        if column.source in table.column_names:
            own = column.canonical or _own_column(column.source, spec)
            while own in names.values():
                own += "'"
            names[column.source] = own
    staged = _staged(name, match.source, table, ids, names, _kinds(spec))
    return _without_several(staged, {names[source]: values for source, values in several.items()})


def _without_several(table: StagedTable, several: Mapping[str, SeveralValues]) -> StagedTable:
    """Empty the cells of ``clean`` that hold several values, as nothing tells which of them is meant."""
    clean = table.clean
    for name, values in several.items():
        if values.mask.any():
            texts = clean[name].cast(pa.string())
            single = pc.if_else(pa.array(values.mask), pa.scalar(None, pa.string()), texts)
            clean = clean.set_column(clean.schema.get_field_index(name), name, _in_pieces(single))
    return replace(table, clean=clean, several=dict(several)) if several else table


def _without_lost_keys(table: StagedTable, keys: Iterable[str]) -> StagedTable:
    """Empty the keys of ``clean`` that hold U+FFFD, the sign of a lost character; ``raw`` keeps the text.

    Two keys with a lost character may look alike, so the record is rejected as one without a key.
    """
    clean, found, keys = table.clean, set(), list(keys)
    for name in keys:
        column = clean[name]
        texts = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        lost = pc.match_substring(texts, LOST)
        if pc.any(lost).as_py():
            whole = pc.if_else(lost, pa.scalar(None, pa.string()), texts)
            clean = clean.set_column(clean.schema.get_field_index(name), name, whole)
            found.add(name)
    return replace(table, clean=clean, lost=frozenset(found), keys=frozenset(keys))


def _own_column(name: str, taken: Iterable[str]) -> str:
    """A column's name of the file, marked where it is taken or looks like one that queries make, ``_row``."""
    theirs = name.startswith("_") or "." in name
    return f"{name.replace('.', ':')} (not matched)" if theirs else _apart(name, taken)


def _absent(name: str, columns: list[str]) -> StagedTable:
    empty = pa.table({column: pa.nulls(0, _CODED) for column in columns})
    return StagedTable(name, name, empty, empty, np.empty(0, np.int64), absent=tuple(columns))


def staged_texts(name: str, table: pa.Table, spec: Mapping[str, ColumnSpec] | list[str]) -> StagedTable:
    """Stage a table of ``string`` columns in memory as the reader's tables are staged.

    ``spec`` gives the columns of the data set, or their names alone, for columns of plain text.
    """
    names = {column: column for column in table.column_names}
    kinds = dict.fromkeys(spec, "text") if isinstance(spec, list) else _kinds(spec)
    return _staged(name, name, table, None, names, kinds)


def _kinds(spec: Mapping[str, ColumnSpec]) -> dict[str, str]:
    """The kind of value that each column of a table of the data set holds."""
    return {name: column.format.kind for name, column in spec.items()}


def _staged(
    name: str | None,
    source_name: str,
    table: pa.Table,
    ids: np.ndarray | None,
    names: dict[str, str],
    spec: Mapping[str, str],
) -> StagedTable:
    made = _all_views(table, [spec.get(names[source], "text") for source in table.column_names])
    views = {names[source]: made[source] for source in table.column_names}
    absent = tuple(column for column in spec if column not in views)
    nothing = _in_pieces(pa.nulls(table.num_rows, _CODED))
    views |= dict.fromkeys(absent, _Views(nothing, nothing))
    return StagedTable(
        name,
        source_name,
        raw=pa.table({column: view.raw for column, view in views.items()}),
        clean=pa.table({column: view.clean for column, view in views.items()}),
        ids=ids,
        days=frozenset(column for column, view in views.items() if view.days),
        unknown=tuple(column for column in views if spec and column not in spec),
        absent=absent,
        source_columns={canonical: source for source, canonical in names.items()},
        dates={column: view.order for column, view in views.items() if view.order is not None},
        cleaned=frozenset(column for column, view in views.items() if view.clean is not view.raw),
    )


def _all_views(table: pa.Table, kinds: list[str]) -> dict[str, _Views]:
    """The views of each column. Those of a large table are made side by side."""
    if table.num_rows <= _PIECE:
        return dict(zip(table.column_names, map(_views, table.columns, kinds), strict=True))
    with workers(2) as pool:
        return dict(zip(table.column_names, pool.map(_views, table.columns, kinds), strict=True))


class _Views(NamedTuple):
    raw: pa.ChunkedArray
    clean: pa.ChunkedArray
    days: bool = False
    order: spellings.DateOrder | None = None


def _views(values: pa.ChunkedArray, kind: str) -> _Views:
    """Make both views of a column, and say whether it holds days alone and what its text dates prove."""
    coded = _coded(values)
    held = values if coded is None else coded.dictionary
    texts = as_text(held)
    raw = _in_pieces(texts if coded is None else _of(coded.indices, texts))
    days, order = False, None
    if pa.types.is_timestamp(held.type):
        cleaned = texts if _whole_seconds(held) else as_text(spellings.to_the_second(held))
        days = _only_days(cleaned)
    elif pa.types.is_string(held.type):
        cleaned, order = _spelled(_clean(texts), kind)
    else:
        cleaned = texts
    if cleaned is texts:
        return _Views(raw, raw, days, order)
    clean = _in_pieces(cleaned if coded is None else _of_cleaned(coded.indices, cleaned))
    return _Views(raw, clean, days, order)


def _spelled(texts: Texts, kind: str) -> tuple[Texts, spellings.DateOrder | None]:
    """Dates and times in one spelling, and what dates prove; other texts as they are."""
    if kind in ("date", "month"):
        return spellings.dates(texts)
    return (spellings.times(texts) if kind == "time" else texts), None


def _whole_seconds(values: Texts) -> bool:
    return not pc.any(pc.not_equal(pc.subsecond(values), 0)).as_py()


# -- different values, and which of them each row has ----------------------------------------------


def _coded(values: pa.ChunkedArray) -> pa.DictionaryArray | None:
    """Encode a column as a dictionary with nulls in the indices only; None where that does not pay."""
    if not len(values) or pa.types.is_null(values.type):
        return None
    coded = pc.dictionary_encode(values).combine_chunks()
    if len(coded.dictionary) * _REPEATS > min(len(values), _PIECE):
        return None
    return _of(coded.indices.cast(_NUMBER, safe=False), coded.dictionary)  # they surely fit


def in_staged_form(texts: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text in the pieces of a staged table, as a dictionary where that pays."""
    column = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])
    if column.null_count == len(column):
        return _in_pieces(pa.nulls(len(column), _CODED))
    coded = _coded(column)
    return _in_pieces(column if coded is None else coded)


def _of(indices: pa.Array, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)  # they are what Arrow gave


def _of_cleaned(indices: pa.Array, texts: pa.Array) -> pa.DictionaryArray:
    """Cleaning may have left nothing of a text, or made two of them equal."""
    again = texts.dictionary_encode()
    same = len(again.dictionary) == len(texts)
    return _of(indices if same else again.indices.cast(_NUMBER).take(indices), again.dictionary)


def _in_pieces(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    pieces = [values.slice(start, _PIECE) for start in range(0, len(values), _PIECE)]
    whole = [each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in pieces]
    return pa.chunked_array(whole, values.type)


def _only_days(dates: pa.ChunkedArray | pa.Array) -> bool:
    """Whether dates, as text, are all of a year of four digits and without a time."""
    return not pc.any(pc.not_equal(pc.binary_length(dates), len("YYYY-MM-DD"))).as_py()


def _clean(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Trimmed, empty texts missing; the same array where nothing changes."""
    plain = pc.all(pc.string_is_ascii(values)).as_py()
    trimmed = pc.utf8_trim_whitespace(values) if plain else pc.utf8_trim(values, characters=UNSEEN)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    if pc.any(empty).as_py():
        return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed)
    return trimmed if pc.any(pc.not_equal(trimmed, values)).as_py() else values
