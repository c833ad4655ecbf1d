"""Who is one person under several local identifiers, by valid NHS number and birth date: only on request.

Nothing is joined: a submission speaks of a person by the identifier of its provider. What is linked is
listed, and what is ambiguous beside it, with the reason. A person is never linked on less than both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.archive.consolidate import Consolidation
from idbmigrate.archive.unit import Unit
from idbmigrate.compile import consolidation as c

#: The file of the output folder that lists them.
NAME = "links.csv"
LINKED, AMBIGUOUS = "linked", "ambiguous"
_COLUMNS = (
    "link",
    "verdict",
    "why",
    "provider",
    "dataset",
    "local_patient_identifier",
    "first_file",
    "last_file",
)
SCHEMA = pa.schema([(name, pa.string()) for name in _COLUMNS])


@dataclass(frozen=True)
class _Person:
    """An identifier of one provider, and what its files say of whose it is."""

    unit: Unit
    identifier: str
    numbers: frozenset[str]
    births: frozenset[str]
    first: int
    last: int

    @property
    def line(self) -> tuple[str, ...]:
        names = self.unit.names
        return (self.unit.provider, self.unit.dataset, self.identifier, names[self.first], names[self.last])


def people(work: Consolidation) -> pa.Table:
    """The identifiers of a unit with the least and greatest NHS number and birth date that its files say."""
    found = []
    for known in work.known.values():
        shared = next((item for item in known.rule.agree if item.key is not None), None)
        if shared is not None and c.can_ask(known, shared) and known.rule.key_column:
            found.append(work.store.run(c.people(known, shared, work.winners)))
    return (
        pa.concat_tables(found) if found else pa.table({name: pa.array([], pa.string()) for name in c.PEOPLE})
    )


def links(units: Iterable[tuple[Unit, pa.Table]]) -> pa.Table:
    """The links over all units, a line for each identifier; in an order of their own."""
    by_number: dict[str, list[_Person]] = {}
    tables = list(units)
    for unit, table in tables:
        for row in _several(table, [each for _, each in tables]):
            person = _person(unit, row)
            for held in person.numbers:
                by_number.setdefault(held, []).append(person)
    told = []
    for persons in by_number.values():
        if len(persons) > 1:
            ordered = sorted(persons, key=lambda each: each.line)
            told.append((ordered[0].line, ordered))
    lines = []
    for number, (_, persons) in enumerate(sorted(told, key=lambda each: each[0]), 1):
        why = _doubt(persons)
        verdict = AMBIGUOUS if why else LINKED
        lines += [(str(number), verdict, why, *person.line) for person in persons]
    columns = [pa.array(column, pa.string()) for column in zip(*lines, strict=True)] or None
    return pa.table(columns, schema=SCHEMA) if columns else SCHEMA.empty_table()


def _several(table: pa.Table, tables: Sequence[pa.Table]) -> list[dict[str, str | int | None]]:
    """The identifiers of a table of which another, in any of the tables, has an NHS number, too."""
    numbers = [number for each in tables for number in _numbers(each)]
    if not any(map(len, numbers)):
        return []
    counted = pc.value_counts(pa.concat_arrays(numbers))
    often = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    hit = np.logical_or(
        *(pc.is_in(_chunk(table[name]), often).to_numpy(zero_copy_only=False) for name in c.NUMBERS)
    )
    return table.filter(pa.array(hit)).to_pylist()


def _numbers(table: pa.Table) -> list[pa.Array]:
    """The NHS numbers of each identifier, one that it has alone once."""
    least, most = (_chunk(table[name]) for name in c.NUMBERS)
    return [pc.drop_null(least), pc.drop_null(most.filter(pc.not_equal(least, most)))]


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return (
        pa.concat_arrays([chunk.cast(pa.string()) for chunk in column.chunks])
        if column.num_chunks
        else pa.array([], pa.string())
    )


def _person(unit: Unit, row: dict[str, str | int | None]) -> _Person:
    numbers, births = (
        frozenset(str(row[name]) for name in names if row[name] is not None)
        for names in (c.NUMBERS, c.BIRTHS)
    )
    return _Person(
        unit, str(row[c.PEOPLE[0]]), numbers, births, int(row[c.FIRST] or 0), int(row[c.LAST] or 0)
    )


def _doubt(persons: Sequence[_Person]) -> str:
    """Why these are perhaps not one person; nothing where they are."""
    if any(len(person.numbers) > 1 for person in persons):
        return "an identifier has several NHS numbers"
    if any(not person.births for person in persons):
        return "a birth date is missing"
    if len(frozenset.union(*(person.births for person in persons))) > 1:
        return "the birth dates differ"
    for at, one in enumerate(persons):
        for other in persons[at + 1 :]:
            if one.unit is other.unit and one.first <= other.last and other.first <= one.last:
                return "both identifiers are in use at the same time"
    return ""
