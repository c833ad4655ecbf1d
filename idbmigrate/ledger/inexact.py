"""What was carried less exactly: of a value that the books call carried, not all may be there.

A detailed code becomes its group, a moment becomes its day, a local second character of a code is cut off.
Such values are counted here, apart from the books. A value that reaches several target columns counts only
where none of them has all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.compile.plan import LOOKUP
from idbmigrate.execution.run import as_numpy
from idbmigrate.ledger.lineage import Lineage, LineagePath
from idbmigrate.mapping.codes import cleaned
from idbmigrate.mapping.model import Lookup, accepted
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.staging.tables import UNSEEN, StagedTable

if TYPE_CHECKING:
    from idbmigrate.ledger.books import Account

#: What is left out of a value, beside what a lookup leaves out: its time of day, its day, all characters but
#: the first. Its spelling alone loses fractions of a second, and blanks and unseen characters at the ends.
WITHOUT_TIME, WITHOUT_DAY, CUT, ROUNDED, TRIMMED = "without-time", "without-day", "cut", "rounded", "trimmed"
#: Losses of the spelling alone: they come last, and no line of the ledger counts them.
SPELLING = (ROUNDED, TRIMMED)

_TIMED = r"^[^ T]{8,10}[T ]+[0-9]"
_FULL_DAY = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4})"
_FRACTION = r":[0-9]{2}[.][0-9]*[1-9]"
#: What the functions of dates and times leave out of a value that has it.
_LEFT_OUT = {
    "date": (WITHOUT_TIME,),
    "month": (WITHOUT_TIME, WITHOUT_DAY),
    "month_start": (WITHOUT_TIME, WITHOUT_DAY),
    "month_end": (WITHOUT_TIME, WITHOUT_DAY),
    "time": (WITHOUT_DAY,),
    "time_of_day": (WITHOUT_DAY,),
}


class InexactLine(TypedDict):
    """How many carried values of a source column are not all in the target, and what is not.

    ``how`` is the equivalence of the code that a ``lookup`` gave (``broader``, ``narrower``, ``related``), or
    one of ``without-time``, ``without-day``, ``cut``, ``rounded``, ``trimmed``.
    """

    table: str
    column: str
    lookup: str | None
    how: str
    values: int


@dataclass(frozen=True)
class _Column:
    """One source column; ``uncarried`` are the positions of the values that were not carried."""

    table: StagedTable
    name: str
    uncarried: np.ndarray

    @cached_property
    def carried(self) -> np.ndarray:
        """Mask over the rows whose value was carried."""
        mask = as_numpy(pc.is_valid(self.table.raw[self.name])).copy()
        mask[self.uncarried] = False
        return mask

    def where(self, holds: Callable[[pa.Array], pa.Array], raw: bool = False) -> np.ndarray:
        """Mask over the rows: the value is carried, and is one for which this holds."""
        values = (
            (self.table.raw if raw else self.table.clean)[self.name].unify_dictionaries().combine_chunks()
        )
        coded = pa.types.is_dictionary(values.type)
        found = holds(values.dictionary if coded else values)
        if not pc.any(found).as_py():
            return np.zeros(len(values), bool)
        found = found.take(values.indices) if coded else found
        return self.carried & as_numpy(pc.fill_null(found, False))


def carried_inexactly(
    mapping: MappingFile,
    staged: Mapping[str, StagedTable],
    lineage: Lineage,
    accounts: Iterable[Account],
    accept: str,
) -> list[InexactLine]:
    """One line a source column and kind of loss, most values first; accounts get their number of values."""
    codes = {name: _inexact(lookup, accept) for name, lookup in mapping.lookups.items()}
    lines: list[InexactLine] = []
    for account in accounts:
        paths = lineage.found.get((account.table, account.column), ())
        if not account.carried or not paths:
            continue
        column = _Column(staged[account.table], account.column, account.uncarried)
        ways = [(path, list(_losses(column, path, mapping, codes))) for path in paths]
        lost = _lost_on_all(column, ways, lineage) if any(losses for _, losses in ways) else []
        if lost:
            rows = _any([each.rows for each in lost], column.carried.size)
            account.less_exactly = int(np.count_nonzero(rows))
        for each in (*lost, *_respelled(column)):
            if count := int(np.count_nonzero(each.rows)):
                lines.append(
                    {
                        "table": account.table,
                        "column": account.column,
                        "lookup": each.lookup,
                        "how": each.how,
                        "values": count,
                    }
                )
    return sorted(lines, key=_weight)


def _weight(line: InexactLine) -> tuple[bool, int, str, str, str]:
    return line["how"] in SPELLING, -line["values"], line["table"], line["column"], line["lookup"] or ""


def _inexact(lookup: Lookup, accept: str) -> dict[str, str]:
    """Code -> its equivalence, of those that the run uses and that do not say the same."""
    return {
        row.code: row.equivalence
        for row in lookup.rows
        if row.to is not None and row.equivalence != "equal" and accepted(row.confidence, accept)
    }


# -- what one way into the target leaves out -------------------------------------------------------


@dataclass(frozen=True)
class _Loss:
    """What is left out of the values of some rows, and the lookup that is to blame."""

    how: str
    rows: np.ndarray
    lookup: str | None = None

    @property
    def part(self) -> str:
        """The part of the value that is lost: its code, by whichever lookup, or what the word says."""
        return self.how if self.lookup is None or self.how == CUT else "code"


def _losses(
    column: _Column, path: LineagePath, mapping: MappingFile, codes: Mapping[str, Mapping[str, str]]
) -> Iterator[_Loss]:
    """What a way leaves out of which carried values."""
    steps = path.contribution.steps if path.contribution else ()
    read = next((step for step in steps if step in _LEFT_OUT), None)
    found = []
    if read is not None and column.name not in column.table.days:
        found = [_Loss(how, _having(column, how)) for how in _LEFT_OUT[read]]
    for name in (step.removeprefix(LOOKUP) for step in steps if step.startswith(LOOKUP)):
        found += _of_codes(column, mapping.lookups[name], codes[name])
    yield from (loss for loss in found if loss.rows.any())


def _having(column: _Column, how: str) -> np.ndarray:
    """Mask over the rows whose value has what is left out."""
    if how == WITHOUT_TIME:
        return column.where(lambda values: pc.match_substring_regex(values, _TIMED))
    dated = column.where(lambda values: pc.match_substring_regex(values, _FULL_DAY))
    return _nowhere_else(column, dated) if dated.any() else dated


def _nowhere_else(column: _Column, dated: np.ndarray) -> np.ndarray:
    """Those of the rows whose day no other column of the row says: a time beside its date needs none."""
    clean, left = column.table.clean, np.flatnonzero(dated)
    others = [name for name in clean.column_names if name != column.name]
    for name in sorted(others, key=lambda name: name not in column.table.days):
        if not left.size:
            break
        own, other = (
            pc.utf8_slice_codeunits(clean[each].take(pa.array(left)).cast(pa.string()), 0, 10)
            for each in (column.name, name)
        )
        left = left[~as_numpy(pc.fill_null(pc.equal(own, other), False))]
    mask = np.zeros_like(dated)
    mask[left] = True
    return mask


def _of_codes(column: _Column, lookup: Lookup, codes: Mapping[str, str]) -> list[_Loss]:
    """Codes whose target says less, more or something near, and codes of which a part was cut off."""
    found = []
    for word in dict.fromkeys(codes.values()):
        of_word = {code for code, each in codes.items() if each == word}
        found.append(_Loss(word, column.where(partial(_cleaned_in, lookup, of_word)), lookup.name))
    if any(how == "first_character" for how, _ in lookup.clean):
        rows = column.where(lambda values: pc.greater(pc.utf8_length(values), 1))
        found.append(_Loss(CUT, rows, lookup.name))
    return found


def _cleaned_in(lookup: Lookup, codes: Collection[str], values: pa.Array) -> pa.Array:
    different = pc.unique(values).drop_null()
    inexact = [text for text in different.to_pylist() if cleaned(lookup, text) in codes]
    return pc.is_in(values, pa.array(inexact, pa.string()))


def _lost_on_all(
    column: _Column, ways: list[tuple[LineagePath, list[_Loss]]], lineage: Lineage
) -> list[_Loss]:
    """What no way has: a part of a value that is lost on one way may have come on another."""
    there: dict[str, np.ndarray] = {loss.part: ~column.carried for _, losses in ways for loss in losses}
    lost: list[_Loss] = []
    for path, losses in ways:
        mine = np.zeros(column.carried.size, bool)
        mine[lineage.published(path)] = True
        for part in there:
            gone = _any([loss.rows for loss in losses if loss.part == part], mine.size)
            there[part] = there[part] | mine & ~gone
        lost += [replace(loss, rows=loss.rows & mine) for loss in losses]
    found: dict[tuple[str, str | None], _Loss] = {}
    for loss in lost:  # each value once, on the account of the first lookup that is to blame
        rows = loss.rows & ~there[loss.part]
        there[loss.part] = there[loss.part] | rows
        before = found.get((loss.how, loss.lookup), replace(loss, rows=np.zeros_like(rows)))
        found[loss.how, loss.lookup] = replace(loss, rows=before.rows | rows)
    return list(found.values())


def _any(masks: Sequence[np.ndarray], size: int) -> np.ndarray:
    return np.logical_or.reduce([np.zeros(size, bool), *masks])


# -- what only the spelling loses ------------------------------------------------------------------


def _respelled(column: _Column) -> Iterator[_Loss]:
    """Fractions of a second that were rounded, and blanks and unseen characters that were trimmed."""
    if column.name not in column.table.cleaned:
        return
    yield _Loss(ROUNDED, column.where(lambda values: pc.match_substring_regex(values, _FRACTION), raw=True))
    yield _Loss(TRIMMED, column.where(_trimmed, raw=True))


def _trimmed(values: pa.Array) -> pa.Array:
    return pc.not_equal(pc.utf8_trim(values, characters=UNSEEN), values)
