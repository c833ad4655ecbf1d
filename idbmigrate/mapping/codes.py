"""Where the lookups of a mapping are used, which codes reach them, and which they may give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from idbmigrate.datasets.model import CodeList, Dataset
from idbmigrate.mapping import model as m
from idbmigrate.mapping.lint import contributions, origins
from idbmigrate.staging.tables import UNSEEN

Column = tuple[str, str]


@dataclass
class Use:
    """Source columns whose values a lookup is asked for, and target columns that it fills."""

    sources: list[Column] = field(default_factory=list)
    targets: list[Column] = field(default_factory=list)


def uses(mapping: m.Mapping) -> dict[str, Use]:
    """Every lookup of the mapping with its uses; helpers are looked through."""
    found = {name: Use() for name in mapping.lookups}
    for table in mapping.tables.values():
        for branch in table.branches:
            helpers = {item.name: item.value for item in branch.fields if item.helper}
            for item in branch.fields:
                for node in _looked_up(item.value, helpers):
                    use = found.setdefault(node.lookup, Use())
                    if not item.helper:
                        _add(use.targets, (table.name, item.name))
                    for reference in contributions(node.of, helpers):
                        for column in origins(reference, branch):
                            _add(use.sources, column)
    return found


def _looked_up(node: m.Expression, helpers: Mapping[str, m.Expression]) -> Iterator[m.LookedUp]:
    if isinstance(node, m.LookedUp):
        yield node
    if isinstance(node, m.Reference) and not node.alias and node.name in helpers:
        yield from _looked_up(helpers[node.name], helpers)
    for child in node.children:
        yield from _looked_up(child, helpers)


def _add(columns: list[Column], column: Column) -> None:
    if column not in columns:
        columns.append(column)


def code_lists(columns: list[Column], dataset: Dataset) -> list[CodeList]:
    """National code lists of some columns of a data set, each once."""
    found: dict[str, CodeList] = {}
    for table, column in columns:
        spec = dataset.tables[table].columns.get(column) if table in dataset.tables else None
        if spec is not None and spec.codes is not None:
            found[spec.codes] = dataset.code_lists[spec.codes]
    return list(found.values())


def meaning(code: str | None, lists: list[CodeList]) -> str | None:
    """What a code means, by the first of the lists that says so."""
    return next((found.codes[code] for found in lists if code and found.codes.get(code)), None)


def cleaned(lookup: m.Lookup, code: str) -> str:
    """A code as the lookup sees it: trimmed as values of the source are, and after its ``clean``."""
    code = code.strip(UNSEEN)
    for how, width in lookup.clean:
        if how == "upper":
            code = code.upper()
        elif how == "pad" and code.isascii() and code.isdigit():
            code = code.zfill(width)
        elif how == "first_character":
            code = code[:1]
    return code


def unlisted(lookup: m.Lookup, lists: list[CodeList]) -> dict[str, str | None]:
    """Codes of the source's national lists that the lookup does not list, with their meaning."""
    listed = {row.code for row in lookup.rows}
    return {
        code: text
        for found in lists
        for code, text in found.codes.items()
        if cleaned(lookup, code) not in listed
    }


def allowed(use: Use, target: Dataset) -> frozenset[str] | None:
    """Codes that all target columns of a lookup list; ``None`` where none of them has a list."""
    lists = [set(found.codes) for found in code_lists(use.targets, target)]
    return frozenset(set.intersection(*lists)) if lists else None
