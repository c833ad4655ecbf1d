"""Tables of places for the sections of a mapping file: parameters, sources, lookups, tables, tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from idbmigrate.documents.node import Node
from idbmigrate.documents.records import (
    Key,
    Keys,
    dict_of,
    flag,
    list_of,
    maybe,
    one_of,
    one_or_more,
    record,
    remark,
    text,
    texts,
    values_of,
)
from idbmigrate.mapping import model as m
from idbmigrate.mapping.drawn import drawn_table
from idbmigrate.mapping.expressions import condition, expression
from idbmigrate.mapping.functions import CLEANERS, DEFAULTS
from idbmigrate.words import STATED_CONFIDENCE

_CONFIDENCE = one_of(STATED_CONFIDENCE)
#: What may be remarked on nearly everything, and is for readers of the file alone.
_REMARKS = {"confidence": maybe(_CONFIDENCE, field=""), "note": remark, "source": remark}


def _default(node: Node) -> tuple[str, object]:
    if node.is_text:
        return "text", node.text()
    names = node.names()
    if len(names) != 1 or names[0] not in DEFAULTS:
        raise node.error(f"a text or one of {', '.join(DEFAULTS)} is expected here")
    kind = names[0]
    operand = node.need(kind)
    if kind == "parameter":
        return kind, operand.name()
    if kind in ("month_start", "month_end"):
        return kind, _default(operand)
    columns = one_or_more(text)(operand)
    for column in columns:
        if "." not in column:
            raise operand.error("written as Table.COLUMN")
    return kind, tuple(tuple(column.split(".", 1)) for column in columns)


parameter = record(
    lambda title, name, **given: m.ParameterSpec(name, title or name, **given),
    {"title": maybe(text), "default": maybe(_default), "one_of": maybe(texts, ()), "note": remark},
    key="name",
    place="place",
)

# -- sources -------------------------------------------------------------------------------------

_agreement = record(
    m.Agreement,
    {"conflict": text, "key": maybe(expression), "value": expression, "reason": text},
    place="place",
)
_agreed_column = record(m.AgreedColumn, {"conflict": text, "column": text, "reason": text}, place="place")
_parent = record(
    m.Parent, {"table": text, "by": text, "agree": maybe(list_of(_agreed_column), ())}, place="place"
)
_repeats = record(lambda rule, reason: (rule, reason), {"rule": text, "reason": text})
source_rule = record(
    lambda repeats, **given: m.SourceRule(repeats=repeats[0], repeats_reason=repeats[1], **given),
    {
        "natural_key": maybe(list_of(expression), ()),
        "repeats": maybe(_repeats, (None, None)),
        "required": maybe(flag, False),
        "within": maybe(text),
        "agree": maybe(list_of(_agreement), ()),
        "parents": maybe(list_of(_parent), ()),
        "note": remark,
    },
    key="table",
    place="place",
)

# -- lookups -------------------------------------------------------------------------------------

#: What Access holds in a Yes/No column, and in a number that stands for one, after ``clean: [upper]``.
_YES, _NO = ("TRUE", "-1"), ("FALSE", "0")
_stated: Keys = {"confidence": _CONFIDENCE, "source": maybe(text), "note": maybe(text)}


def _same_rows(codes: tuple[str, ...], **given: Any) -> list[m.LookupRow]:
    return [m.LookupRow(code, code, "equal", reason=None, **given) for code in codes]


def _flag_rows(yes: str, **given: Any) -> list[m.LookupRow]:
    """Rows for a Yes/No column: yes has a code, and what no means is for an overlay to say."""
    undecided = "false may be no, not known or not asked"
    return [m.LookupRow(code, yes, "equal", reason=None, **given) for code in _YES] + [
        m.LookupRow(code, None, "equal", reason=undecided, undecided=True, **given) for code in _NO
    ]


_row = record(
    m.LookupRow,
    {
        "from": Key(text, field="code"),
        "to": maybe(text),
        "equivalence": maybe(one_of(m.EQUIVALENCE), "equal"),
        "reason": maybe(text),
        **_stated,
    },
    place="place",
)


def _lookup_row(node: Node) -> m.LookupRow:
    row = _row(node)
    if "to" not in node:
        raise node.error("'to' is missing; a code without a home is written to: null, with a reason")
    if row.to is None and not row.reason:
        raise node.error("a code without a home needs a reason")
    return row


def _cleaner(node: Node) -> tuple[str, int]:
    if not node.is_text:
        return record(lambda pad: ("pad", pad), {"pad": lambda width: width.whole(56)})(node)
    chosen = node.one_of(CLEANERS)
    if chosen == "pad":
        raise node.error("pad needs a width: {pad: 2}")
    return chosen, 0


_lookup = values_of(
    {
        "title": maybe(text),
        "clean": maybe(list_of(_cleaner), ()),
        "unknown": maybe(text, field=""),
        "default": maybe(text),
        "same": maybe(one_or_more(record(_same_rows, {"codes": texts, **_stated}, place="place")), ()),
        "flags": maybe(record(_flag_rows, {"yes": text, **_stated}, place="place"), []),
        "rows": maybe(list_of(_lookup_row), ()),
        "note": remark,
        "source": remark,
        "lookup": remark,
    },
    place="place",
)


def lookup(name: str, node: Node) -> m.Lookup:
    """A lookup; its codes come from ``same``, ``rows`` and ``flags``, each once."""
    given = _lookup(node)
    if "unknown" not in node:
        raise node.error("'unknown' is missing: say what happens to a code that is not listed")
    unknown, default = node["unknown"].one_of(m.UNKNOWN_POLICIES), given["default"]
    if (unknown == "default") != (default is not None):
        raise node.error("'default' and 'unknown: default' belong together")
    listed = [row for group in given["same"] for row in group] + [*given["rows"], *given["flags"]]
    seen: set[str] = set()
    for row in listed:
        if row.code in seen:
            raise node.error(f"the code {row.code!r} is listed twice")
        seen.add(row.code)
    return m.Lookup(
        name, given["title"] or name, given["clean"], unknown, default, tuple(listed), given["place"]
    )


# -- tables --------------------------------------------------------------------------------------


def _preference(node: Node) -> m.Preference:
    node.only("filled", "highest", "lowest")
    names = node.names()
    if len(names) != 1:
        raise node.error("one of {filled: F}, {highest: F}, {lowest: F} is expected here")
    return m.Preference(names[0], node.need(names[0]).text())


_prefer = maybe(list_of(_preference), ())
_one_per = record(m.OnePer, {"key": texts, "rule": text, "reason": text, "prefer": _prefer}, place="place")
_filter = record(m.Filter, {"name": text, "keep": condition, "reason": text}, place="place")
_join = record(
    lambda table, target, on, **given: m.Join(
        table=target or table, target=target is not None, on=tuple(on.items()), **given
    ),
    {
        "table": maybe(text),
        "target": maybe(text),
        "on": dict_of(expression),
        "prefer": _prefer,
        "note": remark,
    },
    key="alias",
    place="place",
)


def _join_of_either(node: Node) -> m.Join:
    if "target" not in node:
        node.need("table")
    return _join(node)


def _item(node: Node) -> dict[str, str]:
    node.need("column")
    for name in ("value", "number"):
        if name in node:
            raise node[name].error(f"item.{name} has a meaning of its own: choose another name")
    return dict_of(text)(node)


def _field(node: Node) -> m.Field:
    confidence, note = (node.get("confidence"), node.text_at("note")) if node.is_map else (None, None)
    level = _CONFIDENCE(confidence) if confidence else None
    return m.Field(node.key, expression(node), level, note, node.place)


_BRANCH: Keys = {
    "rows": maybe(text),
    "from": Key(text, field="source"),
    "with": maybe(dict_of(_join_of_either), {}, "joins"),
    "each": maybe(list_of(_item), ()),
    "where": maybe(list_of(_filter), ()),
    "fields": dict_of(_field),
    "confidence": maybe(_CONFIDENCE),
    "note": maybe(text),
    "source": remark,
}


def _branch(joins: dict[str, m.Join], fields: dict[str, m.Field], source: str, **given: Any) -> m.Branch:
    source_table = None if source == "nothing" else source
    return m.Branch(joins=tuple(joins.values()), fields=tuple(fields.values()), source=source_table, **given)


_ignored = Key(lambda node: None, required=False, field="")
_named_branch = record(_branch, {**_BRANCH, "rows": text}, place="place")
_only_branch = record(_branch, {**_BRANCH, "one_per": _ignored}, place="place")
_table: Keys = {
    "branches": maybe(list_of(_named_branch)),
    "one_per": maybe(one_or_more(_one_per), ()),
    "note": remark,
}


def table(node: Node) -> m.TableMap:
    """What is given of a target table: its branches, or one branch without a name of its own."""
    if "branches" in node:
        found = values_of(_table)(node)
        branches, rules = found["branches"] or (), found["one_per"]
    else:
        branch, one_per = _only_branch(node), node.get("one_per")
        branches = (replace(branch, rows=branch.rows or node.key),)
        rules = one_or_more(_one_per)(one_per) if one_per else ()
    if len({branch.rows for branch in branches}) != len(branches) or not branches:
        raise node.error("branches need names (rows: ...) that differ")
    return m.TableMap(node.key, branches, rules, node.place)


# -- tests ---------------------------------------------------------------------------------------

test_case = record(
    m.MappingTest,
    {
        "name": text,
        "parameters": maybe(dict_of(text), {}),
        "accept": maybe(_CONFIDENCE),
        "source": dict_of(drawn_table),
        "target": maybe(dict_of(drawn_table), {}),
        "rejects": maybe(drawn_table),
    },
    place="place",
)
