"""The face that every reader has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Field(Protocol):
    """A column: its name, Access type name, and length (characters of text, else bytes)."""

    name: str
    type: str
    length: int


class Idb(Protocol):
    """An Access file, open for reading.

    ``tables``: user tables in catalogue order. ``row_count``: what the table definition declares.
    ``read``: the whole table with the Arrow types of the contract. ``read_with_ids``: and an int64
    for each row that says where it lies (page << 8 | slot), or, in a reader that cannot tell, its
    place in the table. ``problems``: what salvage could not read. ``linked_tables``: tables that live
    elsewhere, which no reader follows. ``complex_values``: how many values each column of attachments or
    several values holds, by table and column; no reader gives them.
    """

    reader: str
    tables: list[str]
    problems: list
    linked_tables: list

    def columns(self, table: str) -> list[Field]: ...

    def row_count(self, table: str) -> int: ...

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table: ...

    def read_with_ids(self, table: str, columns: list[str] | None = None) -> tuple[pa.Table, np.ndarray]: ...

    def complex_values(self) -> dict[tuple[str, str], int | None]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Idb: ...

    def __exit__(self, *exc) -> None: ...
