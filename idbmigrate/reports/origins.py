"""Which source columns and lookups feed a target column, and which tables feed which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from idbmigrate.mapping.model import Expression, LookedUp, references

if TYPE_CHECKING:
    from idbmigrate.mapping.model import Branch, Field, Mapping


def origins(mapping: Mapping) -> dict[str, list[str]]:
    """Origin of each target column, by ``Table.Column``: ``Table.Column`` of the source, ``lookup name``."""
    found: dict[str, dict[str, None]] = {}
    for table in mapping.tables.values():
        for branch in table.branches:
            helpers = {each.name: each for each in branch.fields if each.helper}
            for each in branch.fields:
                if not each.helper:
                    feeding = found.setdefault(f"{table.name}.{each.name}", {})
                    feeding.update(dict.fromkeys(_feeding(each.value, branch, helpers, frozenset())))
    return {name: list(feeding) for name, feeding in found.items()}


def _feeding(
    value: Expression, branch: Branch, helpers: dict[str, Field], seen: frozenset[str]
) -> Iterator[str]:
    sources = {join.alias: join.table for join in branch.joins if not join.target}
    for reference in references(value):
        if reference.name in helpers and not reference.alias:
            if reference.name not in seen:
                inner = helpers[reference.name].value
                yield from _feeding(inner, branch, helpers, seen | {reference.name})
        else:
            table = sources.get(reference.alias) if reference.alias else branch.source
            if table:
                yield f"{table}.{reference.name}"
    yield from (f"lookup {name}" for name in _lookups(value))


def _lookups(value: Expression) -> Iterator[str]:
    if isinstance(value, LookedUp):
        yield value.lookup
    for child in value.children:
        yield from _lookups(child)


def table_links(mapping: Mapping) -> list[dict[str, str]]:
    """Which source table's rows become rows of which target table."""
    pairs = {
        (branch.source, table.name): None
        for table in mapping.tables.values()
        for branch in table.branches
        if branch.source
    }
    return [{"source": source, "target": target} for source, target in pairs]
