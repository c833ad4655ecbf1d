"""Why two runs differ: what their manifests say differently, and which of it bears on a column."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from idbmigrate.comparison.model import ColumnDifference, Difference
from idbmigrate.errors import DescriptionError
from idbmigrate.exporters.publish import sha256
from idbmigrate.mapping import model as m
from idbmigrate.mapping.files import shown_name
from idbmigrate.mapping.load import find_mapping, load_mapping

_NONE = "none"
#: Parts of the manifest that are one word each.
_OPTIONS = ("period", "accept", "allow", "salvage")


@dataclass(frozen=True)
class Causes:
    """What two runs did differently, and the rules of the mapping that they share."""

    differences: tuple[Difference, ...] = ()
    fields: Mapping[tuple[str, str], tuple[m.Field, ...]] = dataclasses.field(default_factory=dict)
    known: bool = False

    @classmethod
    def of(cls, a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> Causes:
        """From two manifests; nothing is known where one of them is missing."""
        if a is None or b is None:
            return cls()
        return cls(tuple(_differences(a, b)), _fields(a, b), known=True)

    def explain(self, table: str, found: ColumnDifference) -> ColumnDifference:
        """The difference with the rule that fills the column, and with what of the runs bears on it."""
        fields = self.fields.get((table, found.column), ())
        used = {name for field in fields for name in _used(field.value)}
        bears = [
            f"{each.kind} {each.name}"
            for each in self.differences
            if each.kind not in ("parameter", "lookup", "overlay") or (each.kind, each.name) in used
        ]
        rule = str(fields[0].place) if fields else None
        return replace(found, rule=rule, causes=tuple(bears))


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    both = (a, b)
    pairs = {
        ("source", "file"): [_word(_within(each, "input", "sha256")) for each in both],
        ("tool", "version"): [_word(_within(each, "tool", "version")) for each in both],
        ("mapping", "version"): [
            _word(_within(each, "mapping", "name")) + " " + _word(_within(each, "mapping", "version"))
            for each in both
        ],
    }
    pairs |= {("option", name): [_word(each.get(name)) for each in both] for name in _OPTIONS}
    files = [_within(each, "mapping", "files") or {} for each in both]
    for name in sorted({*files[0], *files[1]}):
        kind, _, rest = name.rpartition("/")
        key = ("lookup", rest.removesuffix(".yaml")) if kind else ("mapping", name)
        pairs[key] = [_word(each.get(name)) for each in files]
    parameters = [each.get("parameters") or {} for each in both]
    for name in sorted({*parameters[0], *parameters[1]}):
        pairs["parameter", name] = [_word(each.get(name)) for each in parameters]
    codes = [_within(each, "overlay", "codes") or {} for each in both]
    for name in sorted({*codes[0], *codes[1]}):
        pairs["overlay", name] = [_word(each.get(name)) for each in codes]
    for (kind, name), (first, second) in pairs.items():
        if first != second:
            yield Difference(kind, name, first, second)


def _within(manifest: Mapping[str, Any], *path: str) -> Any:
    found: Any = manifest
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _word(value: Any) -> str:
    if value in (None, [], {}):
        return _NONE
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _fields(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[tuple[str, str], tuple[m.Field, ...]]:
    """How the mapping of the runs fills each target column, if the mapping at hand is that of one of them."""
    source, target = _within(a, "identification", "dataset"), a.get("target")
    if not isinstance(source, str) or not isinstance(target, str):
        return {}
    try:
        mapping = load_mapping(find_mapping(source, target))
    except DescriptionError:
        return {}
    files = {shown_name(file): sha256(file) for file in mapping.files}
    if files not in [_within(each, "mapping", "files") for each in (a, b)]:
        return {}
    found: dict[tuple[str, str], tuple[m.Field, ...]] = {}
    for table in mapping.tables.values():
        for branch in table.branches:
            for field in branch.fields:
                key = table.name, field.name
                found[key] = (*found.get(key, ()), field)
    return found


def _used(value: m.Expression) -> Iterator[tuple[str, str]]:
    """The parameters and lookups that an expression uses, as kinds of differences."""
    for node in m.walk(value):
        if isinstance(node, m.Parameter):
            yield "parameter", node.name
        elif isinstance(node, (m.LookedUp, m.Known)):
            yield "lookup", node.lookup
            yield "overlay", node.lookup
