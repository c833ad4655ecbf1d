"""Read a table: rows in chunks, each chunk column by column, into Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from idbmigrate.access import format as fmt
from idbmigrate.access.codepages import code_page_codec, known_code_page
from idbmigrate.access.read.calculated import decode_decimal, same_scale, unwrap
from idbmigrate.access.read.damage import Damage
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.read.longvalue import TOO_LARGE, LongValues
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.rowparts import BAD_OFFSETS, SHORT_FIXED, RowParts
from idbmigrate.access.read.rows import RowSet, locate_rows
from idbmigrate.access.read.tabledef import Column, TableDefinition
from idbmigrate.access.read.text import decode_code_page, decode_unicode
from idbmigrate.access.read.values import (
    arrow_type,
    boolean_array,
    decode_fixed,
    nullable_booleans,
    ragged_array,
)

#: Rows read at a time: few enough for a processor's cache, many enough to make the calls worth it.
CHUNK_ROWS = 16_384
#: Bytes of long values in one chunk of one column: Arrow's strings have 32-bit offsets, and UTF-8 may
#: take twice the stored bytes.
CHUNK_BYTES = 1 << 29
_SHORT_VALUE = "a value is shorter than its type needs"
_NOT_A_VALUE = "the bytes are no value of the column's type"
_HALF_CHARACTER = "the text ends in half a character"
_LOST = (
    "{count} values hold a lost character: U+FFFD, or half a surrogate pair, given as a private use "
    "character (U+E000 to U+E7FF)"
)
_CODE_PAGE = "the file's code page {number} is not known; text is read as Windows-1252"


def schema(columns: list[Column]) -> pa.Schema:
    """The Arrow schema of ``read`` for these columns."""
    return pa.schema(
        [pa.field(c.name, arrow_type(c), nullable=c.code != fmt.BOOLEAN or c.calculated) for c in columns]
    )


def read_table(
    pages: PageFile, table: TableDefinition, columns: list[Column], damage: Damage
) -> tuple[pa.Table, np.ndarray]:
    """The rows of a table in the order of its pages, and their ids (int64: page << 8 | slot)."""
    rows = locate_rows(pages, table, damage)
    reader = _TableReader(pages, table, columns, damage)
    chunks, ids = [], []
    for first in range(0, len(rows), CHUNK_ROWS):
        for part, arrays in reader.read(rows[first : first + CHUNK_ROWS]):
            chunks.append(arrays)
            ids.append(part.rows.ids)
    reader.note_lost()
    if len(rows):
        reader.note_code_page()
    content = _assemble(columns, [list(arrays) for arrays in zip(*chunks)])
    return content, np.concatenate(ids) if ids else np.zeros(0, np.int64)


def count_values(pages: PageFile, table: TableDefinition, column: Column, damage: Damage) -> int:
    """How many rows have a value in the column; the values themselves are not read."""
    rows = locate_rows(pages, table, damage)
    reader = _TableReader(pages, table, [column], damage)
    chunks = (rows[first : first + CHUNK_ROWS] for first in range(0, len(rows), CHUNK_ROWS))
    return sum(int(np.count_nonzero(reader.check(chunk).present(column.number))) for chunk in chunks)


def _assemble(columns: list[Column], chunks: list[list[pa.Array]]) -> pa.Table:
    """A table from the chunks of each column (none at all for a table without rows)."""
    fields = list(schema(columns))
    for index, column in enumerate(columns):
        if chunks and column.calculated and column.code == fmt.NUMERIC:
            chunks[index] = same_scale(chunks[index])
            fields[index] = fields[index].with_type(chunks[index][0].type)
    arrays = [
        pa.chunked_array(chunks[index] if chunks else [], field.type) for index, field in enumerate(fields)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


class _Oversized(Exception):
    """A chunk has more bytes of long values than one Arrow array should hold."""


class _TableReader:
    def __init__(self, pages: PageFile, table: TableDefinition, columns: list[Column], damage: Damage):
        self.pages, self.table, self.columns, self.damage = pages, table, columns, damage
        self._codec = code_page_codec(pages.header.code_page)
        self._long_bytes: dict[int, int] = {}
        self._lost: Counter[str] = Counter()

    def note_lost(self) -> None:
        """Note, column by column, how many values hold a lost character."""
        for column, count in self._lost.items():
            self.damage.note(_LOST.format(count=count), table=self.table.name, column=column)

    def note_code_page(self) -> None:
        """Note the text columns of a file whose code page nobody knows."""
        texts = [c for c in self.columns if c.code in (fmt.TEXT, fmt.MEMO)]
        if self.pages.layout is not fmt.JET3 or known_code_page(self.pages.header.code_page):
            return
        for column in texts:
            message = _CODE_PAGE.format(number=self.pages.header.code_page)
            self.damage.note(message, table=self.table.name, column=column.name)

    def check(self, rows: RowSet) -> RowParts:
        """The parts of the rows that are sound; the others go to ``damage``."""
        parts = self._parts(rows)
        parts = self._without(parts, parts.bad_counts())
        parts = self._without(parts, {BAD_OFFSETS: parts.bad_offsets()})
        return self._without(parts, {SHORT_FIXED: parts.short_of_fixed()})

    def _parts(self, rows: RowSet) -> RowParts:
        return RowParts(self.pages.view, self.pages.layout, self.table, rows)

    def _without(self, parts: RowParts, faults: dict[str, np.ndarray]) -> RowParts:
        good = np.ones(parts.count, bool)
        for message, bad in faults.items():
            if bad.any():
                place = parts.rows.page, parts.rows.slot
                self.damage.report_rows(bad, *place, message, table=self.table.name)
                good &= ~bad
        return parts if good.all() else self._parts(parts.rows[good])

    def read(self, rows: RowSet) -> Iterator[tuple[RowParts, list[pa.Array]]]:
        """The sound rows and their columns, in as many parts as it takes to keep each within bounds."""
        seen, counted, lost = len(self.damage.problems), dict(self._long_bytes), Counter(self._lost)
        parts = self.check(rows)
        try:
            arrays = [self._column(parts, column) for column in self.columns]
        except _Oversized:  # what this try has found will be found again
            self.damage.forget(seen)
            self._long_bytes, self._lost = counted, lost
            half = len(rows) // 2
            yield from self.read(rows[:half])
            yield from self.read(rows[half:])
        else:
            yield parts, arrays

    def _column(self, parts: RowParts, column: Column) -> pa.Array:
        valid = parts.present(column.number)
        if column.code == fmt.BOOLEAN and not column.calculated:
            return boolean_array(valid)
        if not valid.any():
            return pa.nulls(parts.count, arrow_type(column))
        if column.fixed and column.size is not None and not column.calculated:
            raw = parts.fixed(column.fixed_offset, column.size)
            return self._told(parts, column, *decode_fixed(column, raw, valid))
        view, start, length, valid = self._values(parts, column, valid)
        if column.calculated:
            start, length, bad = unwrap(view, start, length)
            if bad.any():
                valid = self._drop(parts, column, valid, bad, _SHORT_VALUE)
                start, length = start[~bad], length[~bad]
            if not length.all():  # an empty wrapper is an empty result
                valid, start, length = _less(valid, length == 0), start[length > 0], length[length > 0]
        return self._ragged(parts, column, view, start, length, valid)

    def _values(
        self, parts: RowParts, column: Column, valid: np.ndarray
    ) -> tuple[ByteView, np.ndarray, np.ndarray, np.ndarray]:
        """Where the bytes of the column's non-null values lie: view, start, length; and who has one."""
        if column.fixed:
            start = (parts.rows.start + parts.layout.row_head + column.fixed_offset)[valid]
            return self.pages.view, start, np.full(len(start), column.stored_size), valid
        start, length, valid = parts.variable(column.variable_index, valid)
        if column.code not in (fmt.MEMO, fmt.OLE):
            return self.pages.view, start, length, valid
        values = LongValues(self.pages, start, length)
        if parts.count > 1 and int(values.length.sum()) > CHUNK_BYTES:
            raise _Oversized
        self._count_bytes(column, int(values.length.sum()))
        owners, bad = np.flatnonzero(valid), np.zeros(len(start), bool)
        for message, which in values.bad.items():
            self._blame(parts, column, owners[which], message)
            bad |= which
        if bad.any():
            valid = _less(valid, bad)
        return values.view, values.start[~bad], values.length[~bad], valid

    def _count_bytes(self, column: Column, more: int) -> None:
        """Two values cannot share bytes, so all of a column's together fit the file."""
        self._long_bytes[column.number] = self._long_bytes.get(column.number, 0) + more
        if self._long_bytes[column.number] > self.pages.view.size:
            Damage(self.damage.file).report(TOO_LARGE, table=self.table.name, column=column.name)

    def _ragged(
        self,
        parts: RowParts,
        column: Column,
        view: ByteView,
        start: np.ndarray,
        length: np.ndarray,
        valid: np.ndarray,
    ) -> pa.Array:
        """Values whose bytes lie anywhere: texts, binaries, and fixed-size values of calculated columns."""
        kind = arrow_type(column)
        if column.code in (fmt.TEXT, fmt.MEMO):
            if self.pages.layout is fmt.JET3:
                size, data, bad, lost = decode_code_page(view, start, length, self._codec)
            else:
                size, data, bad, lost = decode_unicode(view, start, length)
            if lost:
                self._lost[column.name] += lost
            if bad.any():
                valid, size = self._drop(parts, column, valid, bad, _HALF_CHARACTER), size[~bad]
            return ragged_array(kind, size, data, valid)
        if column.code == fmt.BOOLEAN:
            flags = np.zeros(parts.count, bool)
            flags[valid] = (length > 0) & (view.block(start, 1)[:, 0] != 0)
            return nullable_booleans(flags, valid)
        if column.size is None:
            return ragged_array(kind, length, view.ragged(start, length), valid)
        if column.code == fmt.NUMERIC and column.calculated:
            return self._told(parts, column, *decode_decimal(view, start, length, valid, kind.scale))
        short = length < column.size
        if short.any():
            valid, start = self._drop(parts, column, valid, short, _SHORT_VALUE), start[~short]
        raw = np.zeros((parts.count, column.size), np.uint8)
        raw[valid] = view.block(start, column.size)
        return self._told(parts, column, *decode_fixed(column, raw, valid))

    def _told(self, parts: RowParts, column: Column, array: pa.Array, bad: np.ndarray | None) -> pa.Array:
        if bad is not None:
            self._blame(parts, column, np.flatnonzero(bad), _NOT_A_VALUE)
        return array

    def _drop(
        self, parts: RowParts, column: Column, valid: np.ndarray, bad: np.ndarray, message: str
    ) -> np.ndarray:
        """Report the values in ``bad`` (one bool for each valid row); returns ``valid`` without them."""
        self._blame(parts, column, np.flatnonzero(valid)[bad], message)
        return _less(valid, bad)

    def _blame(self, parts: RowParts, column: Column, which: np.ndarray, message: str) -> None:
        every = np.ones(len(which), bool)
        page, slot = parts.rows.page[which], parts.rows.slot[which]
        self.damage.report_rows(every, page, slot, message, table=self.table.name, column=column.name)


def _less(valid: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """``valid`` without those of its true rows that are true in ``bad``."""
    valid = valid.copy()
    valid[np.flatnonzero(valid)[bad]] = False
    return valid
