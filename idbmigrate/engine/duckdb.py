"""DuckDB over Arrow tables, in the process and without copying them."""

from __future__ import annotations

import os
import threading
import warnings

import duckdb
import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects import duckdb as _dialect  # noqa: F401  (sqlglot would load it with the first query)

# DuckDB says so with every statement; a filter around each would not hold where threads run side by side.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
#: From how many rows on a copy of the result costs more than a second look at the query.
MANY_ROWS = 100_000
#: Looking for a code in a join instead of a short list, and for expressions said twice, costs more time in
#: planning than it saves.
_UNHELPFUL = "in_clause,common_subexpressions"
#: DuckDB 1.5 hands a scan of Arrow tables a filter from a join that Arrow cannot apply, and gives up.
_BROKEN = "join_filter_pushdown"


class DuckEngine:
    """An in-memory DuckDB that can reach neither files nor the network.

    Threads may run queries side by side: each has a connection of its own, which sees the tables as they
    were registered last.
    """

    dialect = "duckdb"
    workers = 2
    needs: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._tables: dict[str, pa.Table] = {}
        self._views: dict[str, exp.Query] = {}
        self._mine = threading.local()
        # Each worker computes itself: DuckDB need not help with more threads than there are processors.
        helpers = max(0, (os.cpu_count() or 1) - self.workers)
        safe = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        safe["temp_directory"] = (
            ""  # what does not fit into memory is an error, never a file of patients' data
        )
        self._connection = duckdb.connect(":memory:", config={**safe, "threads": 1 + helpers})

    def register(self, name: str, table: pa.Table) -> None:
        self._views.pop(name, None)
        self._tables[name] = table

    def forget(self, name: str) -> None:
        """Let go of a table that only this thread has looked at."""
        del self._tables[name]
        if getattr(self._mine, "tables", {}).pop(name, None) is not None:
            self._mine.connection.unregister(name)

    def define(self, name: str, query: exp.Query, stored: bool) -> None:
        self._tables.pop(name, None)
        self._views.pop(name, None)
        if stored:
            made = f"CREATE OR REPLACE TABLE {_quoted(name)} AS {query.sql(dialect=self.dialect)}"
            try:
                self._seeing(query).execute(made)
            except duckdb.OutOfMemoryException:
                raise MemoryError("a query needs more memory than there is") from None
        else:
            self._views[name] = query

    def run(self, query: exp.Expr) -> pa.Table:
        connection = self._seeing(query)
        names = {found.name for found in query.find_all(exp.Table) if found.name in self._tables}
        text = query.sql(dialect=self.dialect, copy=False)
        # A relation is planned twice, a statement once with its rows copied: better where they are few.
        few = max((self._tables[name].num_rows for name in names), default=0) < MANY_ROWS
        try:
            result = connection.execute(text) if few else connection.sql(text)
            return plain_strings(result.to_arrow_table())
        except duckdb.OutOfMemoryException:
            raise MemoryError("a query needs more memory than there is") from None

    def _seeing(self, query: exp.Expr) -> duckdb.DuckDBPyConnection:
        """This thread's connection, with the tables and views in it that a query names."""
        mine = self._mine
        if not hasattr(mine, "connection"):
            mine.connection, mine.tables, mine.views = self._connection.cursor(), {}, {}
            mine.connection.execute(f"SET disabled_optimizers = '{_UNHELPFUL},{_BROKEN}'")
        for name in {found.name for found in query.find_all(exp.Table)}:
            if name not in self._tables and mine.tables.pop(name, None) is not None:
                mine.connection.unregister(name)
            if name not in self._views and mine.views.pop(name, None) is not None:
                mine.connection.execute(f"DROP VIEW {_quoted(name)}")
            if name in self._tables and mine.tables.get(name) is not self._tables[name]:
                mine.tables[name] = self._tables[name]
                mine.connection.register(name, self._tables[name])
            if name in self._views:
                view = self._views[name]
                self._seeing(view)
                if mine.views.get(name) is not view:
                    mine.views[name] = view
                    text = view.sql(dialect=self.dialect)
                    mine.connection.execute(f"CREATE OR REPLACE TEMP VIEW {_quoted(name)} AS {text}")
        return mine.connection

    def close(self) -> None:
        self._tables.clear()
        self._views.clear()
        self._mine = threading.local()
        self._connection.close()


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def plain_strings(table: pa.Table) -> pa.Table:
    """Columns as they are, except that every kind of text is ``string``."""
    schema = pa.schema(pa.field(f.name, pa.string() if _is_text(f.type) else f.type) for f in table.schema)
    return table if schema == table.schema else table.cast(schema)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)
