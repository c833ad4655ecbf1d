"""Reads expressions and conditions of the mapping language."""

from __future__ import annotations

import re

from idbmigrate.documents.node import Node
from idbmigrate.mapping import model as m
from idbmigrate.mapping.functions import COMPARISONS, FUNCTIONS, REMOVABLE, WHOLE_NUMBERS

_REFERENCE = re.compile(r"(?:([A-Za-z][A-Za-z0-9_]*)\.)?([A-Za-z_][A-Za-z0-9_ ]*)\Z")
#: Regular expressions of a mapping keep to what every engine reads alike.
_PLAIN_PATTERN = re.compile(
    r"(?:\[\^?[^\[\]\\]+\]|\\[.\\/()+*?|-]|\(\?:|[A-Za-z0-9 _/:,;=<>@#%&'~.^$|()*+?{}\"-])*\Z"
)
#: Of what that lets through: other groups than (?:), repeats of repeats, open lower bounds, large bounds.
_ENGINES_DIFFER = re.compile(r"\(\?(?!:)|[*+?}]\+|\{,|\{[0-9,]*[0-9]{4}")
_CLASS_OR_SIGN = re.compile(r"\[\^?[^\[\]\\]+\]|\\.")
_REMARKS = ("confidence", "note", "source")
MAX_PATTERN = 500


def expression(node: Node) -> m.Expression:
    """The expression written at ``node``; raises ``mapping-invalid`` with the place."""
    if node.is_text:
        return _reference(node)
    if not node.is_map:
        raise node.error("a column name or a function is expected here")
    keys = [key for key in node.names() if key not in _REMARKS]
    known = [key for key in keys if key in _FORMS or key in FUNCTIONS]
    if "when" in keys:
        return _when(node)
    if not known:
        functions = sorted({*_FORMS, *FUNCTIONS, "when"})
        raise node.unknown(f"no function among {', '.join(keys) or 'nothing'}", "".join(keys[:1]), functions)
    head = known[0]
    return _FORMS[head](node) if head in _FORMS else _call(node, head)


def pattern(node: Node) -> str:
    """A regular expression in the part that all engines share: classes, groups, repeats, alternatives."""
    text = node.text()
    bare = _CLASS_OR_SIGN.sub("x", text)
    if len(text) > MAX_PATTERN or not _PLAIN_PATTERN.match(text) or _ENGINES_DIFFER.search(bare):
        raise node.error(
            "a pattern may use characters, [classes], (groups), | ? * + {n,m} and escaped signs only"
        )
    try:
        re.compile(text)
    except re.error as error:
        raise node.error(f"not a regular expression: {error}") from None
    return text


def _reference(node: Node) -> m.Reference:
    found = _REFERENCE.match(node.text())
    if not found:
        raise node.error("a column name is expected here", hint="a fixed text is written {constant: text}")
    return m.Reference(node.place, found[1] or "", found[2])


def _call(node: Node, name: str) -> m.Call:
    shape = FUNCTIONS[name]
    node.only(name, *shape.required, *shape.optional, *_REMARKS)
    operand = node.need(name)
    listed = operand.is_list
    arguments = tuple(expression(n) for n in operand.entries()) if listed else (expression(operand),)
    if (shape.arguments and len(arguments) != shape.arguments) or not arguments:
        raise operand.error(f"{name} takes {shape.arguments or 'at least one'} value(s)")
    options: dict[str, str | tuple[str, ...]] = {}
    for key in (*shape.required, *shape.optional):
        given = node.get(key)
        if given is None and key in shape.required:
            raise node.error(f"{name} needs {key!r}")
        if given is not None:
            options[key] = _option(key, given)
    return m.Call(node.place, name, arguments, options)


def _option(key: str, node: Node) -> str | tuple[str, ...]:
    if key == "of":
        chosen = node.texts() if node.is_list else (node.text(),)
        for item in chosen:
            if item not in REMOVABLE:
                raise node.error(f"one of {', '.join(REMOVABLE)} is expected here")
        return chosen
    if key == "pattern":
        return pattern(node)
    if key in WHOLE_NUMBERS:
        return str(node.whole(WHOLE_NUMBERS[key]))
    return node.text()


def _constant(node: Node) -> m.Constant:
    node.only("constant", *_REMARKS)
    return m.Constant(node.place, node.need("constant").text())


def _parameter(node: Node) -> m.Parameter:
    node.only("parameter", *_REMARKS)
    return m.Parameter(node.place, node.need("parameter").name())


def _lookup(node: Node) -> m.LookedUp:
    node.only("lookup", "of", *_REMARKS)
    return m.LookedUp(node.place, node.need("lookup").name(), expression(node.need("of")))


def _first_of(node: Node) -> m.FirstOf:
    node.only("first_of", *_REMARKS)
    choices = tuple(expression(n) for n in node.need("first_of").entries())
    if not choices:
        raise node.error("first_of needs at least one value")
    return m.FirstOf(node.place, choices)


def _link(node: Node) -> m.Link:
    node.only("link", "tells", *_REMARKS)
    return m.Link(node.place, expression(node.need("link")), expression(node.need("tells")))


def _when(node: Node) -> m.Cases:
    node.only("when", "then", "otherwise", *_REMARKS)
    case = (condition(node.need("when")), expression(node.need("then")))
    rest = node.get("otherwise")
    return m.Cases(node.place, (case,), expression(rest) if rest else None)


def _cases(node: Node) -> m.Cases:
    node.only("cases", "otherwise", *_REMARKS)
    cases = []
    for entry in node.need("cases").entries():
        entry.only("when", "then", *_REMARKS)
        cases.append((condition(entry.need("when")), expression(entry.need("then"))))
    rest = node.get("otherwise")
    return m.Cases(node.place, tuple(cases), expression(rest) if rest else None)


def _identifier(node: Node) -> m.Identifier:
    node.only("identifier", "prefix", "length", *_REMARKS)
    parts = tuple(
        None if entry.data == "natural_key" else expression(entry)
        for entry in node.need("identifier").entries()
    )
    given, prefix = node.get("length"), node.text_at("prefix", "") or ""
    length = given.whole(m.MAX_IDENTIFIER) if given else 20
    if not parts or length - len(prefix) < 4:
        raise node.error("an identifier needs at least one part and four places beside its prefix")
    return m.Identifier(node.place, parts, prefix, length)


def _last_known(node: Node) -> m.LastKnown:
    node.only("last_known", "within", "at", *_REMARKS)
    within = tuple(expression(entry) for entry in node.need("within").entries())
    at = expression(node.need("at"))
    if not within or not (isinstance(at, m.Call) and at.function == "timestamp"):
        raise node.error("last_known needs at least one value in 'within', and a {timestamp: [E, E]} in 'at'")
    return m.LastKnown(node.place, expression(node.need("last_known")), within, at)


_FORMS = {
    "constant": _constant,
    "lookup": _lookup,
    "first_of": _first_of,
    "last_known": _last_known,
    "link": _link,
    "cases": _cases,
    "identifier": _identifier,
    "parameter": _parameter,
}


# -- conditions ----------------------------------------------------------------------------------


def condition(node: Node) -> m.Condition:
    """The condition written at ``node``."""
    if not node.is_map:
        raise node.error("a condition is expected here, such as {present: COLUMN}")
    for how in ("all", "any", "none"):
        if how in node:
            node.only(how)
            inner = tuple(condition(n) for n in node.need(how).entries())
            if not inner:
                raise node.error(f"{how} needs at least one condition")
            return m.Combined(node.place, how, inner)
    for how in ("present", "blank"):
        if how in node:
            node.only(how)
            return m.Present(node.place, expression(node.need(how)), how == "present")
    if "known" in node:
        node.only("known", "of")
        return m.Known(node.place, node.need("known").name(), expression(node.need("of")))
    return _comparison(node)


def _comparison(node: Node) -> m.Compared:
    if "value" in node:
        value = expression(node.need("value"))
    elif "parameter" in node:
        value = m.Parameter(node.place, node.need("parameter").name())
    else:
        raise node.error("not a condition", hint="see 'Conditions' in docs/mapping-language.md")
    node.only("value", "parameter", *COMPARISONS)
    used = [key for key in COMPARISONS if key in node]
    if len(used) != 1:
        raise node.error(f"exactly one of {', '.join(COMPARISONS)} is expected here")
    operator, operand = used[0], node[used[0]]
    match COMPARISONS[operator]:
        case "text":
            return m.Compared(node.place, value, "in", (operand.text(),))
        case "texts":
            return m.Compared(node.place, value, operator, operand.texts())
        case "pattern":
            return m.Compared(node.place, value, operator, pattern(operand))
        case _:
            return m.Compared(node.place, value, operator, expression(operand))
