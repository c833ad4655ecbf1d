"""Long values: Memo and OLE, which may lie outside their row.

The row holds 12 bytes: the length, a flag that says where the value is, and a row pointer. The value
follows at once (inline), or is one row of a long-value page, or a chain of such rows, each beginning
with the pointer to the next.
"""

from __future__ import annotations

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.read.pagefile import PageFile
from idbmigrate.access.read.slots import FAULTS, find_slots, split_pointer

CUT_OFF = "a long value's reference is cut off"
WRONG_LENGTH = "a long value is not as long as its reference says"
UNKNOWN_FORM = "a long value is stored in an unknown form"
LOOP = "the parts of a long value form a loop"
TOO_LARGE = "long values claim more bytes than the file has"


class LongValues:
    """The long values of one column of a chunk of rows.

    After construction: ``view``, ``start``, ``length`` say where each value's bytes are in one piece,
    and ``bad`` maps a message to a bool array of the values that could not be read (and are empty).
    """

    def __init__(self, pages: PageFile, start: np.ndarray, length: np.ndarray):
        self._pages = pages
        self.bad: dict[str, np.ndarray] = {}
        self.view: ByteView = pages.view
        count = len(start)
        self._good = np.ones(count, bool)
        empty = length == 0
        self._exclude(~empty & (length < fmt.LONG_VALUE_HEADER), CUT_OFF)
        at = np.where(self._good & ~empty, start, 0)
        header = self.view.u32(at).astype(np.int64)
        form = np.where(self._good & ~empty, header >> 24 & 0xC0, fmt.LONG_VALUE_INLINE)
        declared = np.where(self._good & ~empty, header & fmt.LONG_VALUE_LENGTH, 0)
        pointer = self.view.u32(at + 4)
        self.start, self.length = start + fmt.LONG_VALUE_HEADER, declared

        inline = form == fmt.LONG_VALUE_INLINE
        self._exclude(inline & ~empty & (declared != length - fmt.LONG_VALUE_HEADER), WRONG_LENGTH)
        self._exclude(form == 0xC0, UNKNOWN_FORM)
        chained = (form == fmt.LONG_VALUE_CHAIN) & (declared > 0) & self._good
        single = (form == fmt.LONG_VALUE_ONE_ROW) & self._good
        if single.any():
            self._read_single(np.flatnonzero(single), pointer, declared)
        if chained.any():
            self._read_chains(np.flatnonzero(chained), pointer, declared)
        self.length[~self._good] = 0

    def _exclude(self, which: np.ndarray, message: str) -> None:
        which = which & self._good
        if which.any():
            self._good &= ~which
            self.bad[message] = self.bad.get(message, False) | which

    def _exclude_some(self, values: np.ndarray, which: np.ndarray, message: str) -> np.ndarray:
        """Exclude ``values[which]``; returns a mask of the others."""
        mask = np.zeros(len(self._good), bool)
        mask[values[which]] = True
        self._exclude(mask, message)
        return ~which

    def _rows(self, values: np.ndarray, pointer: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        page, slot = split_pointer(pointer)
        start, end, _, fault = find_slots(self._pages, page, slot, fmt.LONG_VALUE_OWNER)
        for code in np.unique(fault[fault > 0]).tolist():
            self._exclude_some(values, fault == code, f"long value: {FAULTS[code]}")
        return start, end, fault == 0

    def _read_single(self, values: np.ndarray, pointer: np.ndarray, declared: np.ndarray) -> None:
        start, end, good = self._rows(values, pointer[values])
        self._exclude_some(values, good & (end - start != declared[values]), WRONG_LENGTH)
        self.start[values] = start

    def _read_chains(self, values: np.ndarray, pointer: np.ndarray, declared: np.ndarray) -> None:
        """Follow all chains at once, a step each time round, then copy the parts together."""
        if int(declared[values].sum()) > self.view.size:  # values share no bytes: together they fit
            mask = np.zeros(len(self._good), bool)
            mask[values] = True
            self._exclude(mask, TOO_LARGE)
            return
        left, following = declared[values].copy(), pointer[values].astype(np.int64)
        parts, active, steps = [], np.arange(len(values)), 0
        while len(active):
            steps += 1
            start, end, good = self._rows(values[active], following[active])
            size = np.minimum(end - start - 4, left[active])
            good &= self._exclude_some(values[active], good & (size < 1), WRONG_LENGTH)
            if steps > self._pages.page_count:  # each part fills a page, so a longer chain goes round
                self._exclude_some(values[active], good, LOOP)
                break
            active, start, size = active[good], start[good], size[good]
            parts.append((values[active], start + 4, size))
            left[active] -= size
            following[active] = self.view.u32(start)
            active = active[left[active] > 0]
        self._join(parts)

    def _join(self, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        """Copy all values of the column into one buffer, those in parts put together."""
        owner = np.concatenate([np.arange(len(self.start)), *(p[0] for p in parts)])
        start = np.concatenate([self.start, *(p[1] for p in parts)])
        whole = self.length.copy()
        for values, _, _ in parts:
            whole[values] = 0
        whole[~self._good] = 0
        length = np.concatenate([whole, *(p[2] for p in parts)])
        length[~self._good[owner]] = 0
        order = np.argsort(owner, kind="stable")
        joined = self.view.ragged(start[order], length[order], pad=4)
        self.length = np.bincount(owner, length, len(self.start)).astype(np.int64)
        self.view = ByteView(joined)
        self.start = np.cumsum(self.length) - self.length
