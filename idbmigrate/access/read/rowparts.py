"""The parts of rows: null mask, fixed area, and where each variable value begins and ends.

A row is: the number of columns it was written with; the fixed area; the variable values one after
the other; the table of their offsets, backwards; their number; the null mask. So everything but the
fixed area is found from the row's end. When all rows of a chunk have the same shape (nearly always)
their ends are gathered as one matrix; otherwise each field is gathered from its own place.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.read.rows import RowSet
from idbmigrate.access.read.tabledef import TableDefinition

TOO_SHORT = "the row is shorter than its own column count needs"
TOO_MANY = "the row counts more columns than its table has"
BAD_OFFSETS = "the offsets of the row's variable values contradict each other"
SHORT_FIXED = "the row is too short for its fixed columns"


class RowParts:
    """The parts of a chunk of rows.

    ``columns`` and ``variables`` are each row's own counts (int64). Rows that :meth:`bad_counts` names
    must be left out before anything else is asked.
    """

    def __init__(self, view: ByteView, layout: fmt.Layout, table: TableDefinition, rows: RowSet):
        self.view, self.layout, self.table, self.rows = view, layout, table, rows
        self.count = len(rows)
        fixed = max((c.fixed_offset + c.stored_size for c in table.columns if c.fixed), default=0)
        self._head = view.block(rows.start, layout.row_head + fixed)
        self.columns = self._numbers(self._head, 0)
        self._same_columns = _all_same(self.columns)
        longest = (table.max_columns + 7) >> 3
        self._tail = view.block(rows.end - self._tail_width(longest), self._tail_width(longest))
        # one number if all rows have the same, which saves a pass over an array at every use
        self._mask_length = (int(self.columns[0]) + 7) >> 3 if self._same_columns else (self.columns + 7) >> 3
        # A row ends in a table of offsets only if the table had a variable column when it was written.
        first = min((c.number for c in table.columns if not c.fixed), default=table.max_columns)
        self._has_part = self.columns > first
        self._count()

    def _tail_width(self, mask_length: int) -> int:
        """Bytes at the end of a row with as many variable values as the table has columns for."""
        return mask_length + self.layout.row_head * (self.table.variable_columns + 2)

    def _numbers(self, block: np.ndarray, at: int) -> np.ndarray:
        """The count that stands at one place of every line of a block: one byte in Jet 3, else two."""
        kind = "<u2" if self.layout.row_head == 2 else "u1"
        return np.ndarray((self.count,), kind, block, at, (block.shape[1],)).astype(np.int64)

    def _count(self) -> None:
        """Find the number of variable values of each row, and the rows whose counts cannot be."""
        rows, width = self.rows, self.layout.row_head
        length = rows.end - rows.start
        self._many = self.columns > self.table.max_columns
        need = width + self._mask_length + width * self._has_part
        self._short = ~self._many & (length < np.maximum(need, width + 1))
        self.mask_at = rows.end - self._mask_length
        counted = self._has_part & ~self._short & ~self._many
        if self._same_columns and counted.all():
            self.variables = self._numbers(self._tail, self._tail.shape[1] - self._mask_length - width)
        else:
            at = np.where(counted, self.mask_at - width, 0)
            found = self.view.u16(at) if width == 2 else self.view.u8(at)
            self.variables = np.where(counted, found, 0).astype(np.int64)
        self._many |= self.variables > self.table.variable_columns

    def bad_counts(self) -> dict[str, np.ndarray]:
        """What is wrong with a row's counts -> which rows (bool)."""
        return {TOO_SHORT: self._short, TOO_MANY: self._many}

    @cached_property
    def _entries(self) -> np.ndarray:
        """Offsets of variable values, one line a row, in stored order: backwards, the end first."""
        if not self._has_part.any():
            return np.zeros((self.count, 0), np.int64)
        if self.layout is fmt.JET3:
            return self._jumped_entries()
        return self._even_entries() if self._even else self._uneven_entries()

    @cached_property
    def _even(self) -> bool:
        """Whether all rows have the same shape."""
        return self._same_columns and _all_same(self.variables) and self.count > 0

    # -- null mask ---------------------------------------------------------------------------
    def present(self, number: int) -> np.ndarray:
        """Whether the rows have a value in the column of that number (bool); the bit itself of a Yes/No."""
        if self._same_columns:
            if not self.count or number >= self.columns[0]:
                return np.zeros(self.count, bool)
            mask = self._tail[:, self._tail.shape[1] - self._mask_length + (number >> 3)]
        else:
            inside = number < self.columns
            mask = np.where(inside, self.view.u8(np.where(inside, self.mask_at + (number >> 3), 0)), 0)
        return (mask & np.uint8(1 << (number & 7))).astype(bool)

    # -- fixed area --------------------------------------------------------------------------
    def fixed(self, offset: int, size: int) -> np.ndarray:
        """``size`` bytes at ``offset`` of the fixed area: uint8, shape (rows, size), contiguous."""
        # As one item a row, the copy is four times as fast as one of a two-dimensional slice.
        at, step = self.layout.row_head + offset, self._head.shape[1]
        items = np.ndarray((self.count,), f"V{size}", self._head, at, (step,))
        return items.copy().view(np.uint8).reshape(self.count, size)

    def short_of_fixed(self) -> np.ndarray:
        """Rows that end before a fixed column of which they say that it has a value."""
        short = np.zeros(self.count, bool)
        if not self.count:
            return short
        end = self.mask_at - self.rows.start
        if self._entries.shape[1]:
            end = np.where(self._has_part, self._entries[:, self._column(0)], end)
        least = int(end.min())
        for column in self.table.columns:
            need = self.layout.row_head + column.fixed_offset + column.stored_size
            if column.fixed and column.code != fmt.BOOLEAN and least < need:
                short |= (end < need) & self.present(column.number)
        return short

    # -- variable values ---------------------------------------------------------------------
    def variable(self, index: int, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the variable value of the rows in ``valid`` (bool) lies.

        Returns start (byte offset in the file) and length of those that there are (int64), and which
        rows they are (bool): a row has no value for a column added after it was written.
        """
        if index + 1 >= self._entries.shape[1]:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, np.zeros(self.count, bool)
        if not self._even:
            valid = valid & (self.variables > index)
        rows = slice(None) if valid.all() else np.flatnonzero(valid)
        start = self._entries[rows, self._column(index)].astype(np.int64)
        length = self._entries[rows, self._column(index + 1)] - start
        start += self.rows.start[rows]
        return start, length, valid

    def bad_offsets(self) -> np.ndarray:
        """Rows whose table of offsets is not an ascending list inside the row."""
        entries = self._entries
        width = entries.shape[1]
        if not width:
            return np.zeros(self.count, bool)
        bad = entries[:, self._column(0)] < self.layout.row_head
        bad |= entries[:, 0] > self._table_at()
        # The stored order is backwards, so no entry may be greater than the one before it.
        flat = entries.reshape(-1)
        rising = flat[1:] > flat[:-1]
        rising[width - 1 :: width] = False  # from one row to the next
        if rising.any():
            bad[np.flatnonzero(rising) // width] = True
        return self._has_part & bad

    def _table_at(self) -> np.ndarray:
        """Where the table of offsets begins, from the row's start."""
        below = self.mask_at - self.rows.start
        if self.layout is fmt.JET3:
            return below - 1 - self._jumps - self.variables - 1
        return below - 2 - 2 * (self.variables + 1)

    def _column(self, index: int) -> int:
        """Where in a line of ``_entries`` the offset of a variable value is."""
        return self._entries.shape[1] - 1 - index

    def _even_entries(self) -> np.ndarray:
        """Jet 4, one shape: a part of the rows' ends."""
        count = int(self.variables[0]) + 1
        at, step = self._tail.shape[1] - self._mask_length - 2 - 2 * count, self._tail.shape[1]
        items = np.ndarray((self.count,), f"V{2 * count}", self._tail, at, (step,))
        return items.copy().view("<u2").reshape(self.count, count)

    def _uneven_entries(self) -> np.ndarray:
        """Jet 4, several shapes: values that a row does not have begin and end where its last one ends."""
        columns = []
        for index in range(int(self.variables.max()), -1, -1):
            at = self.mask_at - 4 - 2 * np.minimum(index, self.variables)
            columns.append(self.view.u16(np.maximum(at, self.rows.start)))
        return np.stack(columns, axis=1)

    def _jumped_entries(self) -> np.ndarray:
        """Jet 3: one-byte offsets; the jump table says from which value on another 256 is to be added."""
        length = self.rows.end - self.rows.start
        jumps = (length - 1) // 256
        offsets_at = self.mask_at - jumps - 2
        # The last jump may be a dummy: there when the row is longer than its values reach.
        jumps = jumps - ((offsets_at - self.rows.start - self.variables) // 256 < jumps)
        self._jumps = self.mask_at - 2 - offsets_at
        steps = []
        for jump in range(int(jumps.max())):
            at = np.maximum(self.mask_at - 2 - jump, self.rows.start)
            steps.append(np.where(jump < jumps, self.view.u8(at), 1 << 16).astype(np.int64))
        columns = []
        for index in range(int(self.variables.max()), -1, -1):
            which = np.minimum(index, self.variables)
            entry = self.view.u8(np.maximum(offsets_at - which, self.rows.start)).astype(np.int64)
            for step in steps:
                entry = entry + 256 * (step <= which)
            columns.append(entry)
        return np.stack(columns, axis=1)


def _all_same(counts: np.ndarray) -> bool:
    return bool(len(counts) and (counts == counts[0]).all())
