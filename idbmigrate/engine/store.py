"""DuckDB on the disk over Parquet files: for what need not fit into memory.

Its tables, and what a query cannot hold, lie in a folder of its own. It sees no files but those of the
folders that it is given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from idbmigrate.engine.duckdb import plain_strings
from idbmigrate.errors import UsageError

#: What DuckDB calls where a row of a file is from: the name of the file, and the row's number, from 0.
FILE_NAME, ROW_IN_FILE = "filename", "file_row_number"
_AMOUNT = re.compile(r"[1-9][0-9]{0,5}(?:\.[0-9])? ?(?:MB|GB|MiB|GiB)")


class Store:
    """A DuckDB in ``folder``, which is there and empty, that takes at most ``memory`` (such as ``2GB``).

    ``sees`` are the folders whose files it may read. Whoever made the folder removes it.
    """

    dialect = "duckdb"

    def __init__(self, folder: Path, memory: str, sees: Iterable[Path]):
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": str(folder / "spill"),
        }
        self._connection = duckdb.connect(folder / "store.duckdb", config=config)
        allowed = [os.path.join(os.path.abspath(place), "") for place in (folder, *sees)]
        self._connection.execute("SET allowed_directories = ?", [allowed])
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET preserve_insertion_order = false")
        self._connection.execute("SET enable_progress_bar = false")  # it would write over the screen

    def add_files(self, name: str, files: Sequence[str]) -> None:
        """A relation over the rows of Parquet files that have the same columns, with where each is from."""
        rows = self._connection.read_parquet(list(files), filename=True, file_row_number=True)
        rows.create_view(name, replace=True)

    def add(self, name: str, columns: Mapping[str, pa.Array]) -> None:
        """A relation of columns in memory."""
        self._connection.register(name, pa.table(columns))

    def keep(self, name: str, query: exp.Query) -> None:
        """Run a query and keep its rows as a relation."""
        self._run(
            exp.Create(this=exp.to_table(name, quoted=True), kind="TABLE", expression=query, replace=True)
        )

    def run(self, query: exp.Query) -> pa.Table:
        """The rows of a query."""
        return plain_strings(self._run(query).to_arrow_table())

    def _run(self, query: exp.Expr) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(query.sql(dialect=self.dialect, copy=False))
        except duckdb.OutOfMemoryException:
            raise MemoryError("a query needs more memory than it may take") from None

    def close(self) -> None:
        self._connection.close()


def check_amount(memory: str) -> str:
    """An amount of memory as the store takes it; ``UsageError`` (``bad-option``) for anything else."""
    if not _AMOUNT.fullmatch(memory.strip()):
        raise UsageError(
            f"{memory!r} is no amount of memory", code="bad-option", hint="write it as 2GB or 500MB"
        )
    return memory.strip()
