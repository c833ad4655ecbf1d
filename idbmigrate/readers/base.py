"""The face that every reader has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from idbmigrate.access.read.damage import Loss
    from idbmigrate.access.read.unread import UnreadColumn


#: How a reader names the rows of a table.
RowReference: TypeAlias = Literal["page:slot", "line", "place"]


class Field(Protocol):
    """A column: its name, Access type name, and length (characters of text, else bytes)."""

    name: str
    type: str
    length: int


@dataclass(frozen=True)
class FileFacts:
    """How the CSV file of a table is written: encoding, delimiter, rows below its header."""

    table: str
    file: str
    encoding: str
    delimiter: str
    rows: int


class Idb(Protocol):
    """An Access file, or a folder of CSV, open for reading.

    ``tables``: user tables in catalogue order. ``row_count``: what the table definition declares.
    ``read``: the whole table with the Arrow types of the contract. ``read_with_ids``: and an int64
    for each row that says where it lies; ``row_reference`` says whether as page << 8 | slot, as the number of
    a line, or, in a reader that cannot tell, as its place in the table. ``other_files``: what lies beside the
    tables of a folder and is not read. ``facts``: how the CSV file of a table is written, else None.
    ``problems``: what salvage could not read. ``linked_tables``: tables that live elsewhere, which no reader
    follows. ``unread_columns``: attachments, several values in a cell and OLE objects, which ``read`` does
    not give as values; ``several_values``: the values of such a column with the number that stands in the
    cell. ``losses``: rows and values of what was read that are lost.
    """

    reader: str
    row_reference: RowReference
    tables: list[str]
    other_files: Sequence[str]
    problems: list[Any]
    linked_tables: list[Any]

    @property
    def losses(self) -> list[Loss]: ...

    def facts(self, table: str) -> FileFacts | None: ...

    def columns(self, table: str) -> list[Field]: ...

    def row_count(self, table: str) -> int: ...

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table: ...

    def read_with_ids(self, table: str, columns: list[str] | None = None) -> tuple[pa.Table, np.ndarray]: ...

    def unread_columns(self) -> list[UnreadColumn]: ...

    def several_values(self, table: str, column: str) -> pa.Table | None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Idb: ...

    def __exit__(self, *exc: object) -> None: ...
