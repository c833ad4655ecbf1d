"""DuckDB over Arrow tables, in the process and without copying them."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from sqlglot import exp


class DuckEngine:
    """An in-memory DuckDB that can reach neither files nor the network."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self._connection = duckdb.connect(
            ":memory:", config={"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        )

    def register(self, name: str, table: pa.Table) -> None:
        self._connection.register(name, table)

    def run(self, query: exp.Expression) -> pa.Table:
        text = query.sql(dialect=self.dialect, copy=False)
        return _plain_strings(self._connection.sql(text).to_arrow_table())

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
