"""Runs compiled queries over Arrow tables. DuckDB by default; SQLite from the standard library as a check."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa
from sqlglot import exp

ENGINES = ("duckdb", "sqlite")


class Engine(Protocol):
    """What every engine does: take tables by name, run a query, give its rows as an Arrow table.

    ``workers`` threads may run queries side by side.
    """

    dialect: str
    workers: int

    def register(self, name: str, table: pa.Table) -> None: ...

    def forget(self, name: str) -> None: ...

    def run(self, query: exp.Expression) -> pa.Table: ...

    def close(self) -> None: ...


def open_engine(name: str = "duckdb") -> Engine:
    """An empty engine of that name."""
    if name == "duckdb":
        from idbmigrate.engine.duck import DuckEngine

        return DuckEngine()
    if name == "sqlite":
        from idbmigrate.engine.lite import SqliteEngine

        return SqliteEngine()
    raise ValueError(f"no engine {name!r}")
