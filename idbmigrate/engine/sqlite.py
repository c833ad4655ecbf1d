"""SQLite from the standard library: a second engine, for small tables, that keeps the SQL honest.

A query that gives the same rows here and in DuckDB leans on nothing that only one of them does.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sqlite3
from typing import Any

import pyarrow as pa
from sqlglot import exp


class SqliteEngine:
    """An in-memory SQLite with the functions that it lacks, or knows for ASCII only."""

    dialect = "sqlite"
    workers = 1
    needs = frozenset({"hoist"})  # its parser takes no expression as deep as a whole mapping's

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)  # one at a time, whichever
        self._connection.create_function("REGEXP", 2, _regexp, deterministic=True)
        self._connection.create_function("REGEXP_LIKE", 2, _regexp_like, deterministic=True)
        self._connection.create_function("UPPER", 1, _upper, deterministic=True)
        self._connection.create_function("SHA2", 2, _sha2, deterministic=True)
        self._connection.create_function("SHA256", 1, lambda text: _sha2(text, 256), deterministic=True)
        self._connection.create_function("CONCAT", -1, _concat, deterministic=True)

    def register(self, name: str, table: pa.Table) -> None:
        columns = ", ".join(
            f'"{column}" {_type(kind)}'
            for column, kind in zip(table.column_names, table.schema.types, strict=True)
        )
        self._connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        self._connection.execute(f'CREATE TABLE "{name}" ({columns})')
        places = ", ".join("?" * table.num_columns)
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        self._connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)

    def forget(self, name: str) -> None:
        self._connection.execute(f'DROP TABLE "{name}"')

    def define(self, name: str, query: exp.Query, stored: bool) -> None:
        """A table of its rows in any case: a parser that takes no deep query takes it alone at best."""
        self.register(name, self.run(query))

    def run(self, query: exp.Expr) -> pa.Table:
        cursor = self._connection.execute(query.sql(dialect=self.dialect, copy=False))
        names = [entry[0] for entry in cursor.description]
        columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
        pairs = zip(names, columns, strict=True)
        return pa.table({name: _array(list(values)) for name, values in pairs})

    def close(self) -> None:
        self._connection.close()


def _type(kind: pa.DataType) -> str:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return "INTEGER" if pa.types.is_integer(kind) or pa.types.is_boolean(kind) else "TEXT"


def _array(values: list[Any]) -> pa.Array:
    numbers = values and all(v is None or isinstance(v, int) for v in values)
    return pa.array(values, pa.int64() if numbers and any(v is not None for v in values) else pa.string())


@functools.lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern)


def _regexp(pattern: str | None, text: str | None) -> bool | None:
    return None if text is None or pattern is None else _pattern(pattern).search(text) is not None


def _regexp_like(text: str | None, pattern: str | None) -> bool | None:
    return _regexp(pattern, text)


def _concat(*texts: str | int | None) -> str:
    """Texts put together, a missing one as an empty one: SQLite has it since 3.44."""
    return "".join(str(text) for text in texts if text is not None)


def _upper(text: str | None) -> str | None:
    """Upper case letter for letter, as other engines do it: no letter becomes two."""
    return None if text is None else text.upper() if text.isascii() else "".join(map(_upper_letter, text))


def _upper_letter(letter: str) -> str:
    found = (letter.upper(), letter.title(), "\u1e9e" if letter == "\u00df" else letter)
    return next(form for form in found if len(form) == 1)


def _sha2(text: str | None, bits: int) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
