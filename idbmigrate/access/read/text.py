"""Text of the file -> UTF-8, for all values of a column at once.

Three stored forms: one byte a character in the file's code page (Jet 3); UTF-16; and UTF-16
compressed: after ``FF FE`` one byte a character, where a zero byte switches to two bytes and back.
Nearly all text is ASCII, which takes the short road: gather, check, done. The rest goes by way of
UTF-16 code units, and only values that switch modes are taken one by one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from idbmigrate.access import format as fmt
from idbmigrate.access.read.gather import ByteView

#: From half a surrogate pair (D800 to DFFF) to the private use character that stands for it (E000 to E7FF).
_PRIVATE = 0x0800
#: The sign for a character that was lost before the file was written.
_LOST = 0xFFFD
#: Length of each value in UTF-8, all their bytes, which are no text, and how many hold lost characters.
Decoded: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, int]
#: Values are gathered as one padded matrix unless that would hold this many times their characters.
_MAX_PADDING = 3


def decode_unicode(view: ByteView, start: np.ndarray, length: np.ndarray) -> Decoded:
    """Decode Jet 4 text at byte ``start`` with ``length`` bytes (int64 arrays).

    Returns UTF-8 length of each value (int64), the UTF-8 bytes (uint8) of all, a bool array of values
    that are no text (half a character), which are given as empty, and how many values hold lost
    characters (see :func:`encode_units`).
    """
    raw = _padded(view, start, length)
    if raw is None:
        packed = (length >= 2) & (view.u16(start) == fmt.COMPRESSED_TEXT)
    elif raw.shape[1] < 2:
        packed = np.zeros(len(start), bool)
    else:
        packed = (raw[:, 0] == 0xFF) & (raw[:, 1] == 0xFE) & (length >= 2)
    odd = ~packed & (length & 1 == 1)
    if odd.any():
        length = np.where(odd, 0, length)
    if packed.all():
        units = view.ragged(start + 2, length - 2) if raw is None else _cut(raw, 2, length)
        count = length - 2
    elif not packed.any():
        data = view.ragged(start, length) if raw is None else _cut(raw, 0, length)
        units, count = data.view("<u2"), length >> 1
    else:
        units, count = _mixed_units(view, start, length, packed)
    if not len(units):
        return count, np.zeros(0, np.uint8), odd, 0
    any_packed = packed.any()
    if units.max() < 0x80 and (not any_packed or units.min() > 0):
        return count, units.astype(np.uint8, copy=False), odd, 0
    if any_packed:
        units, count, torn = _switch_modes(units, count, packed)
        odd |= torn
    size, data, lost = encode_units(units, count)
    return size, data, odd, lost


def decode_code_page(view: ByteView, start: np.ndarray, length: np.ndarray, codec: str) -> Decoded:
    """Decode Jet 3 text; arguments and result as in :func:`decode_unicode`."""
    padded = _padded(view, start, length)
    raw = view.ragged(start, length) if padded is None else _cut(padded, 0, length)
    bad = np.zeros(len(start), bool)
    if not len(raw) or raw.max() < 0x80:
        return length, raw, bad, 0
    table = _single_byte_table(codec)
    if table is not None:
        size, data, lost = encode_units(table[raw], length)
        return size, data, bad, lost
    ends = np.cumsum(length).tolist()  # a code page of one or two bytes a character: value by value
    values = (raw[end - size : end].tobytes() for end, size in zip(ends, length.tolist()))
    texts = [value.decode(codec, "replace").encode() for value in values]
    return np.array([len(t) for t in texts], np.int64), np.frombuffer(b"".join(texts), np.uint8), bad, 0


def _padded(view: ByteView, start: np.ndarray, length: np.ndarray) -> np.ndarray | None:
    """All values as lines of one matrix, None where that would hold far more than the values do."""
    if not len(start):
        return np.zeros((0, 0), np.uint8)
    width = int(length.max())
    if width * len(start) > _MAX_PADDING * int(length.sum()) + 4096:
        return None
    return view.block(start, width)


def _cut(raw: np.ndarray, header: int, length: np.ndarray) -> np.ndarray:
    """The bytes ``header .. length`` of each line, one after the other."""
    count, width = raw.shape
    if width <= header:
        return np.zeros(0, np.uint8)
    if int(length.min()) == width:
        if not header:
            return raw.reshape(-1)
        return np.ndarray((count,), f"V{width - header}", raw, header, (width,)).copy().view(np.uint8)
    place = np.arange(width, dtype=np.uint32)
    inside = place < length.astype(np.uint32)[:, None]
    inside[:, :header] = False
    return raw.reshape(-1)[inside.reshape(-1)]


def _mixed_units(
    view: ByteView, start: np.ndarray, length: np.ndarray, packed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Code units (uint16) and their counts where some values are compressed and some are not."""
    count = np.where(packed, length - 2, length >> 1)
    units = np.empty(int(count.sum()), np.uint16)
    of_packed = np.repeat(packed, count)
    units[of_packed] = view.ragged(start[packed] + 2, count[packed])
    units[~of_packed] = view.ragged(start[~packed], length[~packed]).view("<u2")
    return units, count


def _switch_modes(
    units: np.ndarray, count: np.ndarray, packed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expand compressed values that hold a zero byte; returns units (uint16), counts, and torn values."""
    torn = np.zeros(len(count), bool)
    ends = np.cumsum(count)
    owners = np.unique(np.searchsorted(ends, np.flatnonzero(units == 0), "right"))
    owners = owners[packed[owners]]
    if not len(owners):
        return units.astype(np.uint16, copy=False), count, torn
    parts, counts = [], count.copy()
    for value in owners.tolist():
        part = _expand(units[ends[value] - count[value] : ends[value]].astype(np.uint8).tobytes())
        if part is None:
            torn[value], part = True, np.zeros(0, np.uint16)
        parts.append(part)
        counts[value] = len(part)
    switching = np.zeros(len(count), bool)
    switching[owners] = True
    out = np.empty(int(counts.sum()), np.uint16)
    target = np.repeat(switching, counts)
    out[~target] = units[~np.repeat(switching, count)]
    out[target] = np.concatenate(parts)
    return out, counts, torn


def _expand(body: bytes) -> np.ndarray | None:
    """Code units of one compressed value that switches; None if it ends in half a character."""
    parts, compressed = [], True
    for segment in body.split(b"\x00"):
        if compressed:
            parts.append(np.frombuffer(segment, np.uint8).astype(np.uint16))
        elif len(segment) & 1:
            return None
        else:
            parts.append(np.frombuffer(segment, "<u2"))
        compressed = not compressed
    return np.concatenate(parts)


def encode_units(units: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """UTF-16 code units (uint16, values of ``count`` units each) -> UTF-8 lengths, bytes, values with losses.

    Half a surrogate pair, which UTF-8 cannot hold, becomes a private use character of its own (D800 is
    U+E000, DFFF is U+E7FF), so that two keys that differ in it stay two. Third: how many values have one,
    or U+FFFD itself.
    """
    ends = np.cumsum(count)
    surrogate, lost = units & 0xF800 == 0xD800, 0
    if surrogate.any():
        units, lost = _mend_surrogates(units, ends)
    signs = units == _LOST
    if signs.any():
        lost += len(np.unique(np.searchsorted(ends, np.flatnonzero(signs), "right")))
    size = 1 + (units >= 0x80).astype(np.int64) + (units >= 0x800)
    size[units & 0xF800 == 0xD800] = 2  # each half of a pair: two of its four bytes
    total = np.concatenate(([0], np.cumsum(size)))
    data = units.astype("<u2", copy=False).tobytes().decode("utf-16-le").encode()
    return total[ends] - total[ends - count], np.frombuffer(data, np.uint8), lost


def _mend_surrogates(units: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, int]:
    """The units without lone halves, and how many values had one."""
    high, low = units & 0xFC00 == 0xD800, units & 0xFC00 == 0xDC00
    paired = high[:-1] & low[1:]
    inner = ends[(ends > 0) & (ends < len(units))]
    paired[inner - 1] = False  # a pair never spans two values
    alone = high | low
    alone[:-1] &= ~paired
    alone[1:] &= ~paired
    units = units.copy()
    units[alone] += _PRIVATE
    return units, len(np.unique(np.searchsorted(ends, np.flatnonzero(alone), "right")))


@lru_cache
def _single_byte_table(codec: str) -> np.ndarray | None:
    """The 256 characters of a code page as UTF-16 code units, or None if it has longer characters.

    A byte that the code page leaves undefined is the control character of that number, as in Windows.
    """
    if codec in ("cp932", "cp936", "gbk", "cp949", "cp950", "cp1361", "johab", "utf_8", "cp65001"):
        return None
    return np.array([ord(bytes([b]).decode(codec, "ignore") or chr(b)) for b in range(256)], np.uint16)
