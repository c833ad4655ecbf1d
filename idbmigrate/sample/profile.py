"""What a twin may know of a real file: its design, rounded counts, and how often national codes occur.

Every count is rounded to the nearest 5, and counts below 5 are none at all. No value of the file is kept but
codes of the data set's own lists. ``pools`` are made-up values that the file does *not* hold, so that
nothing drawn from them can be a real value by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets.model import CodeList, ColumnSpec, Dataset, TableSpec
from idbmigrate.readers.base import Field
from idbmigrate.sample import pools
from idbmigrate.staging.tables import as_text

_SMALL = 5
#: narrower keys, such as the number of a pause, are drawn like any text
_KEY_WIDTH = 14
#: dates that are no part of a course of care
_BIRTHS = frozenset({"DOB"})


def rounded(count: int) -> int:
    """A count as it may be passed on: none below 5, else the nearest multiple of 5."""
    return 0 if count < _SMALL else int(count + _SMALL / 2) // _SMALL * _SMALL


@dataclass
class ColumnProfile:
    """One column: kind, design in the file, shares of rows, code frequencies, values to draw from."""

    kind: str
    physical: Field
    spec: ColumnSpec | None = None
    missing: float = 0.0
    codes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    pool: Sequence[str] = ()
    spoilt: Sequence[str] = ()
    layout: str = "%Y-%m-%d"

    @property
    def canonical(self) -> str:
        """The column's name in the data set; empty where it has none there."""
        return self.spec.name if self.spec is not None else ""


@dataclass
class TableProfile:
    """One table: its name in the file and in the data set, rows, columns, and faults of its keys."""

    name: str
    spec: TableSpec | None
    rows: int
    columns: dict[str, ColumnProfile]
    orphans: dict[str, float] = field(default_factory=dict)
    repeats: float = 0.0


def folded(values: pa.ChunkedArray | pa.Array) -> set[str]:
    """The different texts of a column, without blanks around them and in one case."""
    texts = pc.unique(pc.utf8_lower(pc.utf8_trim_whitespace(as_text(values))))
    return set(texts.to_pylist()) - {None, ""}


def share(count: int, rows: int) -> float:
    """A count as a share of the rows, after rounding; no share of nothing."""
    return min(1.0, rounded(count) / rows) if rows else 0.0


def of_table(
    name: str,
    spec: TableSpec | None,
    names: Mapping[str, str],
    dataset: Dataset,
    table: pa.Table,
    physical: Sequence,
    held: set[str],
) -> TableProfile:
    """Profile one table.

    ``names`` gives the canonical names of its columns, ``physical`` their design, ``held`` is every text
    of the whole file as :func:`folded` gives it.
    """
    profile = TableProfile(name, spec, rounded(table.num_rows), {})
    for column in physical:
        known = spec.columns.get(names.get(column.name, "")) if spec else None
        values = as_text(table.column(column.name))
        profile.columns[column.name] = _column(column, known, spec, dataset, values, held)
    if spec and spec.primary_key:
        keys = [column for column, canonical in names.items() if canonical in spec.primary_key]
        distinct = table.select(keys).group_by(keys).aggregate([]).num_rows
        profile.repeats = share(table.num_rows - distinct, table.num_rows)
    return profile


def _column(physical, spec: ColumnSpec | None, table: TableSpec | None, dataset: Dataset, values, held):
    found, rows = ColumnProfile(_kind(physical, spec, table), physical, spec), len(values)
    found.missing = share(values.null_count, rows)
    codes = dataset.codes_of(spec) if spec else None
    if found.kind == "code" and codes is not None:
        _count_codes(found, codes, values, held)
    elif found.kind == "date" and physical.type in ("TEXT", "MEMO"):
        found.layout = _date_layout(values)
    elif found.kind == "number" and spec is not None and spec.range and physical.type != "DOUBLE":
        plain = pc.cast(values.filter(pc.match_substring_regex(values, r"^\d{1,6}$")), pa.int64())
        found.faults["beyond"] = share(pc.sum(pc.greater(plain, int(spec.range[1]))).as_py() or 0, rows)
    elif found.kind == "nhs number":
        fits = pc.match_substring_regex(values, r"^\d{10}$")
        found.faults["malformed"] = share(pc.sum(pc.invert(fits)).as_py() or 0, rows)
        found.faults["check digit"] = share(_wrong_check_digits(values.filter(fits)), rows)
    if found.kind in ("text", "time", "month"):
        found.faults["blank"] = share(pc.sum(pc.match_substring_regex(values, r"\S\s+$")).as_py() or 0, rows)
    if found.kind == "nhs number":
        found.pool, found.spoilt = pools.unused_numbers(rows, held)
    elif found.kind == "key":
        found.pool = (pools.unused_prefix(found.canonical, held),)
    elif found.kind not in ("code", "number", "other"):
        found.pool = pools.unused(found.kind, spec, physical, held)
    return found


def _kind(physical, spec: ColumnSpec | None, table: TableSpec | None) -> str:
    if spec is None:
        if physical.type == "SHORT_DATE_TIME":
            return "date"
        return "text" if physical.type in ("TEXT", "MEMO") else "other"
    if table and (spec.name in table.primary_key or spec.name in table.foreign_keys):
        return "key" if physical.length >= _KEY_WIDTH else "text"
    if spec.name == "NHSNO":
        return "nhs number"
    if spec.format.kind in ("integer", "decimal"):
        return "number"
    if spec.format.kind == "date":
        return "birth" if spec.name in _BIRTHS else "date"
    return "code" if spec.codes else spec.format.kind


def _count_codes(found: ColumnProfile, codes: CodeList, values: pa.ChunkedArray, held: set[str]):
    """Frequencies of the codes that are meant, and shares of the ways in which they are written wrong."""
    known, rows = pa.array(list(codes.codes)), len(values)
    trimmed = pc.utf8_trim_whitespace(values)
    padded = pc.binary_join_element_wise(pa.scalar("0"), trimmed, "")
    exact, inside = pc.is_in(values, known), pc.is_in(trimmed, known)
    short, upper = pc.is_in(padded, known), pc.is_in(pc.utf8_upper(trimmed), known)
    meant = pc.if_else(inside, trimmed, pc.if_else(short, padded, pc.utf8_upper(trimmed)))
    meant = meant.filter(pc.or_(inside, pc.or_(short, upper)))
    for pair in pc.value_counts(meant).to_pylist():
        if rounded(pair["counts"]):
            found.codes[pair["values"]] = rounded(pair["counts"])
    present = values.is_valid()
    kinds = {
        "blank": pc.and_not(pc.not_equal(values, trimmed), exact),
        "short": pc.and_not(short, inside),
        "case": pc.and_not(upper, pc.or_(inside, short)),
        "unknown": pc.and_not(present, pc.or_(inside, pc.or_(short, upper))),
    }
    found.faults = {kind: share(pc.sum(rows_of).as_py() or 0, rows) for kind, rows_of in kinds.items()}
    found.pool = pools.unused(
        "unknown", found.spec, found.physical, {*pc.unique(values).to_pylist(), *codes.codes}
    )


def _date_layout(values: pa.ChunkedArray) -> str:
    """The way in which most of the dates are written."""
    layouts = {r"^\d\d/\d\d/\d{4}": "%d/%m/%Y", r"^\d\d-\d\d-\d{4}": "%d-%m-%Y", r"^\d{8}$": "%Y%m%d"}
    counts = {
        layout: pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0
        for pattern, layout in layouts.items()
    }
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > (len(values) - values.null_count) / 2 else "%Y-%m-%d"


def _wrong_check_digits(numbers: pa.ChunkedArray) -> int:
    if not len(numbers):
        return 0
    raw = np.frombuffer("".join(numbers.to_pylist()).encode(), np.uint8).reshape(-1, 10).astype(np.int64) - 48
    check = (11 - raw[:, :9] @ np.arange(10, 1, -1) % 11) % 11
    return int((check != raw[:, 9]).sum())


def orphans(child: pa.ChunkedArray, parent: pa.ChunkedArray, rows: int) -> float:
    """The share of a child's keys that its parent table does not hold."""
    lost = pc.and_not(child.is_valid(), pc.is_in(child, pc.unique(parent)))
    return share(pc.sum(lost).as_py() or 0, rows)
