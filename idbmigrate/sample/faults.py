"""The faults that years of local use leave behind, put into clean tables at a chosen share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import Dataset, TableSpec
from idbmigrate.errors import UsageError

#: level -> share of the rows that each kind of fault touches
LEVELS = {"none": 0.0, "some": 0.01, "many": 0.05}
_UNKNOWN_CODE = "?!"
#: days by which a contact lies outside its referral: longer than a course of care
_OUTSIDE = 150


def share_of(faults: str) -> float:
    """The share that ``none``, ``some``, ``many`` or a number from 0 to 1 stands for."""
    try:
        share = LEVELS[faults] if faults in LEVELS else float(faults)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        hint = "none, some, many or a share from 0 to 1"
        raise UsageError("not a level of faults", code="bad-option", where="--faults", hint=hint)
    return share


def spoil(dataset: Dataset, tables: Mapping[str, pa.Table], share: float, rng: np.random.Generator):
    """Tables with faults: unpadded and unknown codes, trailing blanks, NULL as a word, impossible scores,
    wrong check digits, orphans, repeated patients, ends before beginnings, contacts outside their referral,
    referral numbers that two patients share.

    Every fault fits its column's type and length, as it would have to in the file.
    """
    if not share:
        return dict(tables)
    (apart,) = rng.spawn(1)  # so that what is drawn below stays as it is
    spoilt = {}
    for name, table in tables.items():
        spec = dataset.tables[name]
        columns = {
            column: _spoil_column(dataset, spec, column, table.column(column).combine_chunks(), share, rng)
            for column in table.column_names
        }
        spoilt[name] = _spoil_rows(name, pa.table(columns), share, rng)
    spoilt["Appointment"] = _move_outside(spoilt["Appointment"], share, apart)
    return _share_numbers(spoilt, share, apart)


def _move_outside(table: pa.Table, share: float, rng: np.random.Generator) -> pa.Table:
    """Contacts with some before their referral, and some after its end."""
    day = table.column("APPOINTMENT").combine_chunks()
    for step in (-_OUTSIDE, _OUTSIDE):
        moved = pc.add(day, pa.scalar(step * 86_400_000, pa.duration("ms")))
        day = pc.if_else(_some(rng, len(day), share / 4), moved, day)
    return table.set_column(table.column_names.index("APPOINTMENT"), "APPOINTMENT", day)


def _share_numbers(
    tables: Mapping[str, pa.Table], share: float, rng: np.random.Generator
) -> dict[str, pa.Table]:
    """Give some referrals, and all that hangs on them, the number of another patient's referral."""
    numbers = tables["Referral"].column("SERVICEID").combine_chunks()
    taken = np.flatnonzero(rng.random(len(numbers)) < share / 4)
    taken = taken[taken > 0]
    before, after = numbers.take(pa.array(taken)), numbers.take(pa.array(taken - 1))
    shared = {}
    for name, table in tables.items():
        if "SERVICEID" in table.column_names:
            values = table.column("SERVICEID").combine_chunks()
            at = pc.index_in(values, value_set=before)
            values = pc.coalesce(after.take(at), values)
            table = table.set_column(table.column_names.index("SERVICEID"), "SERVICEID", values)
        shared[name] = table
    return shared


def _some(rng: np.random.Generator, rows: int, share: float) -> pa.Array:
    return pa.array(rng.random(rows) < share)


def _spoil_column(
    dataset: Dataset, table: TableSpec, name: str, values: pa.Array, share: float, rng
) -> pa.Array:
    spec = table.columns[name]
    rows, width = len(values), spec.format.max_length or 0
    if pa.types.is_string(values.type) and spec.codes is not None:
        if width >= 2:
            unpadded = pc.replace_substring_regex(values, "^0([0-9])$", r"\1")
            values = pc.if_else(_some(rng, rows, share), unpadded, values)
            blank = pc.binary_join_element_wise(
                pc.utf8_slice_codeunits(values, 0, width - 1), pa.scalar(" "), ""
            )
            short = pc.less(pc.utf8_length(values), width)
            values = pc.if_else(pc.and_(_some(rng, rows, share), pc.fill_null(short, False)), blank, values)
        unknown = pc.and_(_some(rng, rows, share / 4), values.is_valid())
        values = pc.if_else(unknown, pa.scalar(_UNKNOWN_CODE[:width]), values)
    elif name == "NHSNO":
        wrong = pc.binary_replace_slice(values, 9, 10, "0")
        values = pc.if_else(_some(rng, rows, share), wrong, values)
    elif name == "PROVDIAG":
        dotted = pc.replace_substring_regex(values, r"^(F\d\d)(\d)$", r"\1.\2")
        values = pc.if_else(_some(rng, rows, share), dotted, values)
        values = pc.if_else(_some(rng, rows, share / 2), pa.scalar("NULL"), values)
    elif name == "POSTCODE":
        values = pc.if_else(_some(rng, rows, share), pc.replace_substring(values, " ", ""), values)
    elif name in ("PHQ9_SCORE", "GAD7SCORE"):
        values = pc.if_else(
            pc.and_(_some(rng, rows, share / 2), values.is_valid()), pa.scalar(99, pa.int16()), values
        )
    return values


def _spoil_rows(name: str, table: pa.Table, share: float, rng: np.random.Generator) -> pa.Table:
    rows = table.num_rows
    if name == "Person":  # a patient recorded twice
        return pa.concat_tables([table, table.filter(_some(rng, rows, share / 2))]).combine_chunks()
    if name == "Referral":
        swapped = _some(rng, rows, share / 2)
        ended = table.column("ENDDATE").combine_chunks()
        early = pc.subtract(
            table.column("REFRECDATE").combine_chunks(), pa.scalar(86_400_000, pa.duration("ms"))
        )
        early = pc.if_else(pc.and_(swapped, ended.is_valid()), early, ended)
        table = table.set_column(table.column_names.index("ENDDATE"), "ENDDATE", early)
    for key in ("LPTID", "SERVICEID"):  # orphans: their parent is not in the file
        if key in table.column_names and (key, name) != ("SERVICEID", "Referral"):
            place = table.column_names.index(key)
            lost = pc.binary_join_element_wise(pa.scalar("X"), table.column(key).combine_chunks(), "")
            values = pc.if_else(_some(rng, rows, share / 4), lost, table.column(key).combine_chunks())
            table = table.set_column(place, key, values)
    return table
