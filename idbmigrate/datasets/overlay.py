"""The user's own word on names that no pack knows: an overlay file.

    dataset: iapt-1.5                 # optional: what the file is, whatever it looks like
    tables:
      Person:                         # a table of the data set ...
        from: tbl_Clients             # ... and the file's table that it is
        columns: {LPTID: ClientNo}    # a column of the data set: the file's column that it is
    ignore: [Person_2013, Referral.OLDCODE]   # tables and columns that only look like the data set's
    lookups:                          # codes that a reviewer has decided, for the mapping
      discharge_reason: {44: 96}

Names of the data set are written as in its pack; the file's names in any letter case, as Access has it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from idbmigrate.datasets.load import list_datasets
from idbmigrate.datasets.model import Dataset
from idbmigrate.documents.node import Node
from idbmigrate.documents.place import Place
from idbmigrate.documents.records import dict_of, known, maybe, record, text, text_or_null
from idbmigrate.errors import DescriptionError, nearest


@dataclass(frozen=True)
class Binding:
    """One table of the data set: ``source`` is the file's table, ``columns`` maps to the file's columns."""

    source: str | None
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Overlay:
    """What an overlay file says; ``lookups`` maps the name of a lookup to codes and their targets."""

    name: str
    dataset: str | None = None
    tables: Mapping[str, Binding] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    lookups: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict, repr=False, compare=False)

    def ignores(self, table: str, column: str | None = None) -> bool:
        """Whether a table of the file, or a column of it, is not to be matched."""
        return (table if column is None else f"{table}.{column}").casefold() in self.ignored

    def fail(self, message: str, *path: str, hint: str | None = None) -> NoReturn:
        """Raise the error that names the line of the overlay at ``path``."""
        raise DescriptionError(message, code="overlay-invalid", where=self.place(*path), hint=hint)

    def place(self, *path: str) -> Place:
        """File and line of what stands at ``path``, or of what holds it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.name, 1, "$"))

    def check(self, dataset: Dataset, tables: Mapping[str, list[Any]]) -> None:
        """Refuse names that the data set or the file does not have.

        ``tables`` are the file's, with their columns (objects with ``name``).
        """
        columns = {name.casefold(): {c.name.casefold() for c in own} for name, own in tables.items()}
        for table, binding in self.tables.items():
            spec = dataset.tables.get(table)
            if spec is None:
                near = nearest(table, dataset.tables)
                self.fail(f"{dataset.name} has no table {table!r}", "tables", table, hint=near)
            if binding.source is not None and binding.source.casefold() not in columns:
                near = nearest(binding.source, tables)
                self.fail(f"the file has no table {binding.source!r}", "tables", table, "from", hint=near)
            for column, source in binding.columns.items():
                place = ("tables", table, "columns", column)
                if column not in spec.columns and not any(column in c.aliases for c in spec.columns.values()):
                    near = nearest(column, spec.columns)
                    self.fail(f"{dataset.name} has no column {table}.{column}", *place, hint=near)
                bound = binding.source or table
                known = columns.get(bound.casefold())
                if known is not None and source.casefold() not in known:
                    self.fail(f"the file's table {bound} has no column {source!r}", *place)


def load_overlay(*paths: str | os.PathLike[str]) -> Overlay:
    """The overlay that YAML files say together; what a later file says twice it must say alike.

    Raises ``UsageError`` where there is no such file and ``DescriptionError`` (``yaml-syntax``,
    ``overlay-invalid``) where it says something else than the example above.
    """
    overlay, *more = [_load(path) for path in paths]
    for other in more:
        overlay = _merged(overlay, other)
    return overlay


def _load(path: str | os.PathLike[str]) -> Overlay:
    root = Node.load(path, "overlay-invalid")
    read = record(
        partial(Overlay, root.document.file, places=root.document.places()),
        {
            "dataset": maybe(known(list_datasets(), "data set called")),
            "tables": maybe(dict_of(_BINDING), {}),
            "ignore": maybe(_ignored, frozenset(), "ignored"),
            "lookups": maybe(dict_of(dict_of(text_or_null)), {}),
        },
    )
    return read(root)


_BINDING = record(Binding, {"from": maybe(text, field="source"), "columns": maybe(dict_of(text), {})})


def _ignored(node: Node) -> frozenset[str]:
    return frozenset(name.casefold() for name in node.texts())


def _merged(first: Overlay, second: Overlay) -> Overlay:
    both, tables = (first, second), dict(first.tables)
    for name, own in second.tables.items():
        known = tables.get(name, Binding(None, {}))
        source = _agreed(both, known.source, own.source, "tables", name, "from")
        columns = _joined(both, known.columns, own.columns, "tables", name, "columns")
        tables[name] = Binding(source, columns)
    lookups = dict(first.lookups)
    for name, codes in second.lookups.items():
        lookups[name] = _joined(both, lookups.get(name, {}), codes, "lookups", name)
    return Overlay(
        name=second.name,
        dataset=_agreed(both, first.dataset, second.dataset, "dataset"),
        tables=tables,
        ignored=first.ignored | second.ignored,
        lookups=lookups,
        places={**first.places, **second.places},
    )


def _joined(
    both: tuple[Overlay, Overlay],
    first: Mapping[str, str | None],
    second: Mapping[str, str | None],
    *path: str,
) -> dict[str, Any]:
    for key in first.keys() & second.keys():
        _agreed(both, first[key], second[key], *path, key)
    return {**first, **second}


def _agreed(both: tuple[Overlay, Overlay], first: str | None, second: str | None, *path: str) -> str | None:
    if first is not None and second is not None and first != second:
        both[1].fail(f"another overlay says something else at {both[0].place(*path)}", *path)
    return first if second is None else second
