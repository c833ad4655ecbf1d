"""What the rows of a file say about the submission: its provider, its months, what a header holds."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets import Dataset
from idbmigrate.staging.tables import StagedTable

#: Data items whose dates say in which month the provider was active.
_ACTIVITY = ("APPOINTMENT DATE", "CARE CONTACT DATE")
_PROVIDER = "ORGANISATION CODE (CODE OF PROVIDER)"
#: Columns of the header that the centre kept with a submission, and repeated in its tables (REP_HEADER).
HEADER = (
    "file_type",
    "reportingperiodstartdate",
    "reportingperiodenddate",
    "orgcodeprovider",
    "unique_monthid",
)
#: More different values than this are no header's.
_FEW = 4
_MONTH = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def dates_by_month(table: StagedTable, dataset: Dataset) -> dict[str, dict[str, int]]:
    """Rows by month (``YYYY-MM``) of each column that dates activity, as ``TABLE.COLUMN``."""
    found = {}
    for name in _with_item(table, dataset, _ACTIVITY):
        values = _text(table.clean[name])
        values = values.filter(pc.match_substring_regex(values, _MONTH))
        counts = _counts(pc.utf8_slice_codeunits(values, 0, 7))
        if counts:
            found[f"{table.label}.{name}"] = counts
    return found


def providers(table: StagedTable, dataset: Dataset) -> dict[str, dict[str, int]]:
    """Rows by provider of each column that names it, as ``TABLE.COLUMN``."""
    found = {}
    for name in _with_item(table, dataset, (_PROVIDER,)):
        counts = _counts(pc.utf8_upper(_text(table.clean[name])))
        if counts:
            found[f"{table.label}.{name}"] = counts
    return found


def headers(table: StagedTable) -> dict[str, list[str]]:
    """What columns of a submission header hold, by their names in small letters; none for other tables."""
    own = {name.casefold(): name for name in table.columns}
    if not any(name in own for name in HEADER if name != "orgcodeprovider"):
        return {}
    found = {}
    for name in HEADER:
        if name in own and len(values := _counts(_text(table.clean[own[name]]))) in range(1, _FEW + 1):
            found[name] = sorted(values)
    return found


def _with_item(table: StagedTable, dataset: Dataset, items: Iterable[str]) -> list[str]:
    if table.name is None:
        return []
    spec = dataset.tables[table.name].columns
    return [name for name in table.columns if name in spec and (spec[name].item or "") in items]


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.string())


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    counts = pc.value_counts(values.drop_null())
    texts, rows = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
    return dict(sorted(zip(texts, rows, strict=True)))
