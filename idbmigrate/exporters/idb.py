"""Target tables into an Access template: a copy of it, filled, read back and only then put in place.

    convert every text to its column's type -> copy beside -> append -> sync -> read back -> compare -> rename

Everything that could be refused is refused before a page is written: a structure that is not the data
set's, an index that could not be kept right, a value that does not fit.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access import open_database
from idbmigrate.access.write.layout import ColumnLayout
from idbmigrate.access.write.properties import ColumnRules
from idbmigrate.access.write.values import arrow_type, side_by_side
from idbmigrate.access.write.writer import DatabaseWriter
from idbmigrate.datasets.model import Dataset
from idbmigrate.errors import BooksError, OutputError
from idbmigrate.exporters import FORMATS, Job
from idbmigrate.exporters import template as templates
from idbmigrate.exporters.access_text import to_access
from idbmigrate.exporters.conditions import Accepts, first_refused, kind_of, understood
from idbmigrate.exporters.whole import whole_file
from idbmigrate.readers import open_idb
from idbmigrate.staging.tables import as_text

#: Values are converted to the types of the template, from text.
DICTIONARIES = False
#: The day on which Access keeps a time that has none.
_DAY_ZERO = "1899-12-30"
#: what the file is called that has the shape of a submission but is none
TEST_NAME = "{dataset}-TEST-FILE-not-for-submission.accdb"


def export(tables: Mapping[str, pa.Table], job: Job) -> list[Path]:
    """Fill a copy of the user's template, or make a test file."""
    return write(tables, job.target, job.folder, template=job.template, allow=job.allow)


def write(
    tables: Mapping[str, pa.Table],
    dataset: Dataset,
    folder: Path,
    *,
    template: str | os.PathLike[str] | None = None,
    allow: Iterable[str] = (),
) -> list[Path]:
    """Write the tables of a data set to an Access file in ``folder``; gives its path.

    With a template the file has its name; without one it is a test file of the same shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if template is not None:
        target = folder / Path(template).name
        fill(tables, template, target, dataset=dataset, allow=allow)
        return [target]
    target = folder / TEST_NAME.format(dataset=dataset.name)
    shape = target.with_name(f".{target.stem}.shape{target.suffix}")
    try:
        templates.make_shape(dataset, shape)
        fill(tables, shape, target)
    finally:
        shape.unlink(missing_ok=True)
    return [target]


def fill(
    tables: Mapping[str, pa.Table],
    template: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    allow: Iterable[str] = (),
    overwrite: bool = False,
) -> dict[str, int]:
    """Append all-text tables to a copy of ``template`` and put it at ``out``; gives rows by table.

    ``dataset`` has the template's structure checked first; ``allow`` names differences to accept. A table
    or column that the template lacks is refused if it holds a value. Raises OutputError:
    ``template-mismatch``, ``index-unsupported``, ``value-does-not-fit``, ``size-limit``, ``output-exists``;
    SourceError if the template cannot be read; BooksError if the file read back differs.
    """
    with whole_file(out, overwrite) as part:
        if dataset is not None:
            templates.require(template, dataset, allow)
        shutil.copyfile(template, part)
        os.chmod(part, 0o644)  # a template may be read-only
        with DatabaseWriter(part) as writer:
            ready = _prepare(writer, tables)
            before = {name: writer.layout(name).rows for name in ready}
            counted = {(name, c.name) for name in ready for c in writer.layout(name).columns if c.autonumber}
            for name, table in ready.items():
                writer.append(name, table)
        _compare(part, ready, before, counted)
    return {name: table.num_rows for name, table in ready.items()}


def _prepare(writer: DatabaseWriter, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """All tables in the types of the template, with everything checked that can be before writing."""
    ready = {}
    for name, table in tables.items():
        if table.num_rows:
            if name not in writer.tables:
                raise OutputError("the template has no such table", code="template-mismatch", where=name)
            writer.require_indexes(name)
            ready[name] = _typed(name, table, writer.layout(name).columns, writer.rules(name))
    return ready


def _typed(
    name: str, table: pa.Table, layout: list[ColumnLayout], rules: Mapping[str, ColumnRules]
) -> pa.Table:
    """One table in the types of the template's columns."""
    columns = {column.name: column for column in layout}
    absent = [column for column in layout if column.name not in table.column_names and not column.autonumber]
    for column in absent:
        if column.name in rules and rules[column.name].required:
            message = "the template requires a value, and the data set has no such column"
            raise OutputError(message, code="template-mismatch", where=f"{name}.{column.name}")
    for column in table.column_names:
        if column not in columns and table.column(column).null_count < table.num_rows:
            message = "the template has no such column"
            raise OutputError(message, code="template-mismatch", where=f"{name}.{column}")

    def one(column: str) -> pa.Array:
        values, where = table.column(column), f"{name}.{column}"
        _require_rules(values, rules.get(column), where)
        made = to_access(values, columns[column], where)
        _require_valid(made, rules.get(column), where)
        return made

    kept = [column for column in table.column_names if column in columns]
    return pa.table(dict(zip(kept, side_by_side(one, kept, table.num_rows), strict=True)))


def _require_rules(values: pa.ChunkedArray, rules: ColumnRules | None, where: str) -> None:
    if rules is None:
        return
    if rules.required and values.null_count:
        row = pc.index(pc.is_null(values), True).as_py() + 1
        message = f"row {row}: the template requires a value"
        raise OutputError(message, code="value-does-not-fit", where=where)
    if not rules.allows_empty:
        row = pc.index(pc.fill_null(pc.equal(values, ""), False), True).as_py() + 1
        if row:
            message = f"row {row}: the template does not allow an empty text"
            raise OutputError(message, code="value-does-not-fit", where=where)


def _require_valid(values: pa.Array, rules: ColumnRules | None, where: str) -> None:
    """Refuse a value that the template's validation rule refuses, where it is a simple comparison."""
    test = _test(values.type, rules)
    row = None if test is None else first_refused(values, test)
    if row is not None:
        raise OutputError(
            f"row {row + 1}: the template's validation rule refuses the value",
            code="value-does-not-fit",
            where=where,
            hint="take the rule off the column in a copy of the template, or mend the value",
        )


def _test(kind: pa.DataType, rules: ColumnRules | None) -> Accepts | None:
    literals = kind_of(kind)
    if rules is None or not rules.valid or literals is None:
        return None
    return understood(rules.valid, literals)


def unevaluated(template: str | os.PathLike[str]) -> list[str]:
    """The columns (``TABLE.COLUMN``) of a template whose validation rule says more than a simple comparison,
    and the tables (``TABLE``) that have a rule of their own.

    What they refuse only Access can tell.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(template).name
        shutil.copyfile(template, copy)
        os.chmod(copy, 0o600)
        with DatabaseWriter(copy) as writer:
            return [place for name in writer.tables for place in _unevaluated(writer, name)]


def _unevaluated(writer: DatabaseWriter, table: str) -> Iterator[str]:
    rules = writer.rules(table)
    if "" in rules and rules[""].valid:
        yield table
    for column in writer.layout(table).columns:
        if _untested(column, rules.get(column.name)):
            yield f"{table}.{column.name}"


def _untested(column: ColumnLayout, rules: ColumnRules | None) -> bool:
    if rules is None or not rules.valid:
        return False
    try:
        return _test(arrow_type(column), rules) is None
    except OutputError:  # a type that is never written
        return True


def _compare(
    path: Path, written: Mapping[str, pa.Table], before: Mapping[str, int], counted: set[tuple[str, str]]
) -> None:
    """Read the file back in full and hold every cell against what was to be written.

    ``before`` are the rows that the template had, ``counted`` the columns that number rows themselves.
    """
    with open_database(path) as database:
        for name, table in written.items():
            found = database.read(name, columns=table.column_names)
            if database.row_count(name) != before[name] + table.num_rows or found.num_rows < table.num_rows:
                raise BooksError("rows read back differ in number", code="readers-disagree", where=name)
            found = found.slice(found.num_rows - table.num_rows)
            for column in table.column_names:
                values = found.column(column)
                if (name, column) in counted:
                    values = pc.if_else(table.column(column).is_valid(), values, pa.scalar(None, values.type))
                if not _same(values, table.column(column)):
                    message = "a value read back is not the one that was written"
                    raise BooksError(message, code="readers-disagree", where=f"{name}.{column}")


def _same(found: pa.ChunkedArray, written: pa.ChunkedArray) -> bool:
    if written.type != found.type:
        written = written.cast(found.type)
    if pa.types.is_boolean(found.type):  # Yes/No knows no null
        written = written.fill_null(False)
    return found.equals(written)


def written(folder: Path, dataset: Dataset) -> list[Path]:
    """The Access files in the folder of this format; elsewhere one may be anything."""
    files = sorted(folder.iterdir()) if folder.name == "idb" else []
    return [file for file in files if file.suffix.lower() in FORMATS["idb"]]


def read_back(file: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The tables of the data set in an Access file."""
    with open_idb(file) as idb:
        tables = {}
        for name in (each for each in idb.tables if each in dataset.tables):
            table = idb.read(name)
            specs = dataset.tables[name].columns
            columns = {each: as_text(table[each]) for each in table.column_names}
            for each in columns:
                if each in specs and pa.types.is_timestamp(table[each].type):
                    columns[each] = _clock(columns[each], specs[each].format.kind)
            tables[name] = pa.table(columns)
        return tables


def _clock(texts: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Date/Time, as text, as the data set writes a time or moment; midnight has lost its hours on the way."""
    if kind == "time":
        return pc.replace_substring_regex(texts, f"^{_DAY_ZERO}$", "00:00:00")
    if kind == "timestamp":
        texts = pc.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d)$", r"\1 00:00:00")
        return pc.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d) (\d\d)", r"\1T\2")
    return texts
