"""DuckDB over Arrow tables, in the process and without copying them."""

from __future__ import annotations

import warnings

import duckdb
import pyarrow as pa
from sqlglot import exp

# DuckDB says so with every statement; a filter around each would not hold where threads run side by side.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
#: From how many rows on a copy of the result costs more than a second look at the query.
MANY_ROWS = 100_000


#: Looking for a code in a join instead of a short list, and for expressions said twice, costs more time in
#: planning than it saves.
_UNHELPFUL = "in_clause,common_subexpressions"


class DuckEngine:
    """An in-memory DuckDB that can reach neither files nor the network."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._connection = duckdb.connect(
            ":memory:", config={"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        )
        self._connection.execute(f"SET disabled_optimizers = '{_UNHELPFUL}'")

    def register(self, name: str, table: pa.Table) -> None:
        self._rows[name] = table.num_rows
        self._connection.register(name, table)

    def run(self, query: exp.Expression) -> pa.Table:
        text = query.sql(dialect=self.dialect, copy=False)
        if max(self._rows.values(), default=0) < MANY_ROWS:
            return _plain_strings(self._planned_once(text))
        return _plain_strings(self._connection.sql(text).to_arrow_table())

    def _planned_once(self, text: str) -> pa.Table:
        """A relation is planned twice, a statement once with its rows copied: better where they are few."""
        return self._connection.execute(text).to_arrow_table()

    def close(self) -> None:
        self._connection.close()


def _plain_strings(table: pa.Table) -> pa.Table:
    """Columns as they are, except that every kind of text is ``string``."""
    schema = pa.schema(
        pa.field(f.name, pa.string() if _is_text(f.type) else f.type) for f in table.schema
    )
    return table if schema == table.schema else table.cast(schema)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)
