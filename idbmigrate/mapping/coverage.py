"""What a mapping covers: every source column, every code and every target column with what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from idbmigrate.datasets.model import ColumnSpec, Dataset, weakest
from idbmigrate.mapping import model as m
from idbmigrate.mapping import wording
from idbmigrate.mapping.codes import Use, code_lists, meaning, unlisted, uses
from idbmigrate.mapping.lint import carried_columns
from idbmigrate.words import STATED_CONFIDENCE

#: What may become of a source column, of a code, of a target column.
COLUMN_OUTCOMES = ("carried", "retired", "unaccounted")
CODE_OUTCOMES = ("mapped", "no-home", "not-listed")
TARGET_OUTCOMES = ("filled", "unavailable", "unaccounted")


def coverage(mapping: m.Mapping, source: Dataset, target: Dataset) -> dict[str, Any]:
    """The coverage of a mapping as one document that JSON can hold.

    ``source_columns``, ``codes`` and ``target_columns`` are lists of flat rows, in the order of the data
    sets and of the mapping; ``totals`` counts their outcomes.
    """
    columns = list(_source_columns(mapping, source))
    codes = list(_codes(mapping, source, target))
    targets = list(_target_columns(mapping, target))
    return {
        "mapping": mapping.name,
        "version": mapping.version,
        "title": mapping.title,
        "source": source.name,
        "target": target.name,
        "totals": {
            "source_columns": _count(columns, "outcome", COLUMN_OUTCOMES),
            "codes": _count(codes, "outcome", CODE_OUTCOMES),
            "codes_mapped": _count([row for row in codes if row["to"]], "confidence", STATED_CONFIDENCE),
            "target_columns": _count(targets, "outcome", TARGET_OUTCOMES),
            "target_tables": {
                "filled": len(mapping.tables),
                "unavailable": len(target.tables) - len(mapping.tables),
            },
        },
        "source_columns": columns,
        "codes": codes,
        "target_columns": targets,
    }


def _count(rows: list[dict[str, Any]], key: str, words: tuple[str, ...]) -> dict[str, int]:
    counts = Counter(row[key] for row in rows)
    return {word: counts[word] for word in words}


def _source_columns(mapping: m.Mapping, source: Dataset) -> Iterator[dict[str, Any]]:
    carried = carried_columns(mapping)
    for table in source.tables.values():
        for name, spec in table.columns.items():
            into = carried.get((table.name, name), [])
            why = None if into else mapping.retired_reason(table.name, name)
            yield {
                "table": table.name,
                "column": name,
                "item": spec.item,
                "name_is": weakest(table.confidence, spec.confidence),
                "outcome": "carried" if into else "unaccounted" if why is None else "retired",
                "into": [".".join(column) for column in into],
                "reason": why,
            }


def _codes(mapping: m.Mapping, source: Dataset, target: Dataset) -> Iterator[dict[str, Any]]:
    for name, use in uses(mapping).items():
        lookup = mapping.lookups[name]
        lists = code_lists(use.sources, source)
        given = code_lists(use.targets, target)
        for row in lookup.rows:
            yield {
                **_code(lookup, use, row.code, meaning(row.code, lists)),
                "outcome": "no-home" if row.to is None else "mapped",
                "to": row.to,
                "to_meaning": meaning(row.to, given),
                "equivalence": None if row.to is None else row.equivalence,
                "confidence": row.confidence,
                "reason": row.reason,
                "source": row.source,
                "note": row.note,
            }
        for code, text in unlisted(lookup, lists).items():
            yield {
                **_code(lookup, use, code, text),
                "outcome": "not-listed",
                "to": None,
                "to_meaning": None,
                "equivalence": None,
                "confidence": None,
                "reason": wording.unknown_policy(lookup),
                "source": None,
                "note": None,
            }


def _code(lookup: m.Lookup, use: Use, code: str, text: str | None) -> dict[str, Any]:
    return {
        "lookup": lookup.name,
        "title": lookup.title,
        "columns": [".".join(column) for column in use.sources],
        "into": [".".join(column) for column in use.targets],
        "code": code,
        "meaning": text,
    }


def _target_columns(mapping: m.Mapping, target: Dataset) -> Iterator[dict[str, Any]]:
    for table in target.tables.values():
        made = mapping.tables.get(table.name)
        for name, spec in table.columns.items():
            fields = [
                (branch, item)
                for branch in (made.branches if made else ())
                for item in branch.fields
                if item.name == name
            ]
            yield {**_target(table.name, spec), **_filled(mapping, table.name, name, fields)}


def _target(table: str, spec: ColumnSpec) -> dict[str, Any]:
    return {"table": table, "column": spec.name, "item": spec.item, "requirement": spec.requirement}


def _filled(
    mapping: m.Mapping, table: str, column: str, fields: list[tuple[m.Branch, m.Field]]
) -> dict[str, Any]:
    if not fields:
        why = mapping.unavailable_reason(table, column)
        outcome = "unaccounted" if why is None else "unavailable"
        return {"outcome": outcome, "by": [], "confidence": None, "reason": why}
    words = [word for branch, item in fields for word in (branch.confidence, item.confidence) if word]
    notes = dict.fromkeys(note for branch, item in fields for note in (branch.note, item.note) if note)
    return {
        "outcome": "filled",
        "by": list(dict.fromkeys(_by(branch, item) for branch, item in fields)),
        "confidence": max(words, key=STATED_CONFIDENCE.index) if words else None,
        "reason": "; ".join(notes) or None,
    }


def _by(branch: m.Branch, item: m.Field) -> str:
    helpers = {field.name: field.value for field in branch.fields if field.helper}
    value = item.value
    while isinstance(value, m.Reference) and not value.alias and value.name in helpers:
        value = helpers[value.name]
    return f"{branch.source}: {wording.value(value)}" if branch.source else wording.value(value)
