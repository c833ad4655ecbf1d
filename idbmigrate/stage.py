"""Source tables as the mapping sees them: canonical names, every value text, every row with its place.

Two views of each table stand side by side and share what they can. ``raw`` is what the file holds,
value for value; the ledger counts it and the residue quotes it. ``clean`` is what queries read:
white space at the ends removed, empty texts missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import Dataset

if TYPE_CHECKING:
    from idbmigrate.datasets.identify import Identification, TableMatch
    from idbmigrate.readers import Idb

#: Milliseconds from 1970-01-01 back to day zero of Access, 1899-12-30: times without a day lie on it.
_DAY_ZERO = -2_209_161_600_000
_DAY = 86_400_000


@dataclass(frozen=True)
class StagedTable:
    """One source table.

    ``name`` is the data set's name of the table, ``None`` for a table that the data set does not know.
    ``raw`` and ``clean`` have the same rows and text columns; ``ids`` are the places of the rows (page
    << 8 | slot), ``None`` where the reader cannot tell. ``days`` are the columns that hold nothing but
    ``YYYY-MM-DD``; ``unknown`` those that the data set does not know; ``absent`` those of the data set
    that the file does not have (they are there, empty).
    """

    name: str | None
    source_name: str
    raw: pa.Table
    clean: pa.Table
    ids: np.ndarray | None
    days: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    source_columns: Mapping[str, str] | None = None

    @property
    def label(self) -> str:
        """The name that the books use: the data set's, or the file's own."""
        return self.name or self.source_name

    @property
    def columns(self) -> list[str]:
        """Columns that the file has."""
        return [name for name in self.raw.column_names if name not in self.absent]

    def places(self, rows: np.ndarray) -> pa.Array:
        """References of rows, ``page:slot``, or ``#n`` (from 1) where the reader gives no places."""
        if self.ids is None:
            return pc.binary_join_element_wise("#", pc.cast(pa.array(rows + 1), pa.string()), "")
        ids = self.ids[rows]
        page, slot = (pc.cast(pa.array(part), pa.string()) for part in (ids >> 8, ids & 0xFF))
        return pc.binary_join_element_wise(page, slot, ":")


def stage(idb: Idb, found: Identification, dataset: Dataset) -> dict[str, StagedTable]:
    """All tables of a file, by label, those of the data set first and in its order.

    A table of the data set that the file does not have is there without rows.
    """
    matches = {match.canonical: match for match in found.tables if match.canonical}
    staged = {}
    for name, spec in dataset.tables.items():
        columns = list(spec.columns)
        match = matches.get(name)
        staged[name] = _known(idb, match, name, columns) if match else _absent(name, columns)
    for source_name in idb.tables:
        if not any(match.source == source_name and match.canonical for match in found.tables):
            table, ids = idb.read_with_ids(source_name)
            names = {name: name for name in table.column_names}
            label = _apart(source_name, dataset.tables)
            staged[label] = _staged(None, label, table, ids, names, [])
    return staged


def _apart(name: str, taken: Iterable[str]) -> str:
    """A name of the file, marked where the data set has it for another table or column.

    An overlay may give ``Person`` to one table of the file and leave out another of that very name.
    """
    return f"{name} (not matched)" if name.casefold() in {own.casefold() for own in taken} else name


def _known(idb: Idb, match: TableMatch, name: str, spec_columns: list[str]) -> StagedTable:
    table, ids = idb.read_with_ids(match.source)
    names = {
        column.source: column.canonical or _apart(column.source, spec_columns) for column in match.columns
    }
    return _staged(name, match.source, table, ids, names, spec_columns)


def _absent(name: str, columns: list[str]) -> StagedTable:
    empty = pa.table({column: pa.array([], pa.string()) for column in columns})
    return StagedTable(name, name, empty, empty, np.empty(0, np.int64), absent=tuple(columns))


def staged_texts(name: str, table: pa.Table, columns: list[str]) -> StagedTable:
    """A table of texts, drawn or made in memory, staged as a file's would be."""
    names = {column: column for column in table.column_names}
    return _staged(name, name, table, None, names, columns)


def _staged(name, source_name, table: pa.Table, ids, names: dict[str, str], spec: list[str]) -> StagedTable:
    raw, clean, days = {}, {}, set()
    for source_column, values in zip(table.column_names, table.columns, strict=True):
        column = names[source_column]
        raw[column] = as_text(values)
        clean[column] = _clean(raw[column]) if _may_need_cleaning(values.type) else raw[column]
        if pa.types.is_timestamp(values.type) and _only_days(values):
            days.add(column)
    absent = [column for column in spec if column not in raw]
    for column in absent:
        raw[column] = clean[column] = pa.nulls(table.num_rows, pa.string())
    unknown = tuple(column for column in raw if spec and column not in spec)
    return StagedTable(
        name, source_name, pa.table(raw), pa.table(clean), ids, frozenset(days), unknown,
        tuple(absent), {canonical: source for source, canonical in names.items()},
    )  # fmt: skip


# -- text of every Access type ---------------------------------------------------------------------


def as_text(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """A column as text: codes and numbers as they are written, dates ``YYYY-MM-DD``, days without hours.

    Date/Time with a time of day is ``YYYY-MM-DD HH:MM:SS``, and ``HH:MM:SS`` on the day zero of Access,
    where times without a day lie. Yes/No is ``true`` and ``false``, bytes are hexadecimal.
    """
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_timestamp(kind):
        return _dates(values)
    if pa.types.is_decimal(kind):
        text = pc.cast(values, pa.string())
        return pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1") if kind.scale else text
    if pa.types.is_floating(kind):
        return _floats(values)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    return pc.cast(values, pa.string())


def _floats(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    text = pc.cast(values, pa.string())
    if not pc.any(pc.match_substring(text, "e")).as_py():
        return text
    plain = [None if v is None else np.format_float_positional(v, trim="-") for v in values.to_pylist()]
    return pa.array(plain, pa.string())


def _dates(values: pa.ChunkedArray) -> pa.Array:
    """Each date that occurs is written once; months of appointments hold few different days."""
    coded = pc.dictionary_encode(pc.cast(pc.cast(values, pa.timestamp("ms")), pa.int64()))
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    if isinstance(coded, pa.ChunkedArray):  # no chunk at all
        return pa.nulls(0, pa.string())
    stamps = coded.dictionary.to_numpy(zero_copy_only=False)
    texts = pa.array(_date_texts(stamps), pa.string())
    return texts.take(coded.indices)


def _date_texts(stamps: np.ndarray) -> np.ndarray:
    full = np.datetime_as_string(stamps.astype("M8[ms]"), unit="ms").astype("U26")
    day, rest = stamps // _DAY * _DAY, stamps % _DAY
    texts = np.array([text[:10] for text in full], dtype="U26")
    for i in np.flatnonzero(rest):
        seconds = full[i][11:19] if rest[i] % 1000 == 0 else full[i][11:23]
        texts[i] = seconds if day[i] == _DAY_ZERO else f"{full[i][:10]} {seconds}"
    return texts


def _only_days(values: pa.ChunkedArray) -> bool:
    stamps = pc.cast(pc.cast(values, pa.timestamp("ms")), pa.int64()).drop_null().to_numpy()
    bounds = stamps.size == 0 or (stamps.min() >= -62_135_596_800_000 and stamps.max() < 253_402_300_800_000)
    return bool(bounds and not np.any(stamps % _DAY))


def _may_need_cleaning(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind)


def _clean(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Trimmed, empty texts missing; the same array where nothing changes."""
    trimmed = pc.utf8_trim_whitespace(values)
    empty = pc.equal(pc.binary_length(trimmed), pa.scalar(0))
    if pc.any(empty).as_py():
        return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed)
    return trimmed if pc.any(pc.not_equal(trimmed, values)).as_py() else values
