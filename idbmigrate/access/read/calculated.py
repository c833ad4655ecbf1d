"""Calculated columns: each value in a wrapper, decimals in a form of their own."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa

from idbmigrate.access import format as fmt
from idbmigrate.access.read.gather import ByteView
from idbmigrate.access.read.values import Decoded, signed_decimal

_PRECISION = 38


def unwrap(
    view: ByteView, start: np.ndarray, length: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and length of the values inside their wrappers, and which wrappers are cut off (bool)."""
    whole = length >= fmt.CALCULATED_VALUE_AT
    inner = view.u32(np.where(whole, start + fmt.CALCULATED_LENGTH_AT, 0)).astype(np.int64)
    bad = ~whole | (inner > length - fmt.CALCULATED_VALUE_AT)
    return start + fmt.CALCULATED_VALUE_AT, np.where(bad, 0, inner), bad


def decode_decimal(
    view: ByteView, start: np.ndarray, length: np.ndarray, valid: np.ndarray, scale: int
) -> Decoded:
    """Decimals that each carry a scale: two bytes of length, scale, sign, then the digits.

    The digits are 4, 8, 12 or 16 bytes: a 32-bit word if the length is no multiple of 8, then 64-bit
    words, the most significant first. Returns an Arrow array with the largest scale of its values (at
    least ``scale``) and the rows that are no such value (bool), as long as ``valid``. Values that need
    more than 38 digits at one scale are given as text, each with its own.
    """
    block = view.block(start, 20)
    told = np.ascontiguousarray(block[:, :2]).view("<u2").reshape(-1).astype(np.int64)
    size = np.minimum((np.where(told > 0, told, length) - 2) // 4 * 4, 16)
    bad = (size < 4) | (length < size + 4)
    low, high = np.zeros(len(start), np.uint64), np.zeros(len(start), np.uint64)
    for width in (4, 8, 12, 16):
        rows = np.flatnonzero((size == width) & ~bad)
        low[rows], high[rows] = _magnitude(block[rows, 4:20], width)
    scales = np.where(bad, 0, block[:, 2]).astype(np.int64)
    bad |= scales > _PRECISION
    scale = max([scale, *np.unique(scales[~bad]).tolist()])
    owners = np.flatnonzero(valid)
    if not _rescale(low, high, scale - scales, ~bad):
        wrong = np.zeros(len(valid), bool)
        wrong[owners] = bad
        texts = _as_texts(low, high, scales, block[:, 3] != 0, len(valid), owners[~bad], np.flatnonzero(~bad))
        return texts, wrong if wrong.any() else None
    count = len(valid)
    whole_low, whole_high = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    whole_low[owners], whole_high[owners] = low, high
    negative, wrong = np.zeros(count, bool), np.zeros(count, bool)
    negative[owners], wrong[owners] = block[:, 3] != 0, bad
    kind = pa.decimal128(_PRECISION, scale)
    array, excess = signed_decimal(kind, whole_low, whole_high, negative, valid & ~wrong)
    wrong = wrong if excess is None else wrong | excess
    return array, wrong if wrong.any() else None


def _magnitude(digits: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Low and high 64 bits of a number of ``width`` bytes."""
    digits = np.ascontiguousarray(digits)
    none = np.zeros(len(digits), np.uint64)
    if width == 4:
        return digits[:, :4].copy().view("<u4").reshape(-1), none
    if width == 8:
        return digits[:, :8].copy().view("<u8").reshape(-1), none
    if width == 12:
        return digits[:, 4:12].copy().view("<u8").reshape(-1), digits[:, :4].copy().view("<u4").reshape(-1)
    return digits[:, 8:16].copy().view("<u8").reshape(-1), digits[:, :8].copy().view("<u8").reshape(-1)


def _rescale(low: np.ndarray, high: np.ndarray, more: np.ndarray, good: np.ndarray) -> bool:
    """Multiply in place by ten to the power of ``more``; False, and nothing done, past 38 digits."""
    grown = {}
    for row in np.flatnonzero(good & ((more > 0) | (high > 0))).tolist():
        grown[row] = (int(high[row]) << 64 | int(low[row])) * 10 ** int(more[row])
    if any(value >= 10**_PRECISION for value in grown.values()):
        return False
    for row, value in grown.items():
        low[row], high[row] = value & 0xFFFFFFFFFFFFFFFF, value >> 64
    return True


def _as_texts(
    low: np.ndarray,
    high: np.ndarray,
    scales: np.ndarray,
    negative: np.ndarray,
    count: int,
    owners: np.ndarray,
    rows: np.ndarray,
) -> pa.Array:
    """The values of ``rows`` as exact text, at the places ``owners`` of ``count``; the others are null."""
    texts: list[str | None] = [None] * count
    for owner, row in zip(owners.tolist(), rows.tolist(), strict=True):
        digits = tuple(int(d) for d in str(int(high[row]) << 64 | int(low[row])))
        texts[owner] = format(Decimal((int(negative[row]), digits, -int(scales[row]))), "f")
    return pa.array(texts, pa.string())


def _is_text(chunk: pa.Array) -> bool:
    return pa.types.is_string(chunk.type)


def _in_words(chunk: pa.Array) -> pa.Array:
    return pa.array([None if v is None else format(v, "f") for v in chunk.to_pylist()], pa.string())


def same_scale(chunks: list[pa.Array]) -> list[pa.Array]:
    """Chunks of one column with the largest scale of them all, as text where they do not fit one."""
    if not any(_is_text(chunk) for chunk in chunks):
        try:
            return _at_one_scale(chunks)
        except pa.ArrowInvalid:  # more than 38 digits
            pass
    return [chunk if _is_text(chunk) else _in_words(chunk) for chunk in chunks]


def _at_one_scale(chunks: list[pa.Array]) -> list[pa.Array]:
    scale = max(chunk.type.scale for chunk in chunks)
    kind = pa.decimal128(_PRECISION, scale)
    return [chunk if chunk.type == kind else chunk.cast(kind) for chunk in chunks]
