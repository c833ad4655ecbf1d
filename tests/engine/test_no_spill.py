"""What does not fit into memory never becomes a file."""

from __future__ import annotations

import os

import duckdb
import pytest
from sqlglot import parse_one

from idbmigrate.engine import open_engine


def test_nothing_is_spilled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine = open_engine("duckdb")
    found = engine.run(parse_one("SELECT current_setting('temp_directory') AS place"))
    assert not found["place"][0].as_py()
    engine._connection.execute("SET memory_limit = '20MB'")
    large = "SELECT COUNT(*) AS n FROM (SELECT DISTINCT CAST(i AS VARCHAR) AS x FROM range(5000000) AS t(i))"
    with pytest.raises(duckdb.OutOfMemoryException):
        engine._connection.execute(large).fetchall()
    engine.close()
    assert os.listdir(tmp_path) == []
