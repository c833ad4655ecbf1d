"""Gather fields of any width from any places of a buffer at once.

numpy can view a buffer as items of ``w`` bytes that begin at *every* byte (stride 1); indexing that
view with an array of positions copies one field of all records in one call. Everything above this
module speaks of positions and lengths, never of single records.
"""

from __future__ import annotations

from mmap import mmap
from typing import TypeAlias

import numpy as np

#: Bytes that one step of a ragged gather copies: its index takes eight times as much for a moment.
_STEP = 1 << 20


#: What holds bytes: a memory map, or an array of uint8.
Buffer: TypeAlias = bytes | memoryview | mmap | np.ndarray


class ByteView:
    """A read-only buffer and the gathers over it. Positions are int64 arrays of byte offsets."""

    def __init__(self, buffer: Buffer):
        self.bytes = np.frombuffer(buffer, dtype=np.uint8)
        self.size = len(self.bytes)

    def _items(self, width: int) -> np.ndarray:
        count = max(self.size - width + 1, 0)
        return np.ndarray((count,), dtype=f"V{width}", buffer=self.bytes, strides=(1,))

    def block(self, at: np.ndarray, width: int) -> np.ndarray:
        """``width`` bytes from each position: uint8, shape (len(at), width); zeros past the end."""
        count = len(at)
        if not count or not width:
            return np.zeros((count, width), np.uint8)
        last = self.size - width
        if at.max() <= last:
            return self._items(width)[at].view(np.uint8).reshape(count, width)
        out = np.zeros((count, width), np.uint8)  # only records in the last bytes of the file come here
        inside = at <= last
        if inside.any():
            out[inside] = self._items(width)[at[inside]].view(np.uint8).reshape(-1, width)
        for row in np.flatnonzero(~inside):
            tail = self.bytes[at[row] :]
            out[row, : len(tail)] = tail
        return out

    def u8(self, at: np.ndarray) -> np.ndarray:
        return self.bytes[at]

    def u16(self, at: np.ndarray) -> np.ndarray:
        return self.block(at, 2).view("<u2").reshape(-1)

    def u32(self, at: np.ndarray) -> np.ndarray:
        return self.block(at, 4).view("<u4").reshape(-1)

    def ragged(self, at: np.ndarray, length: np.ndarray, pad: int = 0) -> np.ndarray:
        """All bytes of the stretches ``at .. at + length``, one after the other, and ``pad`` zeros."""
        ends = np.cumsum(length, dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        out = np.zeros(total + pad, np.uint8)
        if total and total > 256 * len(at):  # long stretches: one copy each is the fastest there is
            for start, size, end in zip(at.tolist(), length.tolist(), ends.tolist()):
                out[end - size : end] = self.bytes[start : start + size]
            return out
        shift = at - (ends - length)
        first = 0
        while first < len(at):
            done = int(ends[first - 1]) if first else 0
            stop = max(int(np.searchsorted(ends, done + _STEP, "right")), first + 1)
            index = np.repeat(shift[first:stop], length[first:stop])
            index += np.arange(done, done + len(index))
            out[done : done + len(index)] = self.bytes[index]
            first = stop
        return out
