"""Staged tables on the disk: a Parquet file each, from which the same staged table comes back.

``NAME.parquet`` holds a table of the data set, ``_1.parquet`` and so on those that it does not know. Its
columns are those of the staged table, in order, all text, as the file holds them (``raw``). Where queries
read a column otherwise (``clean``) ``NAME.clean`` stands beside it: no staged column of a data set has a
dot in its name. ``_place`` (int64) is where each row lies in its file (page << 8 | slot). What else it
knows stands in the file's metadata, as JSON under ``idbmigrate``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from idbmigrate.staging.dictionary import plain
from idbmigrate.staging.several import SeveralValues
from idbmigrate.staging.spellings import DateOrder
from idbmigrate.staging.tables import StagedTable, in_staged_form

PLACE, CLEAN = "_place", ".clean"
_META = b"idbmigrate"


def save(table: StagedTable, path: Path) -> None:
    """Write one staged table; columns that the file did not have are left out.

    ``conflicts`` are no part of it: whose a record is is found anew where it is used.
    """
    stored = _stored_names(table.columns)
    held = plain(table.raw)
    columns: dict[str, Any] = {}
    for name, own in stored.items():
        columns[own] = held[name]
        if not _same(table.clean[name], table.raw[name]):
            read = plain(table.clean.select([name]))[name]
            if not read.equals(held[name]):
                columns[own + CLEAN] = read
    if table.ids is not None:
        columns[PLACE] = pa.array(table.ids, pa.int64())
    meta = json.dumps(_facts(table, stored), ensure_ascii=True).encode()
    whole = pa.table(columns).replace_schema_metadata({_META: meta})
    parquet.write_table(whole, path, compression="zstd")


def load(path: Path) -> StagedTable:
    """A staged table as :func:`save` was given it."""
    whole = parquet.read_table(path)
    facts = json.loads(whole.schema.metadata[_META])
    raw = {name: in_staged_form(whole[own]) for name, own in facts["columns"].items()}
    clean = {
        name: in_staged_form(whole[own + CLEAN]) if own + CLEAN in whole.column_names else raw[name]
        for name, own in facts["columns"].items()
    }
    absent, nothing = facts["absent"], in_staged_form(pa.nulls(whole.num_rows, pa.string()))
    return StagedTable(
        facts["name"],
        facts["source_name"],
        pa.table(raw | dict.fromkeys(absent, nothing)),
        pa.table(clean | dict.fromkeys(absent, nothing)),
        whole[PLACE].to_numpy() if PLACE in whole.column_names else None,
        lines=facts["lines"],
        days=frozenset(facts["days"]),
        unknown=tuple(facts["unknown"]),
        absent=tuple(absent),
        source_columns=facts["source_columns"],
        dates={name: DateOrder(**order) for name, order in facts["dates"].items()},
        lost=frozenset(facts["lost"]),
        several={name: _several(of, whole.num_rows) for name, of in facts["several"].items()},
        keys=frozenset(facts["keys"]),
        cleaned=frozenset(
            name for name, own in facts["columns"].items() if own + CLEAN in whole.column_names
        ),
    )


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether two columns are written alike; two that are not may still hold the same texts."""
    return bool(one.type == other.type and one.equals(other))


def _several(facts: dict[str, Any], rows: int) -> SeveralValues:
    mask = np.zeros(rows, bool)
    mask[facts["rows"]] = True
    return SeveralValues(mask, facts["further"], facts["stray"])


def _stored_names(columns: Iterable[str]) -> dict[str, str]:
    """The name in the file of each column: its own, marked where it would be taken for one of ours."""
    taken = {name.casefold() for name in columns}
    stored = {}
    for name in columns:
        own = name
        while _ours(own) or (own != name and own.casefold() in taken):
            own += "'"
        stored[name] = own
    return stored


def _ours(name: str) -> bool:
    return name.casefold() == PLACE or name.casefold().endswith(CLEAN)


def _facts(table: StagedTable, stored: dict[str, str]) -> dict[str, Any]:
    return {
        "name": table.name,
        "source_name": table.source_name,
        "columns": stored,
        "absent": list(table.absent),
        "lines": table.lines,
        "days": sorted(table.days),
        "unknown": list(table.unknown),
        "source_columns": dict(table.source_columns) if table.source_columns is not None else None,
        "dates": {name: asdict(order) for name, order in table.dates.items()},
        "lost": sorted(table.lost),
        "several": {
            name: {"rows": np.flatnonzero(of.mask).tolist(), "further": of.further, "stray": of.stray}
            for name, of in table.several.items()
        },
        "keys": sorted(table.keys),
    }
