"""What a mapping says, in words: one line for a value, a condition, a join or a rule."""

from __future__ import annotations

from collections.abc import Iterator

from idbmigrate.mapping import model as m

_FUNCTIONS = {
    "time_of_day": "time of day in",
    "month_start": "first day of the month of",
    "month_end": "last day of the month of",
    "local_timestamp": "timestamp with UK offset of",
    "icd10": "ICD-10 code in",
    "upper": "upper case of",
}
_COMPARISONS = {
    "before": "is before",
    "after": "is after",
    "on_or_before": "is not after",
    "on_or_after": "is not before",
    "equals": "equals",
    "matches": "matches",
}
_UNKNOWN = {
    "reject": "rejects the row",
    "null": "leaves the target empty",
    "keep": "is carried as it is",
}
_COMBINED = {"all": " and ", "any": " or ", "none": " or "}


def value(node: m.Expression | None) -> str:
    """What an expression gives."""
    match node:
        case None:
            return "the natural key of the record"
        case m.Reference():
            return str(node)
        case m.Constant():
            return f'"{node.text}"'
        case m.Parameter():
            return f"the parameter {node.name}"
        case m.LookedUp():
            return f"{value(node.of)} by lookup {node.lookup}"
        case m.FirstOf():
            return f"first of ({'; '.join(value(choice) for choice in node.choices)})"
        case m.LastKnown():
            same = " and ".join(value(part) for part in node.within)
            return f"what {value(node.of)} was last at {value(node.at)}, of records with the same {same}"
        case m.Link():
            return f"{value(node.link)}, whose record tells {value(node.tells)}"
        case m.Cases():
            return "; ".join(_cases(node))
        case m.Identifier():
            prefix = f', with "{node.prefix}" before it' if node.prefix else ""
            return f"identifier made of ({'; '.join(value(part) for part in node.parts)}){prefix}"
        case m.Call():
            return _call(node)
        case _:
            raise TypeError(type(node).__name__)


def _cases(node: m.Cases) -> Iterator[str]:
    for test, result in node.cases:
        yield f"{value(result)} if {condition(test)}"
    if node.otherwise is not None:
        yield f"otherwise {value(node.otherwise)}"


def _call(node: m.Call) -> str:
    name = _FUNCTIONS.get(node.function, f"{node.function} of")
    of = " and ".join(value(argument) for argument in node.arguments)
    options = [
        f"{key} {text if isinstance(text, str) else ', '.join(text)}" for key, text in node.options.items()
    ]
    return f"{name} {of}" + (f" ({', '.join(options)})" if options else "")


def condition(node: m.Condition) -> str:
    """When a condition holds."""
    match node:
        case m.Present():
            return f"{value(node.of)} is {'there' if node.present else 'empty'}"
        case m.Known():
            return f"lookup {node.lookup} knows {value(node.of)}"
        case m.Combined():
            inner = _COMBINED[node.how].join(_bracketed(child) for child in node.conditions)
            return f"not ({inner})" if node.how == "none" else inner
        case m.Compared():
            return f"{value(node.value)} {_operand(node)}"
        case _:
            raise TypeError(type(node).__name__)


def _bracketed(node: m.Condition) -> str:
    text = condition(node)
    return f"({text})" if isinstance(node, m.Combined) and node.how != "none" else text


def _operand(node: m.Compared) -> str:
    operand = node.operand
    if isinstance(operand, tuple):
        texts = " or ".join(f'"{text}"' for text in operand)
        return f"is {texts}" if node.operator == "in" else f"is not {texts}"
    shown = value(operand) if isinstance(operand, m.Expression) else f"`{operand}`"
    return f"{_COMPARISONS[node.operator]} {shown}"


def join(node: m.Join) -> str:
    """How another table is joined."""
    on = " and ".join(f"its {column} = {value(expression)}" for column, expression in node.on)
    kind = "target table" if node.target else "source table"
    prefer = f", preferring {_preferences(node.prefer)}" if node.prefer else ""
    return f"{node.alias} is the row of the {kind} {node.table} where {on}{prefer}"


def one_per(node: m.OnePer) -> str:
    """Which of several rows is kept."""
    prefer = f"preferring {_preferences(node.prefer)}" if node.prefer else "the first by content"
    return f"one row a {', '.join(node.key)}, {prefer}: {node.reason} ({node.rule})"


def _preferences(nodes: tuple[m.Preference, ...]) -> str:
    return ", then ".join(f"{node.how} {node.field}" for node in nodes)


def unknown_policy(lookup: m.Lookup) -> str:
    """What becomes of a code that a lookup does not list."""
    if lookup.unknown == "default":
        return f'a code that is not listed becomes "{lookup.default}"'
    return f"a code that is not listed {_UNKNOWN[lookup.unknown]}"


def default(spec: m.ParameterSpec) -> str:
    """Where the value of a parameter comes from if it is not set."""
    return "must be set" if spec.default is None else _default(spec.default)


def _default(given: tuple[str, object]) -> str:
    kind, operand = given
    if kind == "text":
        return f'"{operand}"'
    if kind == "parameter":
        return f"the parameter {operand}"
    if kind in ("month_start", "month_end"):
        return f"{_FUNCTIONS[kind]} {_default(operand)}"  # type: ignore[arg-type]
    columns = ", ".join(".".join(pair) for pair in operand)  # type: ignore[attr-defined]
    return f"{kind.replace('_', ' ')} {'value' if kind == 'most_common' else 'date'} of {columns}"
