"""Target tables as one XML document in a namespace of this project.

No inbound XML schema is published for these data sets, so the shape is ours, and the document says so
in its first comment. One element a row, named like its table; in it one element a value, named like its
column; a null is left out. The header table comes first, then the tables in the data set's order.
The XSD written beside it (:func:`idbmigrate.datasets.schema.xsd`) describes exactly this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.datasets import Dataset
from idbmigrate.datasets.schema import namespace, table_order, xsd
from idbmigrate.errors import OutputError, SourceError
from idbmigrate.exporters import Job
from idbmigrate.exporters._text import Create, batches, content, create, different, in_order, plain

#: Dictionaries are written out piece by piece.
DICTIONARIES = True
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}  # the ampersand first
_MARKS = tuple(mark.encode() for mark in _ESCAPES)
#: what XML 1.0 (section 2.2) does not allow, as bytes of UTF-8
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_FORBIDDEN_TEXT = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x{FFFE}\\x{FFFF}]"

#: Bound for one element's text that is read; the longest column of any data set has 56 characters.
_MAX_TEXT = 65_536

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- {name}. No inbound XML schema is published for this data set: this document and its schema
     {name}.xsd are idbmigrate's own and are not accepted as a submission. -->
<DataSet xmlns="{namespace}">
"""


def export(tables: Mapping[str, pa.Table], job: Job) -> list[Path]:
    """Write the document, named after the data set, and its schema."""
    return write(tables, job.target, job.folder / f"{job.target.name}.xml", job.create)


def write(
    tables: Mapping[str, pa.Table], dataset: Dataset, path: Path, create: Create = create
) -> list[Path]:
    """Write the document to ``path`` and its schema beside it; return both paths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_document(tables, dataset, path, create)
    schema = path.with_suffix(".xsd")
    schema.write_bytes(xsd(dataset))
    return [path, schema]


def write_document(
    tables: Mapping[str, pa.Table], dataset: Dataset, path: Path, create: Create = create
) -> None:
    """Write the document alone.

    Raises OutputError ``value-does-not-fit`` for a character that XML cannot hold, with table, column
    and number of the row; nothing is replaced in silence.
    """
    with create(path) as file:
        file.write(_HEAD.format(name=dataset.name, namespace=namespace(dataset)).encode())
        for part in in_order(_rows, _parts(tables, dataset)):
            file.write(part)
        file.write(b"</DataSet>\n")


def _parts(tables: Mapping[str, pa.Table], dataset: Dataset) -> Iterator[tuple[str, int, pa.RecordBatch]]:
    for name in (table.name for table in table_order(dataset)):
        if name in tables:
            start = 0
            for batch in batches(tables[name]):
                yield name, start, batch
                start += batch.num_rows


def _rows(part: tuple[str, int, pa.RecordBatch]) -> pa.Buffer:
    """The rows of a batch as bytes: whole columns, joined in one pass over the rows.

    A tag that stands before or after a column without nulls is joined as a constant; only a column
    with nulls needs tags of its own, because a null takes them with it.
    """
    table, start, batch = part
    pieces: list[pa.StringArray | str] = []
    tags = f"<{table}>"
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count == len(column):
            continue
        values = _escaped(column, table, name, start)
        if column.null_count:
            values = pc.binary_join_element_wise(f"<{name}>", values, f"</{name}>", "")
            pieces += [tags, _rowwise(values, column)] if tags else [_rowwise(values, column)]
            tags = ""
        else:
            pieces += [f"{tags}<{name}>", _rowwise(values, column)]
            tags = f"</{name}>"
    tags += f"</{table}>\n"
    if not pieces:
        return pa.py_buffer(tags.encode() * batch.num_rows)
    return content(pc.binary_join_element_wise(*pieces, tags, "", null_handling="skip"))


def _rowwise(values: pa.StringArray, column: pa.Array) -> pa.StringArray:
    """What was made of the different values of a column, for each row."""
    return values.take(column.indices) if pa.types.is_dictionary(column.type) else values


def _escaped(column: pa.Array, table: str, name: str, start: int) -> pa.StringArray:
    """The different values of a column as XML writes them."""
    values = different(column)
    text = content(values).to_pybytes()
    suspect = text and (np.frombuffer(text, np.uint8).min() < 0x20 or b"\xef\xbf" in text)
    if suspect and _FORBIDDEN.search(text):
        row = pc.index(pc.match_substring_regex(plain(column), _FORBIDDEN_TEXT), True).as_py()
        if row >= 0:  # a dictionary may hold values that no row has
            raise OutputError(
                "a value holds a character that XML 1.0 does not allow",
                code="value-does-not-fit",
                where=f"{table}.{name}, row {start + row + 1}",
                hint="leave out --format xml, or clean the column in the mapping",
            )
    if any(mark in text for mark in _MARKS):
        for mark, escape in _ESCAPES.items():
            values = pc.replace_substring(values, mark, escape)
    return values


def written(folder: Path, dataset: Dataset) -> list[Path]:
    """The document of a data set."""
    file = folder / f"{dataset.name}.xml"
    return [file] if file.is_file() else []


def read_back(file: Path, dataset: Dataset) -> dict[str, pa.Table]:
    """The tables of a document; a DOCTYPE is refused."""
    reader = _XmlRows(dataset)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        with open(file, "rb") as content:
            parser.ParseFile(content)
    except (expat.ExpatError, ValueError):
        raise SourceError(
            "the file is not an XML document of this data set",
            code="damaged",
            where=f"{file.name}, line {parser.CurrentLineNumber}",
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
