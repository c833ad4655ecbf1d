"""Read check types: which keys each may have, and what their values must be."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any, cast

from idbmigrate.checks import forms, forms_compared, forms_joined
from idbmigrate.checks.forms import Form
from idbmigrate.checks.operands import Operand
from idbmigrate.checks.values import ALGORITHMS
from idbmigrate.documents.node import Node
from idbmigrate.documents.records import Key, Read, known, list_of, maybe, text, values_of, whole

#: The key of a pack for a field that is called otherwise.
_KEYS = {"values": "in", "algorithm": "is", "names": "columns", "blanks_equal": "blanks"}
#: Name of a check in a rule pack -> its class, and the fields that the name decides.
FORMS: dict[str, tuple[type[Form], dict[str, Any]]] = {
    "blank": (forms.Blank, {}),
    "missing": (forms.Missing, {}),
    "given": (forms.Given, {}),
    "length": (forms.Length, {}),
    "digits": (forms.Digits, {}),
    "pattern": (forms.Pattern, {}),
    "matches": (forms.Matches, {}),
    "date": (forms.Date, {}),
    "time": (forms.Time, {}),
    "timestamp": (forms.Timestamp, {}),
    "offset_timestamp": (forms.OffsetTimestamp, {}),
    "is": (forms.Is, {}),
    "code": (forms.Code, {}),
    "check": (forms.Algorithm, {}),
    "range": (forms.Range, {}),
    "month_before": (forms_compared.MonthBefore, {}),
    **{
        word: (forms_compared.Compared, {"relation": word})
        for word in ("after", "before", "differs", "equals")
    },
    "coded": (forms_joined.Coded, {}),
    "score": (forms_joined.Score, {}),
    "continued": (forms_joined.Continued, {}),
    "parent": (forms_joined.Parent, {}),
    "unique": (forms_joined.Unique, {}),
    "without": (forms_joined.Without, {}),
    "child": (forms_joined.Child, {}),
    **{word: (forms_joined.Joined, {"join": word}) for word in ("all", "any", "none")},
    **{
        word: (forms_joined.WholeFile, {"aspect": word})
        for word in ("empty", "repeated_header", "header_invalid", "nothing_left", "structure")
    },
}
#: The key that a check written without a mapping fills: ``{blank: Gender}``, ``{all: [...]}``.
_SHORT = {forms_joined.Joined: "parts", forms_joined.Unique: "columns", forms_joined.WholeFile: "table"}


def form_reader(texts: Read[tuple[str, ...]]) -> Read[Form]:
    """Reader of a check: a mapping with the name of its type as its only key. ``texts`` reads lists."""

    def read(node: Node) -> Form:
        names = node.names()
        if len(names) != 1:
            raise node.error("a check is a mapping with one key, the name of its type")
        if names[0] not in FORMS:
            raise node.unknown(f"there is no check {names[0]!r}", names[0], FORMS)
        return readers[names[0]](node[names[0]])

    values: dict[str, Read[Any]] = {
        **dict.fromkeys(("values", "icd10", "snomed", "names"), texts),
        **dict.fromkeys(("min", "max"), whole(9999)),
        "algorithm": known(ALGORITHMS, "algorithm"),
        "pattern": _pattern,
        "where": read,
        "parts": list_of(read),
        "blanks_equal": lambda node: bool(node.one_of(("equal",))),
    }
    readers = {name: _reader(kind, fixed, values) for name, (kind, fixed) in FORMS.items()}
    return read


def _reader(kind: type[Form], fixed: dict[str, Any], values: dict[str, Read[Any]]) -> Read[Form]:
    """Reader of one check type, whose fields are its keys."""
    keys: dict[str, Key] = {
        _KEYS.get(each.name, each.name): Key(
            values.get(each.name, text), each.default is MISSING, each.default, each.name
        )
        for each in fields(cast(Any, kind))
        if each.name not in fixed
    }
    if "than" in keys:
        keys["plus"] = maybe(_MOVES, {}, "plus")
    short = _SHORT.get(kind, "column")
    mapping, alone = values_of(keys), keys.pop(short, None)
    needed = next((key for key, spec in keys.items() if spec.required), None)

    def read(node: Node) -> Form:
        if node.is_map or alone is None:
            found = mapping(node)
        elif needed is not None:
            raise node.error(f"{needed!r} is missing")
        else:
            found = {spec.field or key: spec.default for key, spec in keys.items()}
            found[alone.field or short] = alone.read(node)
        if "than" in found:
            found["than"] = _operand(node, found["than"], found.pop("plus"))
        return kind(**fixed, **found)

    return read


_MOVES = values_of({unit: maybe(whole(9999, -9999), 0) for unit in ("years", "days")})


def _operand(node: Node, named: str, moves: dict[str, int]) -> Operand:
    operand = Operand(named, **moves)
    if moves and not operand.outside:
        raise node.at("plus").error("plus moves only a value from outside the table")
    return operand


def _pattern(node: Node) -> str:
    try:
        re.compile(node.text())
    except re.error:
        raise node.error("the pattern is not a regular expression") from None
    return node.text()
