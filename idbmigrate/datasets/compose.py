"""Packs made of other packs: what two versions share is written once.

A pack that says ``extends: NAME`` starts as a copy of that pack. Its own scalars replace the other's,
``sources``, ``code_lists`` and ``concepts`` are added to, entry by entry, and ``without`` drops tables.
``restate`` gives every column that is taken over the attributes that hold for it here (a name that is
confirmed in one version is only inferred in an older one). Under a table, ``without`` drops columns, an
entry of ``columns`` changes attributes (an empty one removes it), a new column stands last or ``after``
the column that it names, and ``like: NAME`` takes the column as another pack has it.

A pack that says ``borrow: NAME`` has tables of its own and takes over the sources and code lists only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from idbmigrate.errors import DescriptionError

Data = dict[str, Any]

#: Sections whose entries are added to those of the other pack.
_SECTIONS = ("sources", "code_lists", "concepts")


def compose(own: Data, raw_of: Callable[[str], Data], name: str) -> Data:
    """Plain data of a pack with everything that it takes over; ``raw_of`` gives that of another pack.

    ``raw_of`` must return data that is composed already. Packs without the two come back unchanged.
    """
    if "borrow" in own:
        other = raw_of(own["borrow"])
        shared = {key: {**other.get(key, {}), **own.get(key, {})} for key in ("sources", "code_lists")}
        return {key: value for key, value in own.items() if key != "borrow"} | shared
    if "extends" not in own:
        return own
    base = copy.deepcopy(raw_of(own["extends"]))
    for key, value in own.items():
        if key in _SECTIONS:
            base[key] = {**base.get(key, {}), **value}
        elif key not in ("extends", "restate", "without", "tables"):
            base[key] = value
    tables = base["tables"]
    for table in own.get("without", []):
        _drop(tables, table, name)
    for table in tables.values():
        for column in table["columns"].values():
            _change(column, own.get("restate", {}))
    for table, changes in own.get("tables", {}).items():
        if table not in tables:
            tables[table] = changes
            continue
        _change_table(tables[table], changes, table, raw_of, name)
    return base


def _change_table(base: Data, changes: Data, table: str, raw_of: Callable[[str], Data], name: str) -> None:
    for column in changes.get("without", []):
        _drop(base["columns"], column, name)
    for column, own in changes.get("columns", {}).items():
        attributes = dict(own)
        after, like = attributes.pop("after", None), attributes.pop("like", None)
        if like is not None:
            base["columns"][column] = copy.deepcopy(raw_of(like)["tables"][table]["columns"][column])
        _change(base["columns"].setdefault(column, {}), attributes)
        if after is not None:
            base["columns"] = _placed(base["columns"], column, after, name)
    _change(base, {key: value for key, value in changes.items() if key not in ("without", "columns")})


def _change(entry: Data, attributes: Data) -> None:
    for key, value in attributes.items():
        if value is None:
            entry.pop(key, None)
        else:
            entry[key] = value


def _placed(columns: Data, column: str, after: str, name: str) -> Data:
    if after not in columns:
        raise _invalid(f"{column} cannot stand after {after}: there is no such column", name)
    moved = columns.pop(column)
    placed: Data = {}
    for key, value in columns.items():
        placed[key] = value
        if key == after:
            placed[column] = moved
    return placed


def _drop(entries: Data, key: str, name: str) -> None:
    if key not in entries:
        raise _invalid(f"{key!r} cannot be left out: the other pack does not have it", name)
    del entries[key]


def _invalid(message: str, name: str) -> DescriptionError:
    return DescriptionError(message, code="dataset-invalid", where=name)
