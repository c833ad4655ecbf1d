"""Findings about whose a source record is: it contradicts another, or could be of several people.

They come from the source and not from a rule of the target: the records stay behind, so no target row tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.checks.findings import SCHEMA, repeated_word, sentence_of
from idbmigrate.execution.belonging import FINDINGS, Settled
from idbmigrate.ledger.books import Account, Books
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.staging.tables import StagedTable
from idbmigrate.words import Effect

#: The kind of these findings, beside the kinds of rules.
PEOPLE = "people"
#: First parts of the reasons of the ledger that are findings.
_WORDS = ("conflict", "ambiguous-parent")
#: What the user let be.
_ALLOWED = "allowed-conflict"


def findings_about_people(books: Books, whose: Settled, mapping: MappingFile) -> pa.Table:
    """One finding a source row, by table: of the effect ``record`` where it stays behind, a warning where the
    user let it be. ``row`` is null, as it is no target row; ``reference`` is its table and place.

    One that stays behind only because a record that it belongs to does ``follows``.
    """
    homes = {
        f"conflict:{name}": {rule.table for rule in mapping.sources.values() if name in rule.conflicts}
        for name in mapping.conflicts
    }
    parts = [SCHEMA.empty_table()]
    for account in books.rows:
        for word, rows in _by_word(account).items():
            staged = whose.staged[account.table]
            follows = account.table not in homes.get(word, {account.table})
            parts.append(_part(word, "record", staged, rows, books.meaning(word), follows))
    for name, mask in whose.allowed.items():
        rows = np.flatnonzero(mask)
        parts.append(_part(_ALLOWED, "warning", whose.staged[name], rows, FINDINGS[_ALLOWED], follows=False))
    return pa.concat_tables(parts).unify_dictionaries()


def findings_about_keys(whose: Settled, mapping: MappingFile, meaning: Callable[[str], str]) -> pa.Table:
    """The same of a file that is not converted: one finding for each record that is in conflict, or of which
    nothing tells whose it is. ``meaning`` says what a reason word means."""
    parts = [SCHEMA.empty_table()]
    for name, staged in whose.staged.items():
        if staged.conflicts is None:
            continue
        own = mapping.sources[name].conflicts
        for word in pc.unique(staged.conflicts.drop_null()).to_pylist():
            what, _, about = word.partition(":")
            rows = np.flatnonzero(pc.fill_null(pc.equal(staged.conflicts, word), False))
            follows = what == "conflict" and about not in own
            parts.append(_part(word, "record", staged, rows, meaning(word), follows))
    for name, mask in whose.allowed.items():
        rows = np.flatnonzero(mask)
        parts.append(_part(_ALLOWED, "warning", whose.staged[name], rows, FINDINGS[_ALLOWED], follows=False))
    return pa.concat_tables(parts).unify_dictionaries()


def _by_word(account: Account) -> dict[str, np.ndarray]:
    """The rows that stay behind for a reason that is a finding, by its word."""
    found: dict[str, list[np.ndarray]] = {}
    for number, reason in enumerate(account.names):
        if reason.word.partition(":")[0] in _WORDS:
            found.setdefault(reason.word, []).append(account.uncarried[account.reasons == number])
    rows = {word: np.sort(np.concatenate(parts)) for word, parts in found.items()}
    return {word: each for word, each in rows.items() if each.size}


def _part(
    word: str, effect: Effect, table: StagedTable, rows: np.ndarray, meaning: str, follows: bool
) -> pa.Table:
    size = rows.size
    name = table.name or table.label
    places = pc.binary_join_element_wise(pa.scalar(name), table.places(rows), " ")
    code, shown, kind, of, column, message = (
        repeated_word(each, size) for each in (word, effect, PEOPLE, name, None, sentence_of(meaning))
    )
    nothing = pa.nulls(size, pa.string())
    columns = [code, shown, kind, of, pa.nulls(size, pa.int64()), places, column, message, nothing]
    return pa.table([*columns, pa.array(np.full(size, follows))], schema=SCHEMA)


def causes_about_people(findings: pa.Table) -> list[dict[str, Any]]:
    """One line for each finding and table that does not only follow, the largest first, as
    :func:`idbmigrate.checks.causes.root_causes` has them for rules."""
    own = findings.filter(pc.invert(findings["follows"]))
    if not own.num_rows:
        return []
    names = ("code", "effect", "table", "message")
    plain = pa.table({name: own[name].cast(pa.string()) for name in (*names, "reference")})
    grouped = plain.group_by(list(names)).aggregate([("reference", "count"), ("reference", "min")])
    lines = [_cause(each) for each in grouped.to_pylist()]
    return sorted(lines, key=lambda line: (-line["count"], line["code"], line["table"]))


def _cause(found: Mapping[str, Any]) -> dict[str, Any]:
    word = str(found["code"])
    correct = "correct the records where they are kept, as nobody else can tell whose they are"
    let_be = f", or let them be with --allow {word}" if word.startswith("conflict:") else ""
    return {
        "code": word,
        "effect": found["effect"],
        "kind": PEOPLE,
        "table": found["table"],
        "column": None,
        "origin": [found["table"]],
        "message": found["message"],
        "count": found["reference_count"],
        "example": found["reference_min"],
        "do": "look at each of them" if word == _ALLOWED else correct + let_be,
        "published": False,
    }
