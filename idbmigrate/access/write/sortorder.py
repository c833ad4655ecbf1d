"""Text index keys in the sort orders General 1997 (Jet 4 and Access 2007) and General 2010.

A key is the weights of the characters, ``01``, and then only what is needed: the accents (one byte a
weighted character, ``02`` where there is none, cut after the last), and the characters that have no
weight but a place (hyphen, apostrophe, control characters), each as ``80 00`` plus 7 plus four times
the number of weighted characters before it, ``06``, and a code of its own. ``00`` ends the key. Upper
and lower case weigh the same and spaces at the end do not count.

Source of the weights: for General 1997, index pages of public test files beside the values they
index, one of which holds every character from U+0001 to U+00FF; for General 2010, the catalogue indexes
of an Access 2010 file, the published Windows sorting weights for K, Z, the space, the hyphen and the
apostrophe, which no name there has, and what :mod:`.write_weights` lists.
A character whose weight is not known is refused, never guessed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.values import binary_of, text_units
from idbmigrate.access.write.weights import MARKS_2010, SIGNS_2010, UNSURE_2010
from idbmigrate.errors import OutputError

_PLAIN = 0x02
_GENERAL_1997 = {
    " ": "07",
    "!": "09",
    '"': "0a",
    "#": "0c",
    "$": "0e",
    "%": "10",
    "&": "12",
    "(": "14",
    ")": "16",
    "*": "18",
    ",": "1a",
    ".": "1c",
    "/": "1e",
    ":": "20",
    ";": "22",
    "?": "24",
    "@": "26",
    "[": "27",
    "\\": "29",
    "]": "2a",
    "+": "2c",
    "<": "2e",
    "=": "30",
    ">": "32",
    "^": "2b02",
    "_": "2b03",
    "`": "2b07",
    "{": "2b09",
    "|": "2b0b",
    "}": "2b0d",
    "~": "2b0f",
    "\t": "0803",
    "\n": "0804",
    "\v": "0805",
    "\f": "0806",
    "\r": "0807",
    "0": "36",
    "1": "38",
    "2": "3a",
    "3": "3c",
    "4": "3e",
    "5": "40",
    "6": "42",
    "7": "44",
    "8": "46",
    "9": "48",
    "A": "4a",
    "B": "4c",
    "C": "4d",
    "D": "4f",
    "E": "51",
    "F": "53",
    "G": "55",
    "H": "57",
    "I": "59",
    "J": "5b",
    "K": "5c",
    "L": "5e",
    "M": "60",
    "N": "62",
    "O": "64",
    "P": "66",
    "Q": "68",
    "R": "69",
    "S": "6b",
    "T": "6d",
    "U": "6f",
    "V": "71",
    "W": "73",
    "X": "75",
    "Y": "76",
    "Z": "78",
    "\xa0": "0802",
    "¡": "2b10",
    "¢": "34a6",
    "£": "34a7",
    "¤": "34a8",
    "¥": "34a9",
    "¦": "2b11",
    "§": "34aa",
    "¨": "2b12",
    "©": "34ab",
    "«": "3305",
    "¬": "34ac",
    "®": "34ad",
    "¯": "2b13",
    "°": "34ae",
    "±": "3304",
    "²": "3a",
    "³": "3c",
    "´": "2b14",
    "µ": "34af",
    "¶": "34b0",
    "·": "34b1",
    "¸": "2b15",
    "¹": "38",
    "»": "3307",
    "¼": "3712",
    "½": "3716",
    "¾": "371a",
    "¿": "2b16",
    "×": "3309",
    "÷": "330a",
    "Æ": "4a51",
    "Þ": "6d57",
    "ß": "6b6b",
}
#: letter with accent -> (letter that it weighs as, code of the accent)
_ACCENTS = {
    **{letter: (base, 0x0F) for letter, base in zip("ÀÈÌÒÙ", "AEIOU", strict=True)},
    **{letter: (base, 0x0E) for letter, base in zip("ÁÉÍÓÚÝ", "AEIOUY", strict=True)},
    **{letter: (base, 0x12) for letter, base in zip("ÂÊÎÔÛ", "AEIOU", strict=True)},
    **{letter: (base, 0x19) for letter, base in zip("ÃÑÕ", "ANO", strict=True)},
    **{letter: (base, 0x13) for letter, base in zip("ÄËÏÖÜÿ", "AEIOUY", strict=True)},
    "Å": ("A", 0x1A),
    "Ç": ("C", 0x1C),
    "Ð": ("D", 0x68),
    "Ø": ("O", 0x21),
    "ª": ("A", 0x03),
    "º": ("O", 0x03),
}
_GENERAL_2010 = {
    " ": "0702",
    "_": "0744",
    "0": "0d17",
    "1": "0d19",
    "2": "0d1a",
    "3": "0d1b",
    "4": "0d1c",
    "5": "0d1d",
    "6": "0d1e",
    "7": "0d1f",
    "8": "0d20",
    "9": "0d21",
    "A": "0e02",
    "B": "0e09",
    "C": "0e0a",
    "D": "0e1a",
    "E": "0e21",
    "F": "0e23",
    "G": "0e25",
    "H": "0e2c",
    "I": "0e32",
    "J": "0e35",
    "K": "0e36",
    "L": "0e48",
    "M": "0e51",
    "N": "0e70",
    "O": "0e7c",
    "P": "0e7e",
    "Q": "0e89",
    "R": "0e8a",
    "S": "0e91",
    "T": "0e99",
    "U": "0e9f",
    "V": "0ea2",
    "W": "0ea4",
    "X": "0ea6",
    "Y": "0ea7",
    "Z": "0ea9",
}


@lru_cache(maxsize=2)
def _tables(version: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Per code unit below 256: weight, its bytes (0 none), accent, code of a character with a place only."""
    weight, size = np.zeros(256, np.uint32), np.zeros(256, np.uint8)
    accent, place = np.full(256, _PLAIN, np.uint8), np.zeros(256, np.uint8)
    weights = {**_GENERAL_2010, **SIGNS_2010} if version else dict(_GENERAL_1997)
    for sign, code in (MARKS_2010 if version else {}).items():
        accent[ord(sign)] = code
    for letter, (base, code) in _ACCENTS.items():
        if not (version and letter in UNSURE_2010):
            weights[letter] = weights[base]
            accent[ord(letter)] = code
    for character, digits in list(weights.items()):
        for form in {character, character.lower()}:
            if len(form) == 1 and ord(form) < 256:
                weight[ord(form)], size[ord(form)] = int(digits, 16), len(digits) // 2
                accent[ord(form)] = accent[ord(character)]
    unweighted = [*range(1, 9), *range(14, 32), *range(127, 128 if version else 160)]
    place[unweighted] = np.arange(3, 3 + len(unweighted))
    if version == 0:
        place[0xAD] = 0x83
    place[[0x27, 0x2D]] = 0x80, 0x82
    return weight, size, accent, place


def sort_keys(values: pa.Array, order: tuple[int, int], where: str) -> pa.Array:
    """The keys of a text column, without flag bytes, as a binary array without nulls.

    Raises OutputError ``index-unsupported`` when a text has a character whose weight is not known.
    """
    weight, size, accent, place = _tables(order[1])
    trimmed = pc.utf8_rtrim(pc.fill_null(values, ""), " ")
    ends, units = text_units(trimmed)
    if len(units) and (int(units.max()) > 255 or not (size | place)[units].all()):
        raise OutputError(
            f"{_first_unknown(units, ends, size | place)}: no weight in the column's index is known for it",
            code="index-unsupported",
            where=where,
            hint="take the index off the column in a copy of the template, or the character out of the data",
        )
    sizes = size[units]
    parts = [_weights(weight[units], sizes, ends), pa.scalar(b"\x01", pa.binary())]
    accents = places = None
    if len(sizes) and not (sizes.min() and (accent[units] == _PLAIN).all()):  # most texts need neither
        weighted = sizes > 0
        accents = _accents(np.where(weighted, accent[units], 0), weighted, ends)
        places = _places(place[units], weighted, ends)
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
    at = int(np.argmax((units > 255) | (known[np.minimum(units, 255)] == 0)))
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
