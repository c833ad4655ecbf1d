"""Root causes: findings that have one origin are one line, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks.findings import SCHEMA
from idbmigrate.checks.model import Outcome, Rule
from idbmigrate.checks.people import causes_about_people
from idbmigrate.words import EFFECTS

#: What helps, by kind of rule; ``{column}`` is the target column, ``{origin}`` where its value came from.
ADVICE = {
    "structure": "check the settings of the conversion: a table is empty, or the header is wrong",
    "blank": "record {column} in the source system ({origin}), or set a parameter of the mapping",
    "format": "correct the value in the source system ({origin})",
    "code": "correct the code in the source system ({origin}), or add it to the lookup with an overlay",
    "value": "correct the value in the source system ({origin})",
    "score": "correct the score in the source system ({origin})",
    "relation": "find out why the record that it belongs to is missing or was rejected",
    "uniqueness": "remove the repeated record in the source system ({origin}), or merge the two",
    "period": "choose the reporting month with --period, or split the conversion with --split month",
    "order": "correct one of the two dates in the source system ({origin})",
    "cross-field": "complete or correct the values that contradict each other ({origin})",
    "portal": "set the parameter of the mapping that fills {column}, or name the right portal values",
    "reference": "look the code up in the national tables",
}

#: What helps with a legacy file, where it is something else.
SOURCE_ADVICE = ADVICE | {
    "blank": "record {column} in the source system; an overlay binds a column of another name",
    "code": "correct the code in the source system; a conversion reads local codes by an overlay",
    "relation": "find out why the record that it belongs to is missing or would be rejected",
    "uniqueness": "remove the repeated record in the source system, or merge the two",
    "period": "correct the date in the source system, or name the month of the file with --period",
    "order": "correct one of the two dates in the source system",
    "cross-field": "complete or correct the values that contradict each other",
}


def root_causes(
    outcome: Outcome | None,
    origins: Mapping[str, Sequence[str]] | None = None,
    about_people: pa.Table | None = None,
    advice: Mapping[str, str] = ADVICE,
) -> list[dict[str, Any]]:
    """Give one line for each rule and column that failed by itself, the gravest and largest first.

    Findings ``about_people`` come before all rules. ``origins`` names, by ``Table.Column`` of the target, the
    source columns and lookups that feed it; ``advice`` says what helps, by kind of rule.
    Findings that only follow from others are one last line, with ``code`` null and the gravest effect among
    them.
    """
    rules = {} if outcome is None else outcome.pack.by_code()
    findings = SCHEMA.empty_table() if outcome is None else outcome.findings
    people = SCHEMA.empty_table() if about_people is None else about_people
    counted = _counted(findings.filter(pc.invert(findings["follows"])))
    lines = [
        _line(rules[code], count, example, origins or {}, advice)
        for code, (count, example) in counted.items()
    ]
    lines.sort(key=lambda line: (-EFFECTS.index(line["effect"]), -line["count"], line["code"]))
    following = pa.concat_tables([each.filter(each["follows"]) for each in (people, findings)])
    if following.num_rows:
        lines.append(_followers(following.unify_dictionaries()))
    return [*causes_about_people(people), *lines]


def _counted(findings: pa.Table) -> dict[str, tuple[int, str | None]]:
    if not findings.num_rows:
        return {}
    plain = pa.table({"code": findings["code"].cast(pa.string()), "reference": findings["reference"]})
    grouped = plain.group_by("code").aggregate([("code", "count"), ("reference", "min")])
    return {row["code"]: (row["code_count"], row["reference_min"]) for row in grouped.to_pylist()}


def _line(
    rule: Rule,
    count: int,
    example: str | None,
    origins: Mapping[str, Sequence[str]],
    advice: Mapping[str, str],
) -> dict[str, Any]:
    column = rule.columns[0] if rule.columns else None
    origin = list(origins.get(f"{rule.table}.{column}", ()))
    text = rule.meaning
    return {
        "code": rule.code,
        "effect": rule.effect,
        "kind": rule.kind,
        "table": rule.table,
        "column": column,
        "origin": origin,
        "message": text[:1].upper() + text[1:],
        "count": count,
        "example": example,
        "do": what_to_do(rule, origin, advice),
        "published": rule.published,
    }


def what_to_do(rule: Rule, origin: Sequence[str] = (), advice: Mapping[str, str] = ADVICE) -> str:
    """What to do about a rule that failed, naming where the value came from if that is known."""
    column = rule.columns[0] if rule.columns else "the file"
    text = advice[rule.kind]
    if not origin:
        text = text.replace(" ({origin})", "")
    return text.format(column=column, origin=", ".join(origin))


def _followers(findings: pa.Table) -> dict[str, Any]:
    effects = findings["effect"].cast(pa.string()).unique().to_pylist()
    return {
        "code": None,
        "effect": max(effects, key=EFFECTS.index),
        "kind": "relation",
        "table": None,
        "column": None,
        "origin": [],
        "message": "Fails only because of another finding: a record that it belongs to, or that belongs to "
        "it, is rejected, or its value is badly written",
        "count": findings.num_rows,
        "example": None,
        "do": "nothing of its own: settle the causes above",
        "published": True,
    }
