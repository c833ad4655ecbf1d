"""A mapping's parts as a tree: every part with the way to it, and the same tree with one part changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from idbmigrate.mapping import model as m

#: Names of dataclass fields and places in tuples that lead from the root to a part.
Way = tuple[str | int, ...]


def parts(node: Any, way: Way = ()) -> Iterator[tuple[Way, Any]]:
    """The node and every dataclass below it, each with its way; places are no parts."""
    if is_dataclass(node) and not isinstance(node, m.Place):
        yield way, node
        for item in fields(node):
            if item.name != "place":
                yield from parts(getattr(node, item.name), (*way, item.name))
    elif isinstance(node, tuple):
        for number, child in enumerate(node):
            yield from parts(child, (*way, number))


def changed(node: Any, way: Way, new: Any) -> Any:
    """The same tree with ``new`` at the end of the way; the rest is shared."""
    if not way:
        return new
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        return (*node[:step], changed(node[step], rest, new), *node[step + 1 :])
    return replace(node, **{step: changed(getattr(node, step), rest, new)})


def lookups_of(node: Any) -> set[str]:
    """Names of the lookups that a part uses."""
    return {part.lookup for _, part in parts(node) if isinstance(part, (m.LookedUp, m.Known))}


def parameters_of(node: Any) -> set[str]:
    """Names of the parameters that a part uses."""
    return {part.name for _, part in parts(node) if isinstance(part, m.Parameter)}


def sources_of(table: m.TableMap) -> set[str]:
    """Source tables that a target table is made from, joined ones included."""
    made_from = {branch.source for branch in table.branches if branch.source}
    return made_from | {join.table for branch in table.branches for join in branch.joins if not join.target}
