"""Which rows a month is converted from: those of every patient who has anything to do with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.archive.consolidate import Consolidation
from idbmigrate.compile import consolidation as c
from idbmigrate.compile import together as t
from idbmigrate.datasets.model import Dataset
from idbmigrate.mapping import model as m

#: The group of a row that names nothing.
NOBODY = -1


@dataclass(repr=False)
class Groups:
    """Records that hang together, by number.

    ``first`` and ``last`` month (12 times the year, and the month) in which they have anything to do; ``of``
    each row, by table and file, the group, :data:`NOBODY` for one that is of none: it is looked at with every
    month. ``months`` (``YYYY-MM``) are all in which there is a date.
    """

    first: np.ndarray
    last: np.ndarray
    of: dict[str, dict[int, np.ndarray]]
    months: list[str]

    def __repr__(self) -> str:
        return f"<Groups: {self.first.size:,}>"


def groups(work: Consolidation, mapping: m.Mapping, target: Dataset) -> Groups:
    """The groups of a unit whose rows were consolidated."""
    store, winners = work.store, work.winners
    pairs = [query for known in work.known.values() for query in t.links(known, work.sources, winners)]
    store.keep("links", c.together(pairs))
    store.keep("nodes", t.nodes("links"))
    numbered = store.run(t.numbered_links("links", "nodes"))
    one, two = (numbered[name].cast(pa.int64()).to_numpy() - 1 for name in (t.NODE, t.OTHER))
    whose = connected(one, two)
    store.add("groups", {t.NUMBER: pa.array(np.arange(1, whose.size + 1)), t.WHO: pa.array(whose)})
    store.keep("who", t.who_is_who("nodes", "groups"))
    of: dict[str, dict[int, np.ndarray]] = {}
    touches, ends = [], t.ends_of(mapping, target)
    for name, known in work.known.items():
        relation = f"who_{name}"
        store.keep(relation, t.groups_of_rows(known, work.sources, "who", winners))
        of[name] = _by_file(work, name, store.run(c.all_rows(relation)))
        if known.rule.parents:
            own = [end for end in ends.get(name, ()) if _can_tell(known, end)]
            touches += t.months_of(known, relation, work.dates[name], own)
    months: list[str] = []
    count = int(whose.max(initial=-1)) + 2  # the last place is that of rows of no group
    first, last = np.zeros(count, np.int64), np.zeros(count, np.int64)
    if touches:
        store.keep("touches", c.together(touches))
        found = store.run(t.spans("touches"))
        who = found[t.WHO].cast(pa.int64()).to_numpy()
        first[who], last[who] = (_numbers(found[name]) for name in (t.FIRST, t.LAST))
        months = store.run(t.different_months("touches"))[t.MONTH].to_pylist()
    months = sorted(month for month in months if month != t.NEVER)
    if months:  # what has no date is looked at with the first month, so that it has its reason
        dateless = (first == 0) | (first == number_of(t.NEVER))
        last[first == 0] = number_of(months[0])
        first[dateless] = number_of(months[0])
        last[NOBODY] = number_of(months[-1])
    return Groups(first, last, of, months)


def _can_tell(known: c.Known, end: m.Expression) -> bool:
    return {reference.name for reference in m.references(end)} <= set(known.columns)


def _by_file(work: Consolidation, table: str, found: pa.Table) -> dict[int, np.ndarray]:
    """The groups of rows, for each file in the order of its rows."""
    of = {
        file.number: np.full(file.tables[table].rows, NOBODY, np.int64)
        for file in work.unit.winners
        if table in file.tables
    }
    rows = found[c.ROW].cast(pa.int64()).to_numpy()
    who = pc.fill_null(found[t.WHO].cast(pa.int64()), NOBODY).to_numpy()
    for number, mine in of.items():
        there = (rows >> 32) == number
        mine[rows[there] & (c.ROWS - 1)] = who[there]
    return of


def connected(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """For each number from 0 the group that it is of: those that pairs connect, numbered from 0."""
    group = np.arange(max(one.max(initial=-1), two.max(initial=-1)) + 1)
    while True:
        least = np.minimum(group[one], group[two])
        again = group.copy()
        for side in (one, two):
            np.minimum.at(again, group[side], least)
            np.minimum.at(again, side, least)
        again = again[again]
        if np.array_equal(again, group):
            return np.unique(group, return_inverse=True)[1]
        group = again


def _numbers(months: pa.ChunkedArray) -> np.ndarray:
    year, month = (pc.utf8_slice_codeunits(months, *part).cast(pa.int64()) for part in ((0, 4), (5, 7)))
    return pc.add(pc.multiply(year, 12), month).to_numpy()


def number_of(month: str) -> int:
    """A month as a number: 12 times the year, and the month."""
    return int(month[:4]) * 12 + int(month[5:7])
