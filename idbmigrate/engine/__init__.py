"""Runs compiled queries over Arrow tables. DuckDB by default; SQLite from the standard library as a check."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

#: engine, which is its module here -> the class; the one list of engines. The first is the default.
_HOMES = {"duckdb": "DuckEngine", "sqlite": "SqliteEngine"}
ENGINES = tuple(_HOMES)


class Engine(Protocol):
    """What every engine does: take tables by name, run a query, give its rows as an Arrow table.

    ``workers`` threads may run queries side by side. ``needs`` are the rules of
    :mod:`idbmigrate.compile.optimise` that it cannot do without, by name.
    """

    dialect: str
    workers: int
    needs: frozenset[str]

    def register(self, name: str, table: pa.Table) -> None: ...

    def forget(self, name: str) -> None: ...

    def define(self, name: str, query: exp.Query, stored: bool) -> None:
        """Make a relation of a query inside the engine: now where it is ``stored``, else when it is read."""

    def run(self, query: exp.Expr) -> pa.Table: ...

    def close(self) -> None: ...


def open_engine(name: str = ENGINES[0]) -> Engine:
    """An empty engine of that name, one of :data:`ENGINES`."""
    if name not in _HOMES:
        raise ValueError(f"no engine {name!r}")
    return getattr(import_module(f"idbmigrate.engine.{name}"), _HOMES[name])()
