"""The tables of a twin, drawn from profiles: nothing here has seen the real file."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.sample.blocks import dates, numbered, only, pick
from idbmigrate.sample.profile import ColumnProfile, TableProfile

_DAY = 86_400_000
_ENDS = ("ENDDATE", "PAUSEENDDATE")


@dataclass
class Calendar:
    """When the made-up care takes place: its first day, its length, and days of birth to choose from."""

    first: int
    length: int
    births: list[int]


def days_of(texts: Iterable[str | None], layout: str) -> set[int]:
    """Days since 1970 of the texts that are dates of a layout."""
    found = set()
    for text in texts:
        try:
            found.add(
                (dt.datetime.strptime((text or "").strip()[:10], layout).date() - dt.date(1970, 1, 1)).days
            )
        except ValueError:
            continue
    return found


class _Keys:
    """Keys of the tables made so far by canonical column, and the day on which the care of each begins."""

    def __init__(self) -> None:
        self.values: dict[str, pa.Array] = {}
        self.begins: dict[str, np.ndarray] = {}


def tables(
    profiles: dict[str, TableProfile], calendar: Calendar, rng: np.random.Generator
) -> dict[str, pa.Table]:
    """All tables by their names in the file; parents come before children."""
    keys = _Keys()
    return {name: _table(held, keys, calendar, rng) for name, held in profiles.items()}


def _table(held: TableProfile, keys: _Keys, calendar: Calendar, rng: np.random.Generator) -> pa.Table:
    rows, made = held.rows, {}
    begins = calendar.first + rng.integers(0, calendar.length // 3, rows)
    for column, about in held.columns.items():
        if about.kind == "key":
            made[column], place = _key(held, about, keys, rng)
            if place is not None and len(keys.begins.get(about.canonical, ())):
                begins = keys.begins[about.canonical][place]
    for about in held.columns.values():
        if about.kind == "key" and about.canonical in keys.values and about.canonical not in keys.begins:
            keys.begins[about.canonical] = begins
    for column, about in held.columns.items():
        if about.kind != "key":
            made[column] = _column(about, rows, begins, calendar, rng)
    table = pa.table({column: made[column] for column in held.columns})
    if held.repeats and rows:
        again = np.arange(rows)
        where = np.flatnonzero(rng.random(rows) < held.repeats)
        again[where] = rng.integers(0, rows, len(where))
        table = table.take(pa.array(again))
    return table


def _key(held: TableProfile, about: ColumnProfile, keys: _Keys, rng: np.random.Generator):
    """A key: new ones in the table that they belong to, the parent's in every other. Gives parent places."""
    name, rows, prefix = about.canonical, held.rows, about.pool[0]
    spec = held.spec
    own = spec is not None and name in spec.primary_key and name not in spec.foreign_keys
    if own or not len(keys.values.get(name, ())):
        values = numbered(prefix, 1 + np.arange(rows), 7)
        if own:
            keys.values[name] = values
        return only(values, rng.random(rows) >= about.missing), None
    place = rng.integers(0, len(keys.values[name]), rows)
    values = keys.values[name].take(pa.array(place))
    lost = rng.random(rows) < held.orphans.get(name, 0)
    values = pc.if_else(pa.array(lost), numbered(prefix, 9_000_000 + np.arange(rows), 7), values)
    return only(values, rng.random(rows) >= about.missing), place


def _column(about: ColumnProfile, rows: int, begins: np.ndarray, calendar: Calendar, rng) -> pa.Array:
    present = rng.random(rows) >= about.missing
    if about.kind in ("date", "birth"):
        return _date(about, rows, present, begins, calendar, rng)
    if about.kind == "number":
        return _number(about, rows, present, rng)
    if about.kind == "other":
        return _other(about.physical, rows, present, rng)
    if about.kind == "nhs number":
        values = _nhs_numbers(about, rows, rng)
    elif about.kind == "code":
        if not about.codes:
            return pa.nulls(rows, pa.string())
        values = pick(rng, list(about.codes), rows, list(about.codes.values()))
    elif about.pool:
        values = pick(rng, about.pool, rows, [1] * len(about.pool))
    else:
        return pa.nulls(rows, pa.string())
    return only(_wrong(about, values, rng), present).cast(_text_or_number(about.physical))


def _nhs_numbers(about: ColumnProfile, rows: int, rng: np.random.Generator) -> pa.Array:
    """Numbers that nobody has, each once; some with a wrong last digit, some cut short."""
    values = pa.array([*about.pool[:rows], *[None] * (rows - len(about.pool))], pa.string())
    if about.spoilt:
        wrong = pick(rng, about.spoilt, rows, [1] * len(about.spoilt))
        values = pc.if_else(_some(rng, rows, about.faults["check digit"]), wrong, values)
    cut = pc.if_else(
        _some(rng, rows, about.faults["malformed"]), pc.utf8_slice_codeunits(values, 0, 9), values
    )
    return cut


def _text_or_number(physical) -> pa.DataType:
    return {"BYTE": pa.uint8(), "INT": pa.int16(), "LONG": pa.int32()}.get(physical.type, pa.string())


def _wrong(about: ColumnProfile, values: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Values written wrong at the shares of the profile, as far as the column's width lets them."""
    rows, width = len(values), about.physical.length or 255
    faults = about.faults
    if faults.get("short"):
        short = pc.replace_substring_regex(values, "^0(.)$", r"\1")
        values = pc.if_else(_some(rng, rows, faults["short"]), short, values)
    if faults.get("case"):
        values = pc.if_else(_some(rng, rows, faults["case"]), pc.utf8_lower(values), values)
    if faults.get("blank"):
        # a code that fills its column loses its zero to the blank
        short = pc.replace_substring_regex(values, "^0(.)$", r"\1")
        room = pc.less(pc.utf8_length(short), width)
        blank = pc.binary_join_element_wise(short if about.kind == "code" else values, pa.scalar(" "), "")
        values = pc.if_else(pc.and_(_some(rng, rows, faults["blank"]), room), blank, values)
    if faults.get("unknown") and about.pool:
        values = pc.if_else(_some(rng, rows, faults["unknown"]), pa.scalar(about.pool[0]), values)
    return values


def _some(rng: np.random.Generator, rows: int, share: float) -> pa.Array:
    return pa.array(rng.random(rows) < share)


def _date(about, rows, present, begins, calendar: Calendar, rng) -> pa.Array:
    if about.kind == "birth":
        days = rng.choice(np.array(calendar.births or [calendar.first]), rows)
    else:
        name = about.spec.name if about.spec else ""
        late = calendar.length // 3
        offset = late + rng.integers(0, late, rows) if name in _ENDS else rng.integers(0, late, rows)
        days = begins if name == "REFRECDATE" else begins + offset
    if about.physical.type not in ("TEXT", "MEMO"):
        return dates(days, present)
    low = int(days.min()) if rows else 0
    span = range(low, int(days.max()) + 1 if rows else 0)
    texts = pa.array([(dt.date(1970, 1, 1) + dt.timedelta(days=day)).strftime(about.layout) for day in span])
    return only(texts.cast(pa.string()).take(pa.array(days - low)), present)


def _number(about: ColumnProfile, rows: int, present: np.ndarray, rng: np.random.Generator) -> pa.Array:
    spec = about.spec
    low, high = (spec and spec.range) or ((0, 4) if spec and spec.codes else (0, 20))
    if about.physical.type in ("DOUBLE", "FLOAT"):
        values = np.round(low + rng.random(rows) * (high - low), 1)
        kind = pa.float64() if about.physical.type == "DOUBLE" else pa.float32()
        return pa.array(values, mask=~present).cast(kind)
    whole = rng.integers(int(low), int(high) + 1, rows)
    whole[rng.random(rows) < about.faults.get("beyond", 0)] = min(
        99, 10 ** min(2, about.physical.length or 2) - 1
    )
    return only(pa.array(whole), present).cast(_text_or_number(about.physical))


def _other(physical, rows: int, present: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Local columns that are no text: small made-up values of the column's type."""
    small = rng.integers(0, 100, rows)
    if physical.type == "BOOLEAN":
        return pa.array(small < 50)
    if physical.type in ("MONEY", "NUMERIC"):
        money = physical.type == "MONEY"
        kind = pa.decimal128(19, 4) if money else pa.decimal128(physical.precision, physical.scale)
        digit = pa.array([decimal.Decimal(n) for n in range(10)], pa.decimal128(2, 0))
        return only(digit.take(pa.array(small % 10)), present).cast(kind)
    if physical.type == "GUID":
        texts = pa.array([f"{{00000000-0000-4000-8000-{n:012X}}}" for n in range(100)])
        return only(texts.take(pa.array(small)), present)
    if physical.type in ("BINARY", "OLE"):
        return only(
            pa.array([bytes([n % 256]) for n in range(100)], pa.binary()).take(pa.array(small)), present
        )
    if physical.type in ("FLOAT", "DOUBLE"):
        return pa.array(small.astype(float), mask=~present)
    return pa.array(small.astype(np.uint8), mask=~present)
