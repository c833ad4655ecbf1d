"""A file a measure: who is counted, and who is left out by one of its rules, which the file names.

``counted`` and ``left`` hold referrals (for employment support patients) with the rule that each stands for;
a number before the rule says how often one is counted, if not once.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot

from idbmigrate.compile import portable
from idbmigrate.documents import yaml
from idbmigrate.measures import count_staged, count_target, load_definitions
from idbmigrate.measures.facts import queries
from tests.measures.drawn import staged, table

EDGES = Path(__file__).parent / "edges"
FILES = {path.stem: yaml.load(path) for path in sorted(EDGES.glob("*.yaml"))}


def count(case: dict, engine: str = "duckdb"):
    dataset, period = case.get("dataset", "iapt-1.5"), case.get("period")
    if dataset == "iapt-1.5":
        tables = staged(dataset, **case["tables"])
        return count_staged(tables, dataset, period, case.get("support", "none"), engine)
    tables = {name: table(text) for name, text in case["tables"].items()}
    return count_target(tables, dataset, period, engine)


def test_every_measure_has_a_file():
    assert set(FILES) == set(load_definitions().measures)


@pytest.mark.parametrize("name", FILES)
def test_every_rule_of_a_measure_changes_its_count(name):
    case = FILES[name]
    times = {who: re.match(r"(\d+), ", rule) for who, rule in case["counted"].items()}
    wanted = {who: int(found[1]) if found else 1 for who, found in times.items()}
    found = count(case).of(name)
    assert dict(zip(found["who"].to_pylist(), found["n"].to_pylist(), strict=True)) == wanted
    assert not wanted.keys() & case["left"].keys()


@pytest.mark.parametrize("name", FILES)
def test_every_engine_counts_alike(name):
    first, second = (count(FILES[name], engine).rows.to_pylist() for engine in ("duckdb", "sqlite"))
    assert sorted(map(str, first)) == sorted(map(str, second)) and first


def test_the_queries_are_made_of_what_every_engine_knows():
    for _, query in queries(load_definitions()):
        portable.check(sqlglot.parse_one(query, read="duckdb"))
