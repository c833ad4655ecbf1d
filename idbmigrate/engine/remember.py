"""An engine that gives an answer it has given before from memory: for many runs over small tables."""

from __future__ import annotations

from typing import Any, cast
from weakref import WeakKeyDictionary

import pyarrow as pa
from sqlglot import exp

from idbmigrate.engine import Engine, open_engine


class Statement:
    """A compiled query whose text is written once a dialect, and whose tables are looked for once."""

    def __init__(self, query: exp.Expr):
        self._query = query
        self._texts: dict[str, str] = {}
        self._found: dict[tuple[type, ...], list[Any]] = {}

    def sql(self, dialect: str, copy: bool = False) -> str:
        if dialect not in self._texts:
            self._texts[dialect] = self._query.sql(dialect=dialect, copy=copy)
        return self._texts[dialect]

    def find_all(self, *kinds: type) -> list[Any]:
        if kinds not in self._found:
            self._found[kinds] = list(self._query.find_all(*kinds))
        return self._found[kinds]


def remembered(query: exp.Query) -> exp.Query:
    """The query as a :class:`Statement`, which answers what an execution asks of a query."""
    return cast(exp.Query, Statement(query))


class RememberingEngine:
    """Hands a table on only when a query needs it, and a query only where its tables are other ones.

    Answers to a :class:`Statement` are kept as long as the statement itself.
    """

    workers = 1

    def __init__(self, name: str):
        self._engine: Engine = open_engine(name)
        self.dialect, self.needs = self._engine.dialect, self._engine.needs
        self._tables: dict[str, pa.Table] = {}
        self._contents: dict[str, str] = {}
        self._handed_on: dict[str, str] = {}
        self._answers: WeakKeyDictionary[Statement, dict[tuple[Any, ...], pa.Table]] = WeakKeyDictionary()

    def register(self, name: str, table: pa.Table) -> None:
        self._tables[name] = table
        self._contents.pop(name, None)

    def forget(self, name: str) -> None:
        """Nothing: the same table may come again."""

    def define(self, name: str, query: exp.Query, stored: bool) -> None:
        """The relation as a table of its rows."""
        self.register(name, self.run(query))

    def run(self, query: Any) -> pa.Table:
        names = sorted({found.name for found in query.find_all(exp.Table)} & self._tables.keys())
        if not isinstance(query, Statement):
            return self._run(query, names)
        known = self._answers.setdefault(query, {})
        key = tuple(self._content(name) for name in names)
        if key not in known:
            known[key] = self._run(query, names)
        return known[key]

    def close(self) -> None:
        self._answers.clear()
        self._engine.close()

    def _run(self, query: Any, names: list[str]) -> pa.Table:
        for name in names:
            if self._handed_on.get(name) != self._content(name):
                self._engine.register(name, self._tables[name])
                self._handed_on[name] = self._content(name)
        return self._engine.run(query)

    def _content(self, name: str) -> str:
        if name not in self._contents:
            table = self._tables[name]
            rows = [column.to_pylist() for column in table.columns] if table.num_rows else ()
            self._contents[name] = f"{table.column_names} {table.schema.types} {rows}"
        return self._contents[name]
