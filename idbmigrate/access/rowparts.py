"""The parts of rows: null mask, fixed area, and where each variable value begins and ends.

A row is: the number of columns it was written with; the fixed area; the variable values one after
the other; the table of their offsets, backwards; their number; the null mask. So everything but the
fixed area is found from the row's end. When all rows of a chunk have the same shape (nearly always)
their ends are gathered as one matrix; otherwise each field is gathered from its own place.
"""

from __future__ import annotations

import itertools

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.gather import ByteView
from idbmigrate.access.rows import RowSet
from idbmigrate.access.tabledef import TableDefinition

TOO_SHORT = "the row is shorter than its own column count needs"
TOO_MANY = "the row counts more columns than its table has"
BAD_OFFSETS = "the offsets of the row's variable values contradict each other"


def check_counts(view: ByteView, layout: fmt.Layout, table: TableDefinition, rows: RowSet):
    """Column and variable-value counts of each row, and which rows cannot have such counts.

    Returns int64 arrays columns, variables and a dict message -> bool array of bad rows.
    """
    length = rows.end - rows.start
    wide = layout.row_head == 2
    short = length < layout.row_head + 1
    at = np.where(short, 0, rows.start)
    columns = (view.u16(at) if wide else view.u8(at)).astype(np.int64)
    many = ~short & (columns > table.max_columns)
    mask_length = (columns + 7) >> 3
    count_width = np.where(has_variable_part(table, columns), layout.row_head, 0)
    short |= ~many & (length < layout.row_head + mask_length + count_width)
    counted = ~short & ~many & (count_width > 0)
    at = np.where(counted, rows.end - mask_length - count_width, 0)
    variables = np.where(counted, view.u16(at) if wide else view.u8(at), 0).astype(np.int64)
    many |= variables > table.variable_columns
    return columns, variables, {TOO_SHORT: short, TOO_MANY: many}


def has_variable_part(table: TableDefinition, columns: np.ndarray) -> np.ndarray:
    """Rows that end in a table of offsets: those written when the table had a variable column."""
    first = min((c.number for c in table.columns if not c.fixed), default=table.max_columns)
    return columns > first


class RowParts:
    """The parts of a chunk of rows whose counts have passed :func:`check_counts`."""

    def __init__(
        self, view: ByteView, layout: fmt.Layout, table: TableDefinition, rows: RowSet, columns, variables
    ):
        self.view, self.layout, self.rows = view, layout, rows
        self.columns, self.variables = columns, variables
        self.count = len(rows)
        self.mask_at = rows.end - ((columns + 7) >> 3)
        self._fixed_width = max((c.fixed_offset + c.stored_size for c in table.columns if c.fixed), default=0)
        self._fixed = None
        self._even = self.count > 0 and _all_same(columns) and _all_same(variables)
        self._masks = self._gather_masks() if self._even else None
        self._has_part = has_variable_part(table, columns)
        self._any_part = bool(self._has_part.any())
        if not self._any_part:
            self._entries = np.zeros((0, self.count), np.int64)
        elif layout is fmt.JET3:
            self._entries = self._jumped_entries()
        elif self._even:
            self._entries = self._even_entries()
        else:
            self._entries = self._uneven_entries()

    # -- null mask ---------------------------------------------------------------------------
    def _gather_masks(self) -> np.ndarray:
        width = (int(self.columns[0]) + 7) >> 3
        return np.ascontiguousarray(self.view.block(self.mask_at, width).T)

    def present(self, number: int) -> np.ndarray:
        """Whether the rows have a value in the column of that number (bool); the bit itself of a Yes/No."""
        if self._masks is not None:
            if number >= self.columns[0]:
                return np.zeros(self.count, bool)
            mask = self._masks[number >> 3]
        else:
            inside = number < self.columns
            mask = np.where(inside, self.view.u8(np.where(inside, self.mask_at + (number >> 3), 0)), 0)
        return (mask & np.uint8(1 << (number & 7))).astype(bool)

    # -- fixed area --------------------------------------------------------------------------
    def fixed(self, offset: int, size: int) -> np.ndarray:
        """``size`` bytes at ``offset`` of the fixed area: uint8, shape (rows, size)."""
        if self._fixed is None:
            self._fixed = self.view.block(self.rows.start + self.layout.row_head, self._fixed_width)
        return self._fixed[:, offset : offset + size]

    # -- variable values ---------------------------------------------------------------------
    def variable(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Start (byte offset in the file) and length of the rows' variable value, and who has one."""
        if index + 1 >= len(self._entries):
            nothing = np.zeros(self.count, np.int64)
            return nothing, nothing, np.zeros(self.count, bool)
        start = self._entries[index].astype(np.int64)
        length = self._entries[index + 1] - start
        start += self.rows.start
        return start, length, self.variables > index

    def fixed_end(self) -> np.ndarray:
        """Where the fixed area ends at the latest, from the row's start (int64)."""
        end = self.mask_at - self.rows.start
        return np.where(self._has_part, self._entries[0], end) if self._any_part else end

    def bad_offsets(self) -> np.ndarray:
        """Rows whose table of offsets is not an ascending list inside the row."""
        if not self._any_part:
            return np.zeros(self.count, bool)
        entries = self._entries
        bad = entries[0] < self.layout.row_head
        for before, after in itertools.pairwise(entries):
            bad |= after < before
        return self._has_part & (bad | (entries[-1] > self._table_at()))

    def _table_at(self) -> np.ndarray:
        """Where the table of offsets begins, from the row's start."""
        below = self.mask_at - self.rows.start
        if self.layout is fmt.JET3:
            return below - 1 - self._jumps - self.variables - 1
        return below - 2 - 2 * (self.variables + 1)

    def _even_entries(self) -> np.ndarray:
        """Jet 4, one shape: the offsets as a matrix, one line a variable value, and one for the end."""
        width = 2 * (int(self.variables[0]) + 1)
        table = self.view.block(self.mask_at - 2 - width, width).view("<u2")
        return np.ascontiguousarray(table[:, ::-1].T)

    def _uneven_entries(self) -> np.ndarray:
        """Jet 4, several shapes: as above; values that a row does not have begin and end at its end."""
        lines = []
        for index in range(int(self.variables.max()) + 1):
            at = self.mask_at - 4 - 2 * np.minimum(index, self.variables)
            lines.append(self.view.u16(np.maximum(at, self.rows.start)))
        return np.stack(lines)

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
        lines = []
        for index in range(int(self.variables.max()) + 1):
            which = np.minimum(index, self.variables)
            entry = self.view.u8(np.maximum(offsets_at - which, self.rows.start)).astype(np.int64)
            for step in steps:
                entry = entry + 256 * (step <= which)
            lines.append(entry)
        return np.stack(lines)


def _all_same(counts: np.ndarray) -> bool:
    return bool((counts == counts[0]).all())
