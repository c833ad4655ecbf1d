"""Findings: one row for each time that a rule failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from idbmigrate.checks.model import References, Rule, RulePack
    from idbmigrate.checks.relations import Relations

_WORD = pa.dictionary(pa.int32(), pa.string())

#: ``row`` counts from 1 in the target table, null for a finding about a whole file. ``reference`` names
#: the row for people: where it came from, or its keys. ``follows`` is true where the row fails only
#: because of another finding: a row that it belongs to was rejected, or its value is badly written.
#: ``value`` and ``reference`` stay in the local files.
SCHEMA = pa.schema(
    [
        ("code", _WORD),
        ("effect", _WORD),
        ("kind", _WORD),
        ("table", _WORD),
        ("row", pa.int64()),
        ("reference", pa.string()),
        ("column", _WORD),
        ("message", _WORD),
        ("value", pa.string()),
        ("follows", pa.bool_()),
    ]
)

#: Columns that must never leave the place of work.
LOCAL_COLUMNS = ("row", "reference", "value")


@dataclass(frozen=True)
class Hits:
    """The rows that fail one rule (numbers from 0; none for a rule of the whole file)."""

    rule: Rule
    rows: np.ndarray
    follows: np.ndarray


def findings_table(
    pack: RulePack, hits: Mapping[str, Hits], relations: Relations, references: References
) -> pa.Table:
    """All findings in the order of the pack, each rule's by row."""
    names = {rule.code: place for place, rule in enumerate(pack.rules)}
    parts = [_part(hits[code], relations, references) for code in sorted(hits, key=names.__getitem__)]
    return pa.concat_tables(parts).unify_dictionaries() if parts else SCHEMA.empty_table()


def _part(hits: Hits, relations: Relations, references: References) -> pa.Table:
    rule, size = hits.rule, max(len(hits.rows), 1)
    table = rule.table or ""
    column = rule.columns[0] if rule.columns else None
    rows: pa.Array = pa.nulls(size, pa.int64())
    reference = value = pa.nulls(size, pa.string())
    if len(hits.rows):
        rows = pa.array(hits.rows + 1)
        reference = _references(table, hits.rows, relations, references)
        if column is not None:
            value = relations.column(table, column).take(hits.rows)
    follows = pa.array(hits.follows) if len(hits.rows) else pa.array([False])
    words = (rule.code, rule.effect, rule.kind, rule.table, column, sentence(rule))
    code, effect, kind, name, blame, message = (repeated_word(word, size) for word in words)
    return pa.table(
        [code, effect, kind, name, rows, reference, blame, message, value, follows], schema=SCHEMA
    )


def sentence(rule: Rule) -> str:
    """The message of a rule: its meaning, as a sentence, without any value."""
    return sentence_of(rule.meaning)


def sentence_of(meaning: str) -> str:
    """A meaning as a sentence."""
    return meaning[:1].upper() + meaning[1:]


def repeated_word(word: str | None, size: int) -> pa.Array:
    """A column of this length that holds one word."""
    if word is None:
        return pa.DictionaryArray.from_arrays(pa.nulls(size, pa.int32()), pa.array([], pa.string()))
    indices = pa.array(np.zeros(size, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array([word]))


def _references(table: str, rows: np.ndarray, relations: Relations, references: References) -> pa.Array:
    import pyarrow.compute as pc

    at = pa.array(rows)
    if table in references:
        return references[table].take(at).cast(pa.string())
    spec = relations.dataset.tables[table]
    names = spec.primary_key or (spec.unique[0] if spec.unique else tuple(spec.foreign_keys))
    keys = [relations.column(table, name).take(rows) for name in names]
    if not keys:
        return pa.nulls(len(rows), pa.string())
    return pc.binary_join_element_wise(*keys, " / ", null_handling="replace", null_replacement="")


def write_csv(findings: pa.Table, path: Path) -> None:
    """Write findings to a local CSV file; values stand in it as they are.

    Raises ``OSError`` where the file cannot be written.
    """
    from pyarrow import csv

    plain = pa.table({name: findings[name].cast(pa.string()) for name in findings.column_names})
    csv.write_csv(plain, path)
