"""Rows of a worksheet as SpreadsheetML (ECMA-376, part 1, 18.3.1), every cell text or a count.

A text that starts like a formula stays text: it is an inline string, never evaluated, and marked so that
Excel does not take it for one when the cell is edited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NOT_ALLOWED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767
_LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(lines: Iterable[Sequence[Any]], first: int, marked: Callable[[], int]) -> bytes:
    """Lines of at most 26 values as rows from number ``first`` on; a null has no cell.

    ``marked`` gives the number of the style with a quote prefix, and is asked only if a text needs it.
    """

    @lru_cache(maxsize=None, typed=True)  # most values come again and again; 1 is not True
    def cell(value: Any) -> str:
        return _cell(value, marked)

    return "".join(
        f'<row r="{number}">{_cells(line, number, cell)}</row>' for number, line in enumerate(lines, first)
    ).encode("ascii", "xmlcharrefreplace")


def _cells(line: Sequence[Any], number: int, cell: Callable[[Any], str]) -> str:
    return "".join(
        [
            f'<c r="{letter}{number}"{cell(value)}</c>'
            for letter, value in zip(_LETTERS, line)
            if value is not None
        ]
    )


def _cell(value: Any, marked: Callable[[], int]) -> str:
    """A cell from the end of its place to its own end."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f' t="n"><v>{value}</v>'
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = _NOT_ALLOWED.sub("\ufffd", str(value))[:_LONGEST]
    style = f' s="{marked()}"' if text.startswith(_LIKE_A_FORMULA) else ""
    if not text:
        return f'{style} t="inlineStr">'
    space = ' xml:space="preserve"' if text != text.strip() else ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return f'{style} t="inlineStr"><is><t{space}>{escaped}</t></is>'
