"""Read converted output back as target tables: a CSV or Parquet folder, an XML document, an Access file.

Everything is text; an empty field is missing. Columns and tables that are not there stay away, so that
the rules can say so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from idbmigrate.errors import SourceError

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset

ACCESS = (".mdb", ".accdb")

#: The day on which Access keeps a time that has none.
_DAY_ZERO = "1899-12-30"
#: Bound for one XML element's text; the longest column of any data set has 56 characters.
_MAX_TEXT = 65_536
#: The file of an output folder that says what was written, and its largest size in bytes.
MANIFEST, _MAX_MANIFEST = "manifest.json", 64 << 20


def written_as(path: str | os.PathLike[str]) -> str | None:
    """The data set that the manifest of an output folder names; None where there is no such manifest.

    ``path`` is the folder that ``convert`` wrote, or a folder or file in it.
    """
    place = Path(path)
    for folder in (place, place.parent, place.parent.parent):
        manifest = folder / MANIFEST
        if manifest.is_file() and manifest.stat().st_size <= _MAX_MANIFEST:
            try:
                target = json.loads(manifest.read_bytes()).get("target")
            except (ValueError, AttributeError):
                return None
            return target if isinstance(target, str) else None
    return None


def read_output(path: str | os.PathLike[str], dataset: Dataset) -> dict[str, pa.Table]:
    """Read the tables of a data set that ``path`` holds.

    ``path`` is the folder that ``convert`` wrote, its ``csv``, ``parquet`` or ``xml`` folder, one CSV,
    an XML document, or an Access file. Raises ``SourceError``.
    """
    place = Path(path)
    if not place.exists():
        raise SourceError("no such file or folder", code="not-found", where=str(place))
    if place.is_file():
        if place.suffix.lower() in ACCESS:
            return _read_access(place, dataset)
        if place.suffix.lower() == ".csv":
            return {_named(place, dataset): _table(place, _read_csv)}
        return _read_xml(place, dataset)
    for folder in (place, place / "csv", place / "parquet", place / "xml"):
        for suffix, read in ((".csv", _read_csv), (".parquet", _read_parquet)):
            found = [name for name in dataset.tables if (folder / f"{name}{suffix}").is_file()]
            if found:
                return {name: _table(folder / f"{name}{suffix}", read) for name in found}
        if (folder / f"{dataset.name}.xml").is_file():
            return _read_xml(folder / f"{dataset.name}.xml", dataset)
    months = sorted(each.name for each in place.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]") if each.is_dir())
    hint = f"it holds months; choose one, such as {place / months[0]}" if months else None
    raise SourceError(
        f"there is no table of {dataset.name} in this folder",
        code="missing-table",
        where=str(place),
        hint=hint or "name the output folder of convert, or the right data set with --as",
    )


def _named(path: Path, dataset: Dataset) -> str:
    """The table that a CSV is called after, in any letter case, or the only one that has its columns."""
    for name in dataset.tables:
        if name.casefold() == path.stem.casefold():
            return name
    try:
        header = set(_csv_header(path))
    except UnicodeDecodeError:
        header = set()
    fits = [name for name, spec in dataset.tables.items() if header and header <= spec.columns.keys()]
    same = [name for name in fits if header == dataset.tables[name].columns.keys()]
    found = same or fits
    if len(found) == 1:
        return found[0]
    told = f"the columns are those of {', '.join(found)}" if found else "no table has these columns"
    raise SourceError(
        f"{dataset.name} has no table of that name, and {told}",
        code="missing-table",
        where=path.name,
        hint=f"call the file after its table, such as {next(iter(dataset.tables))}.csv",
    )


def _table(path: Path, read: Callable[[Path], pa.Table]) -> pa.Table:
    try:
        table = read(path)
        return pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
    except (pa.ArrowException, UnicodeDecodeError, KeyError):
        raise SourceError(
            "the file cannot be read as a table of text",
            code="damaged",
            where=path.name,
            hint="it must be UTF-8 with a header row, as convert writes it",
        ) from None


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    names = _csv_header(path)
    if len(set(names)) != len(names):
        raise KeyError("a column stands twice")
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _csv_header(path: Path) -> list[str]:
    with open(path, "rb") as file:
        header = file.readline(1 << 20).decode("utf-8-sig").strip("\r\n")
    return next(iter(_csv_words([header])), [])


def _csv_words(lines: list[str]):
    import csv

    return csv.reader(lines)


def _read_parquet(path: Path) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(path)


def _read_access(path: Path, dataset: Dataset) -> dict[str, pa.Table]:
    from idbmigrate.readers import open_idb
    from idbmigrate.staging.tables import as_text

    with open_idb(path) as idb:
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
    import pyarrow.compute as pc

    if kind == "time":
        return pc.replace_substring_regex(texts, f"^{_DAY_ZERO}$", "00:00:00")
    if kind == "timestamp":
        texts = pc.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d)$", r"\1 00:00:00")
        return pc.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d) (\d\d)", r"\1T\2")
    return texts


def _read_xml(path: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """Read a document of the shape that convert writes; a DOCTYPE is refused."""
    from xml.parsers import expat

    reader = _XmlRows(dataset)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        with open(path, "rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError):
        raise SourceError(
            "the file is not an XML document of this data set",
            code="damaged",
            where=f"{path.name}, line {parser.CurrentLineNumber}",
            hint="it must have the shape of the schema that 'idbmigrate dataset schema' prints",
        ) from None
    return reader.tables()


class _XmlRows:
    """Collects the rows of a document: one element a row, in it one element a value."""

    def __init__(self, dataset: Dataset):
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in dataset.tables}
        self.columns = {name: dict.fromkeys(spec.columns) for name, spec in dataset.tables.items()}
        self.depth, self.table, self.column, self.size = 0, "", "", 0
        self.parts: list[str] = []

    def refuse(self, *_: object) -> None:
        raise ValueError("a document type declaration is not accepted")

    def start(self, name: str, _: object) -> None:
        self.depth += 1
        name = name.rpartition(" ")[2]
        if self.depth == 2:
            if name not in self.rows:
                raise ValueError("an element that is no table")
            self.table = name
            self.rows[name].append({})
        elif self.depth == 3:
            if name not in self.columns[self.table]:
                raise ValueError("an element that is no column")
            self.column, self.parts, self.size = name, [], 0
        elif self.depth > 3:
            raise ValueError("nested too deeply")

    def text(self, text: str) -> None:
        if self.depth == 3:
            self.size += len(text)
            if self.size > _MAX_TEXT:
                raise ValueError("a value is too long")
            self.parts.append(text)

    def end(self, _: str) -> None:
        if self.depth == 3:
            self.rows[self.table][-1][self.column] = "".join(self.parts)
        self.depth -= 1

    def tables(self) -> dict[str, pa.Table]:
        return {
            name: pa.table(
                {
                    column: pa.array([row.get(column) or None for row in rows], pa.string())
                    for column in columns
                }
            )
            for (name, rows), columns in zip(self.rows.items(), self.columns.values())
        }
