"""Target tables for analysis: typed Parquet by month, and a DuckDB file of views on it.

A column of dates, times or numbers stands twice: as its type, and under ``<name>_text`` as it is submitted. A
text that is not of its column's type is null in the typed one, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from idbmigrate.datasets.model import ColumnSpec, Dataset, TableSpec
from idbmigrate.engine.views import View, write_views
from idbmigrate.errors import SourceError
from idbmigrate.exporters import Job
from idbmigrate.result.summary import NotOfType

#: Parquet makes its own dictionaries.
DICTIONARIES = False
FILE = "analysis.duckdb"
#: The number of a row in the table that is submitted, from 0, and the month of rows that have none.
ROW, NO_MONTH = "_row", "none"
_TEXT = "_text"
_MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
#: Items whose values are numbers, although a submission holds them as text.
_NUMBERS = ("PERSON SCORE", "OBSERVATION VALUE")
Tables = Mapping[str, pa.Table]


def export(tables: Tables, job: Job) -> None:
    """Write ``<TABLE>/month=YYYY-MM/part.parquet`` and the views; counts go to ``job.not_of_type``."""
    months = _Months(tables, job.target)
    views = []
    for name, table in tables.items():
        spec = job.target.tables[name]
        _write(job.folder / name, _typed(table, spec, job.not_of_type), months.of(name))
        views.append(_view(table.column_names, spec))
    write_views(job.folder / FILE, views)


def written(folder: Path, dataset: Dataset) -> list[Path]:
    """The file of views, if it is there."""
    return [file] if (file := folder / FILE).is_file() else []


def read_back(file: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The tables beside a file of views, as they are submitted: their texts, in their order."""
    found = {}
    for name, spec in dataset.tables.items():
        parts = sorted((file.parent / name).glob("month=*/*.parquet"))
        if parts:
            found[name] = _submitted(parts, spec)
    if not found:
        raise SourceError("no table lies beside it", code="missing-table", where=file.name)
    return found


def _submitted(parts: list[Path], spec: TableSpec) -> pa.Table:
    try:
        whole = pa.concat_tables([parquet.read_table(part, partitioning=None) for part in parts])
        whole = whole.sort_by(ROW)
        names = [name for name in spec.columns if name in whole.column_names]
        texts = {name: name + _TEXT if name + _TEXT in whole.column_names else name for name in names}
        return pa.table({name: whole[own].cast(pa.string()) for name, own in texts.items()})
    except (pa.ArrowException, KeyError):
        raise SourceError("a table cannot be read", code="damaged", where=spec.name) from None


# -- types -----------------------------------------------------------------------------------------


def _typed(table: pa.Table, spec: TableSpec, counts: list[NotOfType]) -> pa.Table:
    """The table with typed columns, each followed by its text, and the number of each row."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = {ROW: pa.array(range(table.num_rows), pa.int64())}
    for name in table.column_names:
        texts, turn = table[name], _turn(spec.columns.get(name))
        if turn is None:
            columns[name] = texts
            continue
        columns[name], columns[name + _TEXT] = turn(texts), texts
        lost = columns[name].null_count - texts.null_count
        if lost:
            counts.append({"table": spec.name, "column": name, "values": lost})
    return pa.table(columns)


def _turn(spec: ColumnSpec | None) -> Callable[[pa.ChunkedArray], pa.ChunkedArray] | None:
    """How the texts of a column become values of its type; none where they are texts."""
    if spec is None:
        return None
    if spec.item in _NUMBERS:
        return _decimals
    return {
        "date": _days,
        "time": _times,
        "timestamp": _moments,
        "integer": _whole,
        "decimal": _decimals,
    }.get(spec.format.kind)


def _only(texts: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """The texts that match from end to end, null for all else."""
    mask = pc.fill_null(pc.match_substring_regex(texts, f"\\A(?:{pattern})\\z"), False)
    return pc.if_else(mask, texts, pa.scalar(None, pa.string()))


def _days(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return _parsed(_only(texts, "[0-9]{4}-[0-9]{2}-[0-9]{2}"), "%Y-%m-%d").cast(pa.date32())


def _times(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    made = pc.strptime(_only(texts, _CLOCK), format="%H:%M:%S", unit="s", error_is_null=True)
    return made.cast(pa.time32("s"))


def _moments(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Day and clock as they are written; the offset behind them stays in the text."""
    pattern = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
    return _parsed(pc.utf8_slice_codeunits(_only(texts, pattern), 0, 19), "%Y-%m-%dT%H:%M:%S")


def _parsed(texts: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Moments of texts; null where there is no such day, which a parser may take for a later one."""
    made = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    same = pc.fill_null(pc.equal(pc.strftime(made, format=form), texts), False)
    return pc.if_else(same, made, pa.scalar(None, made.type))


def _whole(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return _only(texts, "-?[0-9]{1,18}").cast(pa.int64())


def _decimals(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return _only(texts, "-?[0-9]{1,15}(?:[.][0-9]{1,15})?").cast(pa.float64())


# -- months ----------------------------------------------------------------------------------------


class _Months:
    """The month of each row: that of its own date, else of the row that it hangs on."""

    def __init__(self, tables: Tables, dataset: Dataset):
        self.tables, self.dataset = tables, dataset
        self.found: dict[str, pa.ChunkedArray] = {}

    def of(self, name: str) -> pa.ChunkedArray:
        if name not in self.found:
            table, spec = self.tables[name], self.dataset.tables[name]
            self.found[name] = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])  # ends a circle
            self.found[name] = self._own(table, spec)
        return self.found[name]

    def _own(self, table: pa.Table, spec: TableSpec) -> pa.ChunkedArray:
        found = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        if spec.period and spec.period.kind in ("date", "until", "open"):
            dates = table[spec.period.columns[0]]
            dated = pc.fill_null(pc.match_substring_regex(dates, _MONTH), False)
            months = pc.utf8_slice_codeunits(dates, 0, 7)
            return pc.if_else(dated, months, pa.scalar(None, pa.string()))
        for column, (parent, key) in spec.foreign_keys.items():
            if (
                spec.period
                and spec.period.kind == "parent"
                and parent == spec.parent
                and parent in self.tables
            ):
                at = pc.index_in(table[column], value_set=self.tables[parent][key].combine_chunks())
                found = self.of(parent).take(at)
        return found


def _write(folder: Path, table: pa.Table, months: pa.ChunkedArray) -> None:
    """One file a month; a table without rows has one of no month, so that its columns are known."""
    months = pc.fill_null(months, NO_MONTH)
    for month in sorted(pc.unique(months).to_pylist()) or [NO_MONTH]:
        place = folder / f"month={month}"
        place.mkdir(parents=True)
        part = table.filter(pc.equal(months, month)) if table.num_rows else table
        parquet.write_table(part, place / "part.parquet", compression="zstd")


# -- views -----------------------------------------------------------------------------------------


def _view(columns: list[str], spec: TableSpec) -> View:
    """The view of a table, with what the data set says of it."""
    comments = {ROW: "number of the row in the submitted table, from 0"}
    for name in columns:
        own = spec.columns.get(name)
        words = _words(own) if own else "not a column of the data set"
        comments[name] = words
        if _turn(own) is not None:
            comments[name + _TEXT] = f"{name} as it is submitted"
    comments["month"] = f"month of the row's date, or of the row that it hangs on; {NO_MONTH} without one"
    return View(spec.name, ". ".join(filter(None, (spec.title, spec.grain))) or spec.name, comments)


def _words(spec: ColumnSpec) -> str:
    codes = f"codes: {spec.codes}" if spec.codes else None
    return "; ".join(filter(None, (spec.item or spec.name, spec.format.notation, codes)))
