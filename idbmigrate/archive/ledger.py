"""The books of an archive: every row of every file is carried, superseded, gone, rejected or dropped.

What came in is counted by the reader, file by file. What became of the rows that stay is counted in the books
of the runs; of the others the consolidation says which file replaces them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

from idbmigrate.archive.consolidate import GONE, STAYS, RowFates
from idbmigrate.archive.spool import Spool
from idbmigrate.archive.unit import Unit
from idbmigrate.errors import BooksError
from idbmigrate.ledger.books import Account, Books
from idbmigrate.ledger.reasons import outcome, weight
from idbmigrate.words import DROPPED, OUTSIDE_PERIOD, REJECTED

#: What became of the rows of one table of one file: ``superseded`` by which files, ``gone`` where the last
#: file of the month holds the record no more, and the reasons of what was rejected or dropped.
FileLine = TypedDict(
    "FileLine",
    {
        "file": str,
        "sha256": str,
        "table": str,
        "in": int,
        "carried": int,
        "rejected": int,
        "dropped": int,
        "superseded": dict[str, int],
        "gone": int,
        "reasons": dict[str, int],
    },
)


@dataclass(repr=False)
class _Rows:
    """What became of the rows of a table that stay: carried in any run, else the weightiest reason."""

    carried: np.ndarray
    weight: np.ndarray
    reason: np.ndarray
    words: list[str] = field(default_factory=list)

    def add(self, account: Account, ids: np.ndarray, published: bool) -> None:
        """Enter the rows of one run, which have these numbers."""
        left = np.zeros(ids.size, bool)
        left[account.uncarried] = True
        if published:
            self.carried[ids[~left]] = True
        numbers, weights = [], []
        for each in account.names:
            if each.word not in self.words:
                self.words.append(each.word)
            numbers.append(self.words.index(each.word))
            # what is only of another month may yet be of one that comes
            weights.append(0 if each.word == OUTSIDE_PERIOD else weight(each.word))
        given = account.reasons
        rows, given = ids[account.uncarried[given >= 0]], given[given >= 0]
        own, heavy = np.array(numbers, np.int32)[given], np.array(weights, np.int8)[given]
        better = heavy > self.weight[rows]
        self.weight[rows[better]], self.reason[rows[better]] = heavy[better], own[better]


class ArchiveBooks:
    """The books of one unit: :meth:`add` a run after the other, then :meth:`lines`."""

    def __init__(self, unit: Unit, fates: RowFates, spool: Spool):
        self.unit, self.fates, self.spool = unit, fates, spool
        self._rows = {
            label: _Rows(np.zeros(n, bool), np.full(n, -1, np.int8), np.full(n, -1, np.int32))
            for label, n in spool.rows.items()
        }

    def add(self, books: Books, ids: dict[str, np.ndarray], published: bool = True) -> None:
        """Enter a run over rows of the unit that have these numbers; it carried them if it was published."""
        for account in books.rows:
            if account.table in self._rows:
                self._rows[account.table].add(account, ids[account.table], published)

    def lines(self) -> list[FileLine]:
        """One line a file and table; ``BooksError`` (``books-open``) where a row is not accounted for."""
        found = []
        for label, by_file in self.fates.fates.items():
            start = 0
            for file in self.unit.files:
                if file.number not in by_file:
                    continue
                fates = by_file[file.number]
                staying = int(np.count_nonzero(fates == STAYS)) if file in self.unit.winners else 0
                line = self._line(file.number, label, fates, slice(start, start + staying))
                start += staying
                expected = file.submission.tables.get(label, len(fates))
                self._balance(line, expected)
                found.append(line)
        return sorted(found, key=lambda line: (line["file"], line["sha256"], line["table"]))

    def _line(self, number: int, label: str, fates: np.ndarray, mine: slice) -> FileLine:
        by = Counter(fates[fates >= 0].tolist())
        reasons: Counter[str] = Counter()
        carried = 0
        if mine.stop > mine.start:
            rows = self._rows[label]
            carried = int(np.count_nonzero(rows.carried[mine]))
            left = rows.reason[mine][~rows.carried[mine]]
            reasons.update({rows.words[word]: n for word, n in Counter(left[left >= 0].tolist()).items()})
            outside = int(np.count_nonzero(left < 0))
            if outside and self.by_month:
                reasons[OUTSIDE_PERIOD] += outside
        totals = {REJECTED: 0, DROPPED: 0}
        for word, count in reasons.items():
            totals[outcome(word)] += count
        return {
            "file": self.unit.names[number],
            "sha256": self.unit.files[number].submission.sha256,
            "table": label,
            "in": len(fates),
            "carried": carried,
            "rejected": totals[REJECTED],
            "dropped": totals[DROPPED],
            "superseded": {self.unit.names[file]: count for file, count in sorted(by.items())},
            "gone": int(np.count_nonzero(fates == GONE)),
            "reasons": dict(sorted(reasons.items())),
        }

    #: Whether the runs are over months: rows of none of them are outside all.
    by_month = False

    @staticmethod
    def _balance(line: FileLine, expected: int) -> None:
        told = line["carried"] + line["rejected"] + line["dropped"] + line["gone"]
        told += sum(line["superseded"].values())
        if line["in"] != expected or told != expected:
            raise BooksError(
                f"{expected - told} of {expected} rows are neither carried nor superseded nor have a reason",
                code="books-open",
                where=f"{line['file']}: {line['table']}",
            )
