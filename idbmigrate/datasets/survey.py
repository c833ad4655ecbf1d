"""What an Access file holds against what its data set leads one to expect: the content of ``inspect``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from idbmigrate.datasets.identify import Identification, identify
from idbmigrate.datasets.load import load_dataset
from idbmigrate.datasets.model import CodeList, Dataset

if TYPE_CHECKING:
    import pyarrow as pa

    from idbmigrate.datasets.overlay import Overlay
    from idbmigrate.readers import Idb

#: A longer value in a coded column is no code but something else, and it is only counted.
_LONGEST_CODE = 10
#: Different values that are listed for one column; the rest are counted.
_LISTED = 20


@dataclass(frozen=True)
class NewCode:
    """A value outside the national codes of its column, and how many rows have it.

    ``like`` is the national code that it becomes without blanks and with its leading zeros. ``value``
    is ``None`` for all values together that are too long for a code, or too many to list.
    """

    table: str
    column: str
    value: str | None
    rows: int
    like: str | None = None


@dataclass(frozen=True)
class TableCount:
    """Rows of a table: what its definition declares, and what could be read."""

    table: str
    declared: int
    read: int


@dataclass(frozen=True)
class Survey:
    """An identified file, the rows of its tables and the values outside the national code lists."""

    found: Identification
    counts: tuple[TableCount, ...]
    new_codes: tuple[NewCode, ...]

    def as_dict(self) -> dict[str, Any]:
        """The survey as one JSON-able object."""
        found = self.found
        counts = {count.table: count for count in self.counts}
        tables = []
        for table in found.tables:
            count = counts[table.source]
            rows = {"declared_rows": count.declared, "read_rows": count.read}
            tables.append({**asdict(table), **rows, "extra": list(table.extra)})
        return {
            "dataset": found.dataset,
            "version": found.version,
            "confidence": found.confidence,
            "score": found.score,
            "evidence": list(found.evidence),
            "tables": tables,
            "missing_tables": list(found.missing_tables),
            "extra_tables": list(found.extra_tables),
            "candidates": [asdict(candidate) for candidate in found.candidates],
            "new_codes": [asdict(code) for code in self.new_codes],
        }


def survey(idb: Idb, overlay: Overlay | None = None, source: str | None = None) -> Survey:
    """Identify an open file, count its rows and list the codes that its data set does not know."""
    found = identify({name: idb.columns(name) for name in idb.tables}, overlay, source)
    dataset = load_dataset(found.dataset)
    counts, codes = [], []
    for match in found.tables:
        table = idb.read(match.source)
        counts.append(TableCount(match.source, idb.row_count(match.source), table.num_rows))
        if match.canonical is not None:
            names = {column.source: column.canonical for column in match.columns if column.canonical}
            codes += _new_codes(dataset, match.canonical, _values(idb, match.source, table), names)
    return Survey(found, tuple(counts), tuple(codes))


def _values(idb: Idb, name: str, table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The values of each column; of one that holds several in a cell each by itself, of attachments none."""
    values = dict(zip(table.column_names, table.columns, strict=True))
    for column in idb.columns(name):
        if column.type == "COMPLEX_TYPE":
            del values[column.name]
            several = idb.several_values(name, column.name)
            if several is not None:
                values[column.name] = several["value"]
    return values


def _new_codes(
    dataset: Dataset, name: str, values: dict[str, pa.ChunkedArray], names: dict[str, str]
) -> list[NewCode]:
    found = []
    for source, column in names.items():
        codes = dataset.codes_of(dataset.tables[name].columns[column])
        if codes is not None and source in values:
            found += _outside(name, column, values[source], codes)
    return found


def _outside(table: str, column: str, values: pa.ChunkedArray, codes: CodeList) -> list[NewCode]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return []
    counted = pc.value_counts(pc.cast(values, pa.string()).drop_null())
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    new = sorted((pair for pair in pairs if pair[0] and pair[0] not in codes.codes), key=_most_first)
    short = [pair for pair in new if len(pair[0]) <= _LONGEST_CODE]
    found = [NewCode(table, column, value, rows, _like(value, codes)) for value, rows in short[:_LISTED]]
    rest = sum(rows for _, rows in new) - sum(code.rows for code in found)
    return [*found, NewCode(table, column, None, rest)] if rest else found


def _most_first(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _like(value: str, codes: CodeList) -> str | None:
    trimmed = value.strip()
    if trimmed in ("true", "-1"):  # yes, as Access holds it
        return "Y" if "Y" in codes.codes else None
    for form in (trimmed, trimmed.upper(), trimmed.zfill(2), trimmed.lstrip("0")):
        if form in codes.codes:
            return form
    return None
