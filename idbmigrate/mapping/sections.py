"""Reads the sections of a mapping file: parameters, sources, lookups, tables, retired, tests."""

from __future__ import annotations

from idbmigrate.mapping import model as m
from idbmigrate.mapping.document import Node
from idbmigrate.mapping.drawn import drawn_table
from idbmigrate.mapping.expressions import condition, expression
from idbmigrate.mapping.functions import CLEANERS, DEFAULTS
from idbmigrate.words import STATED_CONFIDENCE

_REMARKS = ("confidence", "note", "source")


def parameter(name: str, node: Node) -> m.ParameterSpec:
    node.only("title", "default", "one_of", "note")
    given, choices = node.get("default"), node.get("one_of")
    return m.ParameterSpec(
        name,
        node.text_at("title", name) or name,
        _default(given) if given else None,
        choices.texts() if choices else (),
        node.place,
    )


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
    listed = operand.entries() if operand.is_list else [operand]
    columns = []
    for entry in listed:
        table, dot, column = entry.text().partition(".")
        if not dot:
            raise entry.error("written as Table.COLUMN")
        columns.append((table, column))
    return kind, tuple(columns)


def source_rule(table: str, node: Node) -> m.SourceRule:
    node.only("natural_key", "repeats", "required", "within", "agree", "parents", "note")
    agree, parents = node.get("agree"), node.get("parents")
    key, repeats, required = node.get("natural_key"), node.get("repeats"), node.get("required")
    if repeats:
        repeats.only("rule", "reason")
    return m.SourceRule(
        table,
        tuple(expression(n) for n in key.entries()) if key else (),
        repeats.need("rule").text() if repeats else None,
        repeats.need("reason").text() if repeats else None,
        required.flag() if required else False,
        node.place,
        tuple(_agreement(entry) for entry in agree.entries()) if agree else (),
        tuple(_parent(entry) for entry in parents.entries()) if parents else (),
        node.text_at("within"),
    )


def _agreement(node: Node) -> m.Agreement:
    node.only("conflict", "key", "value", "reason")
    key = node.get("key")
    return m.Agreement(
        node.need("conflict").text(),
        expression(key) if key else None,
        expression(node.need("value")),
        node.need("reason").text(),
        node.place,
    )


def _parent(node: Node) -> m.Parent:
    node.only("table", "by", "agree")
    agree = node.get("agree")
    agreed = tuple(_agreed_column(entry) for entry in agree.entries()) if agree else ()
    return m.Parent(node.need("table").text(), node.need("by").text(), agreed, node.place)


def _agreed_column(node: Node) -> m.AgreedColumn:
    node.only("conflict", "column", "reason")
    return m.AgreedColumn(
        node.need("conflict").text(), node.need("column").text(), node.need("reason").text(), node.place
    )


# -- lookups -------------------------------------------------------------------------------------


def lookup(name: str, node: Node) -> m.Lookup:
    node.only("title", "clean", "unknown", "default", "same", "flags", "rows", "note", "source", "lookup")
    unknown = Node.one_of(node["unknown"], m.UNKNOWN_POLICIES) if "unknown" in node else None
    if unknown is None:
        raise node.error("'unknown' is missing: say what happens to a code that is not listed")
    default = node.text_at("default")
    if (unknown == "default") != (default is not None):
        raise node.error("'default' and 'unknown: default' belong together")
    same, rows = node.get("same"), node.get("rows")
    listed: list[m.LookupRow] = []
    for group in same.entries() if same and same.is_list else [same] if same else []:
        listed += _same_rows(group)
    listed += [_lookup_row(entry) for entry in rows.entries()] if rows else []
    flags = node.get("flags")
    listed += _flag_rows(flags) if flags else []
    seen: set[str] = set()
    for row in listed:
        if row.code in seen:
            raise node.error(f"the code {row.code!r} is listed twice")
        seen.add(row.code)
    clean = node.get("clean")
    cleaners = tuple(_cleaner(n) for n in clean.entries()) if clean else ()
    title = node.text_at("title", name) or name
    return m.Lookup(name, title, cleaners, unknown, default, tuple(listed), node.place)


def _cleaner(node: Node) -> tuple[str, int]:
    if node.is_text:
        chosen = node.one_of(CLEANERS)
        if chosen == "pad":
            raise node.error("pad needs a width: {pad: 2}")
        return chosen, 0
    node.only("pad")
    return "pad", node.need("pad").whole(56)


def _same_rows(node: Node) -> list[m.LookupRow]:
    node.only("codes", *_REMARKS)
    confidence = node.need("confidence").one_of(STATED_CONFIDENCE)
    remarks = node.text_at("source"), node.text_at("note")
    return [
        m.LookupRow(code, code, "equal", confidence, None, *remarks, node.place)
        for code in node.need("codes").texts()
    ]


#: What Access holds in a Yes/No column, and in a number that stands for one, after ``clean: [upper]``.
_YES, _NO = ("TRUE", "-1"), ("FALSE", "0")


def _flag_rows(node: Node) -> list[m.LookupRow]:
    """Rows for a Yes/No column: yes has a code, and what no means is for an overlay to say."""
    node.only("yes", *_REMARKS)
    confidence, yes = node.need("confidence").one_of(STATED_CONFIDENCE), node.need("yes").text()
    remarks = node.text_at("source"), node.text_at("note")
    undecided = "false may be no, not known or not asked"
    return [m.LookupRow(code, yes, "equal", confidence, None, *remarks, node.place) for code in _YES] + [
        m.LookupRow(code, None, "equal", confidence, undecided, *remarks, node.place, undecided=True)
        for code in _NO
    ]


def _lookup_row(node: Node) -> m.LookupRow:
    node.only("from", "to", "equivalence", "reason", *_REMARKS)
    if "to" not in node:
        raise node.error("'to' is missing; a code without a home is written to: null, with a reason")
    to, equivalence = node.get("to"), node.get("equivalence")
    if to is None and not node.get("reason"):
        raise node.error("a code without a home needs a reason")
    return m.LookupRow(
        node.need("from").text(),
        to.text() if to else None,
        equivalence.one_of(m.EQUIVALENCE) if equivalence else "equal",
        node.need("confidence").one_of(STATED_CONFIDENCE),
        node.text_at("reason"),
        node.text_at("source"),
        node.text_at("note"),
        node.place,
    )


# -- tables --------------------------------------------------------------------------------------

_BRANCH = ("rows", "from", "with", "each", "where", "fields", *_REMARKS)


def table(name: str, node: Node) -> m.TableMap:
    branches = node.get("branches")
    if branches:
        node.only("branches", "one_per", "note")
        found = tuple(_branch(entry, None) for entry in branches.entries())
    else:
        node.only("one_per", *_BRANCH)
        found = (_branch(node, name),)
    names = [branch.rows for branch in found]
    if len(set(names)) != len(names) or not names:
        raise node.error("branches need names (rows: ...) that differ")
    one_per = node.get("one_per")
    rules = (one_per.entries() if one_per.is_list else [one_per]) if one_per else []
    return m.TableMap(name, found, tuple(_one_per(rule) for rule in rules), node.place)


def _one_per(node: Node) -> m.OnePer:
    node.only("key", "rule", "reason", "prefer")
    prefer = node.get("prefer")
    return m.OnePer(
        node.need("key").texts(),
        node.need("rule").text(),
        node.need("reason").text(),
        tuple(_preference(n) for n in prefer.entries()) if prefer else (),
        node.place,
    )


def _preference(node: Node) -> m.Preference:
    node.only("filled", "highest", "lowest")
    names = node.names()
    if len(names) != 1:
        raise node.error("one of {filled: F}, {highest: F}, {lowest: F} is expected here")
    return m.Preference(names[0], node.need(names[0]).text())


def _branch(node: Node, default_name: str | None) -> m.Branch:
    node.only("one_per", "branches", *_BRANCH)
    source = node.need("from").text()
    joins, each, where = node.get("with"), node.get("each"), node.get("where")
    confidence = node.get("confidence")
    return m.Branch(
        node.text_at("rows", default_name) or node.need("rows").text(),
        None if source == "nothing" else source,
        tuple(_join(alias, n) for alias, n in joins.items()) if joins else (),
        tuple(_item(n) for n in each.entries()) if each else (),
        tuple(_filter(n) for n in where.entries()) if where else (),
        tuple(_field(name, n) for name, n in node.need("fields").items()),
        confidence.one_of(STATED_CONFIDENCE) if confidence else None,
        node.text_at("note"),
        node.place,
    )


def _join(alias: str, node: Node) -> m.Join:
    node.only("table", "target", "on", "prefer", "note")
    target = node.get("target")
    prefer = node.get("prefer")
    return m.Join(
        alias,
        (target or node.need("table")).text(),
        target is not None,
        tuple((column, expression(n)) for column, n in node.need("on").items()),
        tuple(_preference(n) for n in prefer.entries()) if prefer else (),
        node.place,
    )


def _item(node: Node) -> dict[str, str]:
    node.need("column")
    for name in ("value", "number"):
        if name in node:
            raise node[name].error(f"item.{name} has a meaning of its own: choose another name")
    return {key: child.text() for key, child in node.items()}


def _filter(node: Node) -> m.Filter:
    node.only("name", "keep", "reason")
    keep = condition(node.need("keep"))
    return m.Filter(node.need("name").text(), keep, node.need("reason").text(), node.place)


def _field(name: str, node: Node) -> m.Field:
    confidence = node.get("confidence") if node.is_map else None
    note = node.text_at("note") if node.is_map else None
    level = confidence.one_of(STATED_CONFIDENCE) if confidence else None
    return m.Field(name, expression(node), level, note, node.place)


# -- retired, unavailable, tests -----------------------------------------------------------------


def reasons(node: Node) -> dict[str, str]:
    """Column -> reason; ``"*"`` stands for all columns not named."""
    return {column: child.text() for column, child in node.items()}


def test_case(node: Node) -> m.MappingTest:
    node.only("name", "parameters", "accept", "source", "target", "rejects")
    accept, rejects, parameters = node.get("accept"), node.get("rejects"), node.get("parameters")
    return m.MappingTest(
        node.need("name").text(),
        {name: n.text() for name, n in parameters.items()} if parameters else {},
        accept.one_of(STATED_CONFIDENCE) if accept else None,
        {name: drawn_table(n) for name, n in node.need("source").items()},
        {name: drawn_table(n) for name, n in (node.get("target") or Node({}, (), "", {})).items()},
        drawn_table(rejects) if rejects else None,
        node.place,
    )
