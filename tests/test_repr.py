"""No object of a finished run shows a value of a record, or fills a screen, when it is printed."""

from __future__ import annotations

import ast
import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import idbmigrate

#: Characters that a repr may have: what a debugger shows on a line or two.
LONGEST = 300


def walk(start: list[object]) -> Iterator[object]:
    """Every object of the package that can be reached from these, one of each class and place."""
    seen: set[int] = set()
    waiting = deque(start)
    while waiting:
        each = waiting.popleft()
        if id(each) in seen or isinstance(each, (str, bytes, int, float, np.ndarray, type(None))):
            continue
        seen.add(id(each))
        if isinstance(each, (pa.Table, pa.ChunkedArray, pa.Array)):
            continue
        if isinstance(each, Mapping):
            waiting.extend(list(each.values())[:50])
        elif isinstance(each, (list, tuple, set, frozenset)) and not hasattr(each, "_fields"):
            waiting.extend(list(each)[:50])
        if type(each).__module__.startswith("idbmigrate"):
            yield each
            for name in (
                [field.name for field in dataclasses.fields(each)] if dataclasses.is_dataclass(each) else ()
            ):
                waiting.append(getattr(each, name))
            waiting.extend(getattr(each, "__dict__", {}).values())


@pytest.fixture(scope="module")
def printed(sample_idb, tmp_path_factory) -> tuple[dict[str, str], set[str]]:
    file = sample_idb / "iapt-1.5-messy.mdb"
    out = tmp_path_factory.mktemp("repr") / "out"
    batch = idbmigrate.convert([file], to="iapt-2.1", out=out, split="month")
    [run] = batch.runs.values()
    with idbmigrate.open_idb(file) as idb:
        person = idb.read(next(name for name in idb.tables if "erson" in name))
        shown = {}
        for each in walk([batch, run, idb, idbmigrate.load_dataset("iapt-2.1")]):
            text = repr(each)
            name = f"{type(each).__module__}.{type(each).__qualname__}"
            shown[name] = max(shown.get(name, ""), text, key=len)
    secret = {
        str(value)
        for name in person.column_names
        for value in person[name].to_pylist()
        if value is not None and len(str(value)) > 6 and not str(value).isalpha()
    }
    return shown, secret


def test_nothing_printed_holds_a_value_of_a_record(printed):
    shown, secret = printed
    assert len(secret) > 200 and len(shown) > 40
    leaking = {name for name, text in shown.items() if any(value in text for value in secret)}
    assert not leaking


def test_everything_printed_is_short(printed):
    long = {name: len(text) for name, text in printed[0].items() if len(text) > LONGEST}
    assert not long


#: Names that hold values of records in the package, or messages of libraries that quote them.
VALUES = {"value", "values", "text", "texts", "cell", "cells", "raw", "record", "records", "error"}
#: Where such a name is something else: what the user typed, or what a description file says.
NOT_OF_RECORDS = {
    ("conversion/options.py", "value"),
    ("documents/yaml.py", "error"),
    ("archive/decisions.py", "text"),  # what the user wrote as a month, or as primary or refresh
    ("cli/_output.py", "error"),  # the name of a library that cannot be loaded
}


def test_no_error_is_made_of_a_value():
    """Messages name places. What a library says may quote a value, so it is not passed on either."""
    package = Path(idbmigrate.__file__).parent
    found = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error"):
                shown = [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
                names = {each.id for part in shown for each in ast.walk(part) if isinstance(each, ast.Name)}
                found |= {(file.relative_to(package).as_posix(), name) for name in names & VALUES}
    assert found == NOT_OF_RECORDS
