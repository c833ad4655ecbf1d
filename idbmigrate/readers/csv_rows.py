"""Where the rows of a CSV file begin and end, and the proof that they can be told.

The grammar is that of RFC 4180 and nothing beside it: a quote opens a field at its beginning, closes it
before a delimiter or the end of the line, and is doubled inside. Whatever else a file does with quotes
shifts values into other columns or swallows rows, in one reader or another, and is an error here. All is
done on whole pieces of the file, so that the proof costs less than the reading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idbmigrate.errors import SourceError

QUOTE, LF, CR = 0x22, 0x0A, 0x0D
#: Bytes of the longest row and of the longest value; columns of a table.
MAX_ROW, MAX_VALUE, MAX_COLUMNS = 4 << 20, 1 << 20, 1024
_PIECE = 32 << 20


@dataclass(frozen=True)
class Rows:
    """The rows of a file, its header among them, blank lines left out.

    ``starts``: where each begins, in bytes. ``lines``: the number of the line on which it begins, from 1.
    ``widths``: how many values it has. ``doubtful``: which of them span lines that would be whole rows by
    themselves. ``all_quoted``: whether every value stands in quotes. ``broken``: whether a value holds the
    end of a line.
    """

    starts: np.ndarray
    lines: np.ndarray
    widths: np.ndarray
    doubtful: np.ndarray
    all_quoted: bool
    broken: bool


def find_rows(content: bytes, delimiter: str, where: str) -> Rows:
    """The rows of the text of a file, as UTF-8. Raises SourceError ``csv-quotes`` or ``csv-too-large``."""
    data = np.frombuffer(content, np.uint8)
    begin, line, pieces = 0, 1, []
    while begin < len(data):
        pieces.append(_Piece(data, begin, ord(delimiter), line, where))
        begin, line = pieces[-1].end, pieces[-1].next_line
    blank = np.concatenate([each.blank for each in pieces]) if pieces else np.ones(0, bool)
    if blank.all():
        raise SourceError("it has no header row", code="empty-file", where=where)
    starts, lines, widths, last, raw_first, raw_last = (
        np.concatenate(each) for each in zip(*(piece.columns for piece in pieces), strict=True)
    )
    header = int(blank.argmin())
    kept = ~blank
    if widths[header] == 1:  # a blank line is a row whose only value is missing
        kept[header:] = True
    wide = widths[header] - 1
    doubtful = (last > lines) & (raw_first >= wide) & (raw_last >= wide)
    quoted = sum(each.quoted for each in pieces)
    broken = bool((last > lines).any())
    all_quoted = quoted == int(widths[kept].sum())
    return Rows(starts[kept], lines[kept], widths[kept], doubtful[kept], all_quoted, broken)


class _Piece:
    """The rows of one piece of a file that lie in it whole."""

    def __init__(self, data: np.ndarray, begin: int, delimiter: int, line: int, where: str):
        self.data, self.begin, self.delimiter, self.line, self.where = data, begin, delimiter, line, where
        stop = min(begin + _PIECE, len(data))
        self.final = stop == len(data)
        if not self.final and data[stop - 1] == CR:
            stop -= 1  # whether it ends a line by itself the next byte says
        body = data[begin:stop]
        quote = body == QUOTE
        self.quotes = np.flatnonzero(quote)
        self.inside = np.logical_xor.accumulate(quote) if self.quotes.size else quote
        lf, cr = body == LF, body == CR
        alone = cr & ~np.append(lf[1:], False)
        self.breaks = np.flatnonzero(lf | alone)
        delimiters = np.flatnonzero(body == delimiter)
        ends = self._outside(self.breaks)
        if self.final:
            self._closed(body)
            if not ends.size or ends[-1] != len(body) - 1:
                ends = np.append(ends, len(body))
        self._check_quotes(body)
        if not ends.size:
            raise self._too_long(0, MAX_ROW)
        self.end = begin + int(min(ends[-1] + 1, len(body)))
        self._measure(body, ends, delimiters)

    def _outside(self, places: np.ndarray) -> np.ndarray:
        """The places that do not stand within quotes."""
        return places[~self.inside[places]] if self.quotes.size else places

    def _measure(self, body: np.ndarray, ends: np.ndarray, delimiters: np.ndarray) -> None:
        """The rows as arrays: where they begin, on which lines they lie, how many delimiters those hold."""
        starts = np.append(0, ends[:-1] + 1)
        with_return = (ends > starts) & (ends < len(body)) & (body[np.maximum(ends - 1, 0)] == CR)
        stops = ends - with_return
        longest = int((stops - starts).max(initial=0))
        if longest > MAX_ROW:
            raise self._too_long(int(starts[(stops - starts).argmax()]), MAX_ROW)
        apart = self._outside(delimiters)
        if longest > MAX_VALUE:
            self._check_values(np.sort(np.concatenate([apart, ends])))
        widths = np.diff(np.searchsorted(apart, ends), prepend=0) + 1
        first, last = np.searchsorted(self.breaks, starts), np.searchsorted(self.breaks, stops)
        in_first, in_last = np.zeros((2, len(starts)), np.int64)
        if (last > first).any():
            after = np.searchsorted(delimiters, self.breaks[np.minimum(first, len(self.breaks) - 1)])
            before = np.searchsorted(delimiters, self.breaks[np.maximum(last - 1, 0)])
            in_first = after - np.searchsorted(delimiters, starts)
            in_last = np.searchsorted(delimiters, stops) - before
        self.blank = stops == starts
        self.columns = (starts + self.begin, first + self.line, widths, last + self.line, in_first, in_last)
        self.quoted = int((self.opens <= ends[-1]).sum())
        self.next_line = self.line + int(np.searchsorted(self.breaks, ends[-1], side="right"))

    def _closed(self, body: np.ndarray) -> None:
        """The last quote of a file must close something."""
        if self.quotes.size % 2:
            self._check_quotes(body)  # an earlier one may be the culprit
            raise self._quote(int(self.quotes[-1]), "a quote is never closed")

    def _check_quotes(self, body: np.ndarray) -> None:
        """Each quote must open a field at its beginning, close it at its end, or be doubled."""
        opened, closed = self.quotes[0::2], self.quotes[1::2]
        before = np.isin(body[np.maximum(opened - 1, 0)], (self.delimiter, LF, CR)) | (opened == 0)
        self.opens = opened[before]
        doubled = np.zeros(len(opened), bool)
        doubled[1:] = opened[1:] == closed[: len(opened) - 1] + 1
        after = self.data[np.minimum(closed + 1 + self.begin, len(self.data) - 1)]
        behind = np.isin(after, (self.delimiter, LF, CR, QUOTE)) | (closed + 1 + self.begin == len(self.data))
        wrong = np.concatenate([opened[~(before | doubled)], closed[~behind]])
        if wrong.size:
            raise self._quote(int(wrong.min()), "a quote stands inside a value, or text behind a closing one")

    def _check_values(self, bounds: np.ndarray) -> None:
        sizes = np.diff(bounds, prepend=-1)
        if sizes.size and sizes.max() > MAX_VALUE:
            raise self._too_long(int(bounds[sizes.argmax()]), MAX_VALUE, "a value")

    def _line_of(self, place: int) -> int:
        return self.line + int(np.searchsorted(self.breaks, place))

    def _quote(self, place: int, message: str) -> SourceError:
        return SourceError(
            message,
            code="csv-quotes",
            where=f"{self.where}: line {self._line_of(place)}",
            hint="export it again with each text in quotes and quotes inside doubled",
        )

    def _too_long(self, place: int, limit: int, what: str = "a row") -> SourceError:
        return SourceError(
            f"{what} is longer than {limit:,} bytes; a quote may be left open",
            code="csv-too-large",
            where=f"{self.where}: line {self._line_of(place)}",
            hint="export it again",
        )
