"""Text index keys in the sort orders General 1997 (Jet 4 and Access 2007) and General 2010.

A key is the weights of the characters, ``01``, and then only what is needed: the accents (one byte a
weighted character, ``02`` where there is none, cut after the last), and the characters that have no
weight but a place (hyphen, apostrophe, control characters), each as ``80 00`` plus 7 plus four times
the number of weighted characters before it, ``06``, and a code of its own. ``00`` ends the key. Upper
and lower case weigh the same and spaces at the end do not count.

The weights and their sources are in :mod:`.weights`. A character whose weight is not known is refused,
never guessed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.values import binary_of, text_units
from idbmigrate.access.write.weights import (
    ACCENTS,
    DASHES,
    GENERAL_1997,
    GENERAL_2010,
    IGNORED,
    MARKS_2010,
    SIGNS_2010,
    UNSURE_2010,
    windows_signs,
)
from idbmigrate.errors import OutputError

_PLAIN, _NARROW = 0x02, 0xFF


class _Order(NamedTuple):
    """A sort order: arrays with a line for each code unit up to 255, each of ``wide``, one for all others.

    ``weight`` and its ``size`` in bytes (0: none), ``accent``, ``place`` (the code of a character that has
    only a place; 0: none), and ``known`` (false: nobody knows its key).
    """

    weight: np.ndarray
    size: np.ndarray
    accent: np.ndarray
    place: np.ndarray
    known: np.ndarray
    wide: np.ndarray

    def lines(self, units: np.ndarray) -> np.ndarray:
        """The line of each code unit."""
        if not len(units) or int(units.max()) <= _NARROW:
            return units
        near = np.minimum(np.searchsorted(self.wide, units), len(self.wide) - 1)
        found = np.where(self.wide[near] == units, near, len(self.wide))
        return np.where(units <= _NARROW, units, _NARROW + 1 + found)


@lru_cache(maxsize=2)
def _order(version: int) -> _Order:
    weights = {**GENERAL_2010, **SIGNS_2010} if version else dict(GENERAL_1997)
    accents = dict(MARKS_2010) if version else {}
    for letter, (base, code) in ACCENTS.items():
        if not (version and letter in UNSURE_2010):
            weights[letter], accents[letter] = weights[base], code
    for sign, (digits, accented) in windows_signs(version).items():
        weights[sign] = digits
        if accented is not None:
            accents[sign] = accented
    ignored, dashes = IGNORED[version], DASHES[version]
    every = {*weights, *ignored, *dashes}
    wide = np.array(sorted(ord(sign) for sign in every if ord(sign) > _NARROW), np.int64)
    count = _NARROW + 2 + len(wide)
    weight, size = np.zeros(count, np.uint32), np.zeros(count, np.uint8)
    accent, place = np.full(count, _PLAIN, np.uint8), np.zeros(count, np.uint8)
    order = _Order(weight, size, accent, place, np.zeros(count, bool), wide)
    for sign, digits in weights.items():
        lower = sign.lower()  # of a letter without a small one of its own in the order, the letter alone
        forms = {sign, lower} if len(lower) == 1 and (ord(lower) <= _NARROW or lower in every) else {sign}
        at = order.lines(np.array([ord(form) for form in forms]))
        weight[at], size[at], accent[at] = int(digits, 16), len(digits) // 2, accents.get(sign, _PLAIN)
    unweighted = [*range(1, 9), *range(14, 32), *range(127, 128 if version else 160)]
    place[unweighted] = np.arange(3, 3 + len(unweighted))
    if version == 0:
        place[0xAD] = 0x83
    place[[0x27, 0x2D]] = 0x80, 0x82
    place[order.lines(np.array([*map(ord, dashes)]))] = list(dashes.values())
    order.known[:] = (size | place) > 0
    order.known[order.lines(np.array([*map(ord, ignored)]))] = True
    return order


def sort_keys(values: pa.Array, order: tuple[int, int], where: str) -> pa.Array:
    """The keys of a text column, without flag bytes, as a binary array without nulls.

    Raises OutputError ``index-unsupported`` when a text has a character whose weight is not known.
    """
    weight, size, accent, place, known, _ = table = _order(order[1])
    trimmed = pc.utf8_rtrim(pc.fill_null(values, ""), " ")
    ends, units = text_units(trimmed)
    lines = table.lines(units)
    if not known[lines].all():
        raise OutputError(
            f"{_first_unknown(units, ends, known[lines])}: no weight in the column's index is known for it",
            code="index-unsupported",
            where=where,
            hint="take the index off the column in a copy of the template, or the character out of the data",
        )
    sizes = size[lines]
    parts = [_weights(weight[lines], sizes, ends), pa.scalar(b"\x01", pa.binary())]
    accents = places = None
    if len(sizes) and not (sizes.min() and (accent[lines] == _PLAIN).all()):  # most texts need neither
        weighted = sizes > 0
        accents = _accents(np.where(weighted, accent[lines], 0), weighted, ends)
        places = _places(place[lines], weighted, ends)
    if accents is not None:
        parts.append(accents)
    if places is not None:
        some = pc.greater(pc.binary_length(places), 0)
        parts += [
            pc.if_else(some, pa.scalar(b"\x01\x01\x01", pa.binary()), pa.scalar(b"", pa.binary())),
            places,
        ]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"\x00", pa.binary()), pa.scalar(b"", pa.binary()))


def _first_unknown(units: np.ndarray, ends: np.ndarray, known: np.ndarray) -> str:
    """Row, place in the text and code point of the first character without a weight."""
    at = int(np.argmin(known))
    row = int(np.searchsorted(ends, at, side="right"))
    code = int(units[at])
    if 0xD800 <= code < 0xDC00:  # the first half of a pair
        code = 0x10000 + ((code - 0xD800) << 10) + int(units[at + 1]) - 0xDC00
    return f"row {row}, character {at - int(ends[row - 1]) + 1}, U+{code:04X}"


def _weights(weight: np.ndarray, size: np.ndarray, ends: np.ndarray) -> pa.Array:
    if (size == 1).all():
        return binary_of(ends, weight.astype(np.uint8))
    total = np.concatenate([[0], np.cumsum(size, dtype=np.int64)])
    each = np.ascontiguousarray(weight.astype(">u4")).view(np.uint8).reshape(-1, 4)
    keep = np.arange(4, 0, -1) <= size[:, None]
    return binary_of(total[ends], np.ascontiguousarray(each[keep]))


def _accents(codes: np.ndarray, weighted: np.ndarray, ends: np.ndarray) -> pa.Array | None:
    """One code a weighted character, up to each text's last accent."""
    accented = np.flatnonzero(weighted & (codes != _PLAIN))
    if not len(accented):
        return None
    text = np.searchsorted(ends, accented, side="right") - 1
    stop = ends[:-1].copy()
    np.maximum.at(stop, text, accented + 1)
    within = np.arange(len(codes)) < np.repeat(stop, np.diff(ends))
    keep = within & weighted
    return binary_of(np.concatenate([[0], np.cumsum(keep)])[ends], codes[keep].astype(np.uint8))


def _places(codes: np.ndarray, weighted: np.ndarray, ends: np.ndarray) -> pa.Array | None:
    """Four bytes for each character that has a place only."""
    at = np.flatnonzero(codes)
    if not len(at):
        return None
    before = np.concatenate([[0], np.cumsum(weighted)])
    text = np.searchsorted(ends, at, side="right") - 1
    entry = np.empty((len(at), 4), np.uint8)
    position = 0x8007 + 4 * (before[at] - before[ends[text]])
    entry[:, 0], entry[:, 1], entry[:, 2], entry[:, 3] = position >> 8, position & 0xFF, 6, codes[at]
    return binary_of(4 * np.concatenate([[0], np.cumsum(codes > 0)])[ends], entry)
