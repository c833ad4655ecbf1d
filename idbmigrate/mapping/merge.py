"""Puts together what several files say about one target table.

A shared part holds what all editions have in common; another part adds to it. Branches that have the
same name become one: their joins, filters and fields are put together. Nothing is overridden: what two
files say about the same field is refused.
"""

from __future__ import annotations

from dataclasses import replace

from idbmigrate.errors import DescriptionError
from idbmigrate.mapping import model as m


def merged_table(first: m.TableMap, second: m.TableMap) -> m.TableMap:
    """The table as both say it; raises ``mapping-invalid`` at the place of the second where they differ."""
    if first.one_per and second.one_per:
        raise _clash(f"one_per of {first.name} is already said in another file", second.one_per[0].place)
    known = {branch.rows: branch for branch in first.branches}
    for branch in second.branches:
        known[branch.rows] = _merged_branch(known[branch.rows], branch) if branch.rows in known else branch
    return replace(first, branches=tuple(known.values()), one_per=first.one_per or second.one_per)


def _merged_branch(first: m.Branch, second: m.Branch) -> m.Branch:
    if first.source != second.source:
        raise _clash(f"the rows {first.rows!r} come from another table in another file", second.place)
    if (first.each and second.each) or (first.confidence and second.confidence):
        said_twice = f"'each' or 'confidence' of {first.rows!r} is already said in another file"
        raise _clash(said_twice, second.place)
    for what, key in (("fields", "name"), ("joins", "alias"), ("where", "name")):
        stated = {getattr(part, key) for part in getattr(first, what)}
        for part in getattr(second, what):
            if getattr(part, key) in stated:
                raise _clash(f"{getattr(part, key)!r} is already said in another file", part.place)
    return replace(
        first,
        joins=first.joins + second.joins,
        each=first.each or second.each,
        where=first.where + second.where,
        fields=first.fields + second.fields,
        confidence=first.confidence or second.confidence,
        note=first.note or second.note,
    )


def _clash(message: str, place: m.Place) -> DescriptionError:
    return DescriptionError(message, code="mapping-invalid", where=place)
