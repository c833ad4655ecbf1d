"""Read check types: which keys each may have, and what their values must be."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any, cast

from idbmigrate.checks import check_types, compared_types, joined_types
from idbmigrate.checks.check_types import CheckType
from idbmigrate.checks.operands import Operand
from idbmigrate.checks.values import ALGORITHMS
from idbmigrate.documents.node import Node
from idbmigrate.documents.records import Key, Read, known, list_of, maybe, text, values_of, whole

#: The key of a pack for a field that is called otherwise.
_KEYS = {"values": "in", "algorithm": "is", "names": "columns", "blanks_equal": "blanks"}
#: Name of a check in a rule pack -> its class, and the fields that the name decides.
CHECK_TYPES: dict[str, tuple[type[CheckType], dict[str, Any]]] = {
    "blank": (check_types.Blank, {}),
    "missing": (check_types.Missing, {}),
    "given": (check_types.Given, {}),
    "length": (check_types.Length, {}),
    "digits": (check_types.Digits, {}),
    "pattern": (check_types.Pattern, {}),
    "matches": (check_types.Matches, {}),
    "date": (check_types.Date, {}),
    "time": (check_types.Time, {}),
    "timestamp": (check_types.Timestamp, {}),
    "offset_timestamp": (check_types.OffsetTimestamp, {}),
    "is": (check_types.Is, {}),
    "code": (check_types.Code, {}),
    "check": (check_types.Algorithm, {}),
    "range": (check_types.Range, {}),
    "month_before": (compared_types.MonthBefore, {}),
    **{
        word: (compared_types.Compared, {"relation": word})
        for word in ("after", "before", "differs", "equals")
    },
    "coded": (joined_types.Coded, {}),
    "score": (joined_types.Score, {}),
    "continued": (joined_types.Continued, {}),
    "parent": (joined_types.Parent, {}),
    "unique": (joined_types.Unique, {}),
    "without": (joined_types.Without, {}),
    "child": (joined_types.Child, {}),
    **{word: (joined_types.Joined, {"join": word}) for word in ("all", "any", "none")},
    **{
        word: (joined_types.WholeFile, {"aspect": word})
        for word in ("empty", "repeated_header", "header_invalid", "nothing_left", "structure")
    },
}
#: The key that a check written without a mapping fills: ``{blank: Gender}``, ``{all: [...]}``.
_SHORT = {joined_types.Joined: "parts", joined_types.Unique: "columns", joined_types.WholeFile: "table"}


def check_reader(texts: Read[tuple[str, ...]]) -> Read[CheckType]:
    """Reader of a check: a mapping with the name of its type as its only key. ``texts`` reads lists."""

    def read(node: Node) -> CheckType:
        names = node.names()
        if len(names) != 1:
            raise node.error("a check is a mapping with one key, the name of its type")
        if names[0] not in CHECK_TYPES:
            raise node.unknown(f"there is no check {names[0]!r}", names[0], CHECK_TYPES)
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
    readers = {name: _reader(kind, fixed, values) for name, (kind, fixed) in CHECK_TYPES.items()}
    return read


def _reader(kind: type[CheckType], fixed: dict[str, Any], values: dict[str, Read[Any]]) -> Read[CheckType]:
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

    def read(node: Node) -> CheckType:
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
