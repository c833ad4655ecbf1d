"""Small data sets and mappings, drawn as text, and what an engine makes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pyarrow as pa

from idbmigrate.datasets.model import ColumnSpec, Dataset, Format, TableSpec
from idbmigrate.ledger.books import Books
from idbmigrate.mapping.drawn import draw
from idbmigrate.mapping.load import load_mapping
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.mapping_tests.run_mapping import run_mapping

Rows = list[dict[str, str | None]]
HEAD = "mapping: small\nversion: 1.0.0\nsource: small\ntarget: small-target\n"


def _table(name: str, *columns: ColumnSpec, **more) -> TableSpec:
    return TableSpec(name, {column.name: column for column in columns}, **more)


def _text(name: str, **more) -> ColumnSpec:
    return ColumnSpec(name, Format("", "text", **more))


def _kind(name: str, kind: str, **more) -> ColumnSpec:
    return ColumnSpec(name, Format("", kind, **more))


_KEY = ColumnSpec("Key", Format("max an20", "text", max_length=20), requirement="M")
TARGET = Dataset(
    "small-target",
    "1",
    "small",
    "target",
    {
        "Out": _table("Out", _KEY, _text("Value"), _text("Other"), _text("Third")),
        "Parent": _table("Parent", _KEY, _text("Value"), primary_key=("Key",)),
        "Child": _table(
            "Child", _KEY, _text("Parent"), _text("Value"), foreign_keys={"Parent": ("Parent", "Key")}
        ),
        "Typed": _table(
            "Typed",
            _text("Key"),
            _kind("Day", "date"),
            _kind("Clock", "time"),
            _kind("Month", "month"),
            _kind("Whole", "integer", max_length=3),
            _text("Short", min_length=2, max_length=3),
            _text("Shape", pattern="[A-Z][0-9]"),
        ),
    },
)


@dataclass
class Outcome:
    """What came of one run: target rows, what was left behind, and the books."""

    tables: dict[str, Rows]
    left: Rows
    rows_left: Rows
    books: Books

    def why(self, table: str = "Rows") -> dict[tuple[str, str], str]:
        """Reason by row (``#1``, ``#2``, ...) and column."""
        found = {(v["row"], v["column"]): v["reason"] for v in self.left if v["table"] == table}
        assert len(found) == sum(v["table"] == table for v in self.left), "a value is booked twice"
        return found


def read(text: str) -> MappingFile:
    """The mapping of these sections; the head is added."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.yaml")
        path.write_text(HEAD + dedent(text), encoding="utf-8")
        return load_mapping(path)


def run(
    mapping: str | MappingFile,
    sources: Mapping[str, str | pa.Table],
    engine: str,
    *,
    target: Dataset = TARGET,
    **options,
) -> Outcome:
    """Run a mapping over drawn tables; the books must close."""
    mapping = read(mapping) if isinstance(mapping, str) else mapping
    drawn = {name: draw(t) if isinstance(t, str) else t for name, t in sources.items()}
    specs = {name: _table(name, *map(_text, table.column_names)) for name, table in drawn.items()}
    source = Dataset("small", "1", "small", "source", specs)
    done = run_mapping(mapping, drawn, engine, source=source, target=target, **options)
    made = {name: rows.to_pylist() for name, rows in done.tables.items()}
    return Outcome(made, done.rejected("rows"), done.rejects["rows"].to_pylist(), done.books)


def holds(expression: str, table: str, engine: str, *, sections: str = "", **options) -> None:
    """Hold an expression to a drawn table: its inputs, what it ``gives``, and ``why X`` for input X.

    Every input is carried (an empty ``why``) or left behind for the reason drawn.
    """
    rows = draw(table)
    inputs = [name for name in rows.column_names if name != "gives" and not name.startswith("why ")]
    source = rows.select(inputs).append_column("KEY", pa.array([str(i + 1) for i in range(rows.num_rows)]))
    fields = f"Key: KEY\nValue: {expression}"
    body = f"tables:\n  Out:\n    from: Rows\n    fields:\n{indent(fields, ' ' * 6)}\n"
    outcome = run(body + dedent(sections), {"Rows": source}, engine, **options)
    made = {row["Key"]: row["Value"] for row in outcome.tables["Out"]}
    why = outcome.why()
    for number, row in enumerate(rows.to_pylist(), 1):
        assert made[str(number)] == row["gives"], f"{expression} of {row}: {made[str(number)]!r}"
        for name in inputs:
            if f"why {name}" in row:
                assert why.get((f"#{number}", name)) == row[f"why {name}"], f"{expression}, {name} of {row}"


def column(outcome: Outcome, table: str, *names: str) -> Sequence:
    """Values of one column, or tuples of several, sorted."""
    rows = [tuple(row[name] for name in names) for row in outcome.tables[table]]
    rows.sort(key=lambda row: tuple(value or "" for value in row))
    return [row[0] for row in rows] if len(names) == 1 else rows
