"""From the plain data of a pack to a :class:`~idbmigrate.datasets.model.Dataset`, checked on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from idbmigrate.datasets.formats import parse_format
from idbmigrate.datasets.model import (
    KINDS,
    REQUIREMENTS,
    Assessment,
    CodeList,
    ColumnSpec,
    Concept,
    Dataset,
    Period,
    TableSpec,
)
from idbmigrate.documents.node import Document, Node
from idbmigrate.documents.place import Marks
from idbmigrate.documents.records import (
    Key,
    dict_of,
    flag,
    known,
    known_words,
    list_of,
    maybe,
    one_of,
    record,
    text,
    text_or_null,
    values_of,
    words,
)
from idbmigrate.words import CONFIDENCE

_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)-([0-9]+(?:\.[0-9]+)?)")
#: How a pack calls the attributes whose confidence may differ from the name's.
_ATTRIBUTES = {"format": "format", "req": "requirement", "codes": "codes"}
_PERIODS = ("date", "until", "open", "with")
_GRADE = one_of(CONFIDENCE)


def build(raw: Any, name: str, marks: Marks | None = None) -> Dataset:
    """Dataset of a pack's plain data.

    ``name`` is the pack's file in error messages, ``marks`` the places of its parts. Raises
    ``DescriptionError`` (``dataset-invalid``) where the pack contradicts itself.
    """
    top = Node(raw, Document(name, "dataset-invalid", marks or {}))
    dataset = _Tables(top).dataset(top)
    _check_references(dataset, top)
    return dataset


class _Tables:
    """The tables of places of a pack; those that name its sources, defaults and code lists know them."""

    def __init__(self, top: Node):
        self.sources = dict_of(text)(top.get("sources") or Node({}, top.document))
        self.lists: dict[str, CodeList] = {}
        defaults = _grades(top.get("defaults") or Node({}, top.document))
        self.defaults = {key: defaults.get(key, "confirmed") for key in ("confidence", *_ATTRIBUTES)}
        graded = {"confidence": maybe(_GRADE, "confirmed"), "note": maybe(text)}
        stated = {**graded, "source": maybe(known_words(self.sources, "source"), ())}
        self.code_lists = values_of(
            {
                "union": maybe(known_words(self.lists, "code list above called"), ()),
                "codes": maybe(dict_of(text_or_null), {}),
                **{word: maybe(words, ()) for word in CONFIDENCE},
                **stated,
            },
        )
        self.columns = values_of(
            {
                "format": maybe(text, "number"),
                "kind": maybe(one_of(KINDS)),
                "item": maybe(text),
                "aliases": maybe(_grades, {}),
                "req": maybe(one_of(REQUIREMENTS), field="requirement"),
                "codes": maybe(known(self.lists, "code list")),
                "range": maybe(_range),
                "uid": maybe(text),
                "confidences": maybe(_grades, {}),
                "expected": maybe(flag, True),
                **stated,
                "confidence": maybe(_GRADE, self.defaults["confidence"]),
            },
            key="name",
        )
        self.tables = record(
            TableSpec,
            {
                "columns": maybe(dict_of(self._column), {}),
                "title": maybe(text, ""),
                "aliases": maybe(_grades, {}),
                "parent": maybe(text),
                "grain": maybe(text),
                "key": maybe(words, (), "primary_key"),
                "links": maybe(dict_of(_link), {}, "foreign_keys"),
                "unique": maybe(list_of(words), ()),
                "period": maybe(_period),
                "confidences": maybe(_grades, {}),
                "expected": maybe(flag, True),
                "recognised_by": maybe(words, ()),
                **graded,
            },
            key="name",
        )
        assessment = {
            **{key: maybe(text, "") for key in ("tool", "item", "concept")},
            "pattern": maybe(text),
            "range": maybe(_range),
            "values": maybe(words, ()),
            "versions": maybe(words, ()),
            "valid-from": maybe(text, field="valid_from"),
            **stated,
        }
        concept = {
            "name": maybe(text, ""),
            **{key: maybe(text) for key in ("concept", "code", "group")},
            **stated,
        }
        self.dataset = record(
            _dataset,
            {
                "defaults": maybe(_grades, {}),
                "dataset": Key(text, field="name"),
                "sources": maybe(dict_of(text), {}),
                "code_lists": maybe(dict_of(self._code_list), self.lists),
                "tables": dict_of(self._table),
                "role": maybe(one_of(("source", "target")), "source"),
                "assessments": maybe(list_of(record(Assessment, assessment)), ()),
                "concepts": maybe(dict_of(list_of(record(Concept, concept))), {}),
                **{key: maybe(text, "") for key in ("version", "title")},
                **{key: maybe(text) for key in ("standard", "dates", "note", "unknown")},
            },
        )

    def _code_list(self, node: Node) -> CodeList:
        given = self.code_lists(node)
        codes = {
            code: meaning for part in given.pop("union") for code, meaning in self.lists[part].codes.items()
        }
        codes |= given.pop("codes")
        grades = {code: word for word in CONFIDENCE for code in given.pop(word)}
        if strange := set(grades) - set(codes):
            raise node.error(f"the code {min(strange)!r} is graded but not listed")
        self.lists[node.key] = CodeList(node.key, codes, confidences=grades, **given)
        return self.lists[node.key]

    def _table(self, node: Node) -> TableSpec:
        _plain_word(node, "table")
        table = self.tables(node)
        columns = table.columns.values()
        _check_names(node.at("columns"), ((spec.name, spec.aliases) for spec in columns))
        return table

    def _column(self, node: Node) -> ColumnSpec:
        _plain_word(node, "column")
        given = self.columns(node)
        try:
            given["format"] = parse_format(given["format"], given.pop("kind"))
        except ValueError as error:
            raise node.at("format").error(str(error)) from None
        own = given["confidences"]
        present = {
            "format": True,
            "req": given["requirement"] is not None,
            "codes": given["codes"] or "codes" in own,
        }
        given["confidences"] = {
            _ATTRIBUTES[key]: own.get(key) or self.defaults[key] for key, here in present.items() if here
        }
        return ColumnSpec(**given)


def _dataset(defaults: object, **given: Any) -> Dataset:
    return Dataset(**given)


def _plain_word(node: Node, what: str) -> None:
    """Names go into SQL, XML and file names unchanged, so that they must be plain words."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", node.key):
        raise node.error(f"a {what}'s name is one plain word")


def _grades(node: Node) -> dict[str, str]:
    """Names and the confidence of each."""
    return {name: "unknown" if child.data is None else _GRADE(child) for name, child in node.items()}


def _range(node: Node) -> tuple[float, float]:
    match = _RANGE.fullmatch(node.text())
    if not match:
        raise node.error("a range is written as lowest-highest")
    return float(match[1]), float(match[2])


def _link(node: Node) -> tuple[str, str]:
    table, dot, column = node.text().partition(".")
    if not dot:
        raise node.error("a link is written as Table.Column")
    return table, column


def _period(node: Node) -> Period:
    if node.is_text:
        return Period(node.one_of(("header", "parent", "all")))
    given = values_of({word: maybe(words, ()) for word in (*_PERIODS, "closing", "also")})(node)
    kinds = [word for word in _PERIODS if word in node]
    if len(kinds) != 1:
        raise node.error(f"one of {', '.join(_PERIODS)} is expected")
    return Period(kinds[0], given[kinds[0]], given["closing"], given["also"])


def _check_names(node: Node, named: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """No two parts may answer to one name, since letter case does not tell them apart."""
    seen: dict[str, str] = {}
    for name, aliases in named:
        for spelling in (name, *aliases):
            if seen.setdefault(spelling.casefold(), name) != name:
                other = seen[spelling.casefold()]
                raise node.at(name).error(f"{spelling!r} may mean {other} as well as {name}")


def _check_references(dataset: Dataset, top: Node) -> None:
    """Every table and column that a table names is there."""
    tables, places = dataset.tables, top["tables"]
    _check_names(places, ((table.name, table.aliases) for table in tables.values()))
    for table in tables.values():
        place, period = places[table.name], table.period or Period("all")
        needed = [*table.primary_key, *table.foreign_keys, *period.closing]
        needed += [column for group in table.unique for column in group]
        needed += period.columns if period.kind in ("date", "until", "open") else ()
        for column in needed:
            if column not in table.columns:
                raise place.unknown(f"the table has no column {column!r}", column, table.columns)
        others = [*period.also, *(period.columns if period.kind == "with" else ())]
        others += [] if table.parent is None else [table.parent]
        others += [other for other, _ in table.foreign_keys.values()]
        for other in others:
            if other not in tables:
                raise place.unknown(f"there is no table {other!r}", other, tables)
        for other, column in table.foreign_keys.values():
            if column not in tables[other].columns:
                raise place.unknown(f"there is no column {other}.{column}", column, tables[other].columns)
