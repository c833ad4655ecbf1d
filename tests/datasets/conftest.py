"""Tables of files, drawn as text."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest


@pytest.fixture
def drawn():
    """Tables and columns of a file from lines such as ``Person: LPTID TEXT 20, DOB DATE``."""

    def draw(text: str) -> dict[str, list[SimpleNamespace]]:
        tables = {}
        for line in text.strip().splitlines():
            name, columns = line.split(":", 1)
            tables[name.strip()] = [_column(column) for column in columns.split(",")]
        return tables

    return draw


@pytest.fixture(scope="session")
def truth_tables(shared_dir):
    """Tables and columns of an outside test file, as its truth file has them."""

    def read(name: str) -> dict[str, list[SimpleNamespace]]:
        tables = {}
        with (shared_dir / "idb" / f"{name}.truth.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith('{"t"'):
                    head = json.loads(line)
                    tables[head["t"]] = [
                        SimpleNamespace(name=column, type=type_, length=length)
                        for column, type_, length in head["cols"]
                    ]
        return tables

    return read


def _column(text: str) -> SimpleNamespace:
    name, *rest = text.split()
    type_ = rest[0] if rest else "TEXT"
    return SimpleNamespace(name=name, type=type_, length=int(rest[1]) if len(rest) > 1 else 0)
