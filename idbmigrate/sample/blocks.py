"""Columns of a sample, made whole: identifiers, dates, codes, NHS numbers. No patient here is anybody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

#: valid numbers are those whose check digit is not 10; 999 is the range that is never issued
_TEST_PREFIX = 999


def pick(rng: np.random.Generator, values: Sequence[str | None], rows: int, weights=None) -> pa.Array:
    """Values drawn at random as a string array; without weights earlier values come more often."""
    shares = 1 / np.arange(2, len(values) + 2) if weights is None else np.asarray(weights, float)
    places = rng.choice(len(values), rows, p=shares / shares.sum())
    return pa.array(values, pa.string()).take(pa.array(places))


def numbered(prefix: str, numbers: np.ndarray, width: int) -> pa.Array:
    """``prefix`` and the number in ``width`` digits, as a string array."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    text = np.empty((len(numbers), len(head) + width), np.uint8)
    text[:, : len(head)] = head
    text[:, len(head) :] = digits(numbers, width)
    ends = np.arange(len(numbers) + 1, dtype=np.int32) * text.shape[1]
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(text))


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Decimal digits as ASCII, shape (rows, width) uint8."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + 48).astype(np.uint8)


def nhs_numbers(rng: np.random.Generator, rows: int, start: int) -> pa.Array:
    """NHS numbers 999 ... with valid check digits, null once the range of some 909,000 is used up.

    None reads the same backwards: the centre refuses a file with such a number. ``start`` is how many
    patients came before; ``rng`` must be in the same state for all of them.
    """
    serial = np.arange(1_000_000)
    weighted = digits(serial, 6).astype(np.int64) - 48
    total = sum(9 * (10 - place) for place in range(3)) + weighted @ np.arange(7, 1, -1)
    check = (11 - total % 11) % 11
    first, second = np.divmod(np.arange(100), 10)
    mirrored = first * 100_100 + second * 11_000 + 99  # 999ab ba999, where the check digit is 9
    usable = rng.permutation(np.flatnonzero(check < 10))
    usable = usable[~np.isin(usable, mirrored[check[mirrored] == 9])][start : start + rows]
    numbers = numbered(str(_TEST_PREFIX), usable * 10 + check[usable], 7)
    return pa.concat_arrays([numbers, pa.nulls(rows - len(usable), pa.string())])


def dates(days: np.ndarray, valid: np.ndarray | None = None) -> pa.Array:
    """Days since 1970 as midnights, timestamp[ms]; null where ``valid`` is false."""
    moments = days.astype(np.int64) * 86_400_000
    return pa.array(moments, mask=None if valid is None else ~valid).view(pa.timestamp("ms"))


def times(quarters: np.ndarray) -> pa.Array:
    """Quarter hours after midnight as ``HH:MM:SS``."""
    table = pa.array([f"{quarter // 4:02d}:{quarter % 4 * 15:02d}:00" for quarter in range(96)])
    return table.take(pa.array(quarters))


def months(days: np.ndarray) -> pa.Array:
    """The month of a day as ``YYYY-MM``."""
    which = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    low = int(which.min()) if len(which) else 0
    high = int(which.max()) if len(which) else 0
    names = np.datetime_as_string(np.arange(low, high + 1).astype("datetime64[M]"))
    return pa.array(names.tolist(), pa.string()).take(pa.array(which - low))


def whole(numbers: np.ndarray, valid: np.ndarray | None = None) -> pa.Array:
    """Whole numbers as int16; null where ``valid`` is false."""
    return pa.array(numbers.astype(np.int16), mask=None if valid is None else ~valid)


def only(values: pa.Array, where: np.ndarray) -> pa.Array:
    """The values where ``where`` is true, null elsewhere."""
    places = np.arange(len(values))
    return values.take(pa.array(places, mask=~where))
