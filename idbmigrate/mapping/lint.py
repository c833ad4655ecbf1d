"""Lint: does a mapping fit its data sets, and does it account for all of both.

Every source column is carried or retired with a reason; every target column is filled or unavailable
with a reason; every name exists; every lookup gives codes that the target knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from idbmigrate.datasets.model import Dataset
from idbmigrate.mapping import model as m


@dataclass(frozen=True)
class Complaint:
    """Something wrong with a mapping: what, and where it is written."""

    message: str
    place: m.Place

    def as_dict(self) -> dict[str, object]:
        place = self.place
        return {"message": self.message, "file": place.file, "line": place.line, "path": place.path}


def lint(mapping: m.Mapping, source: Dataset, target: Dataset) -> list[Complaint]:
    """Everything that is wrong with a mapping, in the order of its file; empty where nothing is."""
    linter = _Linter(mapping, source, target)
    found = [
        *linter.names(),
        *linter.parents(),
        *linter.source(),
        *linter.target(),
        *linter.lookups(),
        *linter.tests(),
    ]
    main = mapping.place.file
    return sorted(set(found), key=lambda c: (c.place.file != main, c.place.file, c.place.line, c.message))


def carried_columns(mapping: m.Mapping) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Source columns whose values fill target columns: (table, column) -> the (table, column)s they fill."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for table in mapping.tables.values():
        for branch in table.branches:
            helpers = {item.name: item.value for item in branch.fields if item.helper}
            for item in branch.fields:
                if item.helper:
                    continue
                for reference in contributions(item.value, helpers):
                    for key in origins(reference, branch):
                        into = found.setdefault(key, [])
                        if (table.name, item.name) not in into:
                            into.append((table.name, item.name))
    return found


def origins(reference: m.Reference, branch: m.Branch) -> Iterator[tuple[str, str]]:
    """Source columns that a reference stands for; none where it looks at a target table."""
    joined = {join.alias: join.table for join in branch.joins if not join.target}
    if reference.alias == "item" and reference.name == "value" and branch.source:
        yield from ((branch.source, item["column"]) for item in branch.each)
    elif not reference.alias and branch.source:
        yield branch.source, reference.name
    elif reference.alias in joined:
        yield joined[reference.alias], reference.name


def contributions(node: m.Expression, helpers: dict[str, m.Expression]) -> Iterator[m.Reference]:
    """References whose value an expression carries, helpers looked through."""
    if isinstance(node, m.Reference):
        if node.name in helpers and not node.alias:
            yield from contributions(helpers[node.name], helpers)
        elif node.alias != "natural_key" and not node.helper:
            yield node
    else:
        for child in node.children:
            yield from contributions(child, helpers)


class _Linter:
    def __init__(self, mapping: m.Mapping, source: Dataset, target: Dataset):
        self.mapping, self.source_set, self.target_set = mapping, source, target
        self.carried = carried_columns(mapping)

    def names(self) -> Iterator[Complaint]:
        """Tables and columns that a data set does not have. Names inside expressions are the compiler's."""
        mapping = self.mapping
        for section, dataset in (("retired", self.source_set), ("unavailable", self.target_set)):
            for table, columns in getattr(mapping, section).items():
                known = dataset.tables.get(table)
                if known is None:
                    yield Complaint(f"{section}: {dataset.name} has no table {table}", mapping.place)
                    continue
                for column in columns:
                    if column != "*" and column not in known.columns:
                        yield Complaint(f"{section}: {table} has no column {column}", mapping.place)
        for name, rule in mapping.sources.items():
            if name not in self.source_set.tables:
                yield Complaint(f"{self.source_set.name} has no table {name}", rule.place)
        for name, table in mapping.tables.items():
            if name not in self.target_set.tables:
                yield Complaint(f"{self.target_set.name} has no table {name}", table.place)

    def parents(self) -> Iterator[Complaint]:
        """Source tables that hold the key of another and do not say that they belong to it.

        A table that holds a column by which its parent is known, too, has to say that the two must agree.
        """
        rules, known = self.mapping.sources, self.source_set.tables
        keys = {parent.by: parent.table for rule in rules.values() for parent in rule.parents}
        for name, rule in rules.items():
            columns = known[name].columns if name in known else {}
            named = {parent.by for parent in rule.parents}
            for key, table in keys.items():
                if key in columns and table != name and key not in named:
                    yield Complaint(f"{name} holds {key}, and {table} is not among its parents", rule.place)
            for parent in rule.parents:
                theirs = known[parent.table].columns if parent.table in known else {}
                agreed = {item.column for item in parent.agree}
                for key in keys:
                    if key != parent.by and key in columns and key in theirs and key not in agreed:
                        message = f"{name} and its parent {parent.table} both hold {key}: say that they agree"
                        yield Complaint(message, parent.place)
                for column in (parent.by, *agreed):
                    if column not in columns or column not in theirs:
                        yield Complaint(f"{name} and {parent.table} do not both hold {column}", parent.place)

    def source(self) -> Iterator[Complaint]:
        """Source columns that are neither carried nor retired, or both."""
        for table in self.source_set.tables.values():
            for column in table.columns:
                carried = (table.name, column) in self.carried
                retired = column in self.mapping.retired.get(table.name, {})
                if not carried and self.mapping.retired_reason(table.name, column) is None:
                    message = f"{table.name}.{column} is neither carried nor retired: values would be lost"
                    yield Complaint(message, self.mapping.place)
                if carried and retired:
                    yield Complaint(f"{table.name}.{column} is carried and retired", self.mapping.place)

    def target(self) -> Iterator[Complaint]:
        """Target columns that are neither filled nor unavailable, or both."""
        for table in self.target_set.tables.values():
            made = self.mapping.tables.get(table.name)
            filled = {item.name for branch in made.branches for item in branch.fields} if made else set()
            place = made.place if made else self.mapping.place
            for column, spec in table.columns.items():
                why = self.mapping.unavailable_reason(table.name, column)
                if column not in filled and why is None:
                    kind = "mandatory " if spec.mandatory else ""
                    yield Complaint(f"{kind}{table.name}.{column} is neither filled nor unavailable", place)
                if column in filled and column in self.mapping.unavailable.get(table.name, {}):
                    yield Complaint(f"{table.name}.{column} is filled and unavailable", place)

    def lookups(self) -> Iterator[Complaint]:
        """Lookups that are not used, and those that give codes that the target column does not list."""
        used: dict[str, list[tuple[str, str]]] = {}
        for table in self.mapping.tables.values():
            for branch in table.branches:
                for item in branch.fields:
                    for node in nodes(item.value):
                        if isinstance(node, m.LookedUp):
                            used.setdefault(node.lookup, []).append((table.name, item.name))
                for rule in branch.where:
                    for known in conditions(rule.keep):
                        if isinstance(known, m.Known):
                            used.setdefault(known.lookup, [])
        for name, lookup in self.mapping.lookups.items():
            if name not in used and not self._named_in_conditions(name):
                yield Complaint(f"the lookup {name} is not used", lookup.place)
            for filled, column in used.get(name, ()):
                yield from self._codes(lookup, filled, column)

    def _named_in_conditions(self, name: str) -> bool:
        fields = (f for t in self.mapping.tables.values() for b in t.branches for f in b.fields)
        found = (c for f in fields for c in conditions(f.value))
        return any(isinstance(condition, m.Known) and condition.lookup == name for condition in found)

    def _codes(self, lookup: m.Lookup, table: str, column: str) -> Iterator[Complaint]:
        spec = self.target_set.tables[table].columns.get(column) if table in self.target_set.tables else None
        if spec is None or spec.codes is None:
            return
        national = self.target_set.code_lists[spec.codes].codes
        for row in lookup.rows:
            if row.to is not None and row.to not in national:
                message = f"{lookup.name} gives {row.to!r}, which {table}.{column} does not list"
                yield Complaint(message, row.place)

    def tests(self) -> Iterator[Complaint]:
        """Tests that draw tables or columns that do not exist."""
        for test in self.mapping.tests:
            for drawn_tables, dataset in ((test.source, self.source_set), (test.target, self.target_set)):
                for name, drawn in drawn_tables.items():
                    known = dataset.tables.get(name)
                    if known is None:
                        yield Complaint(f"{dataset.name} has no table {name}", drawn.place)
                        continue
                    for column in drawn.columns:
                        if column not in known.columns and dataset is self.target_set:
                            yield Complaint(f"{name} has no column {column}", drawn.place)


def nodes(node: m.Expression) -> Iterator[m.Expression]:
    """An expression and all those it is made of."""
    yield node
    parts = node.parts if isinstance(node, (m.Identifier, m.LastKnown)) else node.children
    for child in parts:
        if child is not None:
            yield from nodes(child)


def conditions(node: m.Expression | m.Condition) -> Iterator[m.Condition]:
    """All conditions inside an expression or a condition."""
    if isinstance(node, m.Combined):
        for inner in node.conditions:
            yield from conditions(inner)
    elif isinstance(node, m.Condition):
        yield node
    elif isinstance(node, m.Expression):
        if isinstance(node, m.Cases):
            for condition, _ in node.cases:
                yield from conditions(condition)
        for child in nodes(node):
            if child is not node and isinstance(child, m.Cases):
                yield from conditions(child)
