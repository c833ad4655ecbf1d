"""Validation rules of a template's columns, where they are simple comparisons: evaluated over whole columns.

What is understood, in the words of Access: ``>=0``, ``Between 0 And 27``, ``In ("M","F")``, ``"M" Or "F"``,
``Like "P##*"``, ``Is Null``, ``Is Not Null``, ``Not`` before any of these, and all joined by ``And`` and
``Or``; numbers, days as ``#4/30/2015#`` (month first, as Access stores them), and texts without letter case,
as Access compares them: whether they are equal or like a pattern, never which comes first. A rule that says
anything else is not evaluated (:func:`understood`), and is named to the user. A missing value breaks no rule
but ``Is Not Null``: whether one is required a column says apart.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

#: A test of values: a mask of those that it accepts, null where the value is missing.
Accepts = Callable[[pa.Array], pa.Array]
Kind: TypeAlias = Literal["text", "number", "day"]

_TOKEN = re.compile(
    r"""\s*(?:("(?:[^"]|"")*"|'(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|(#\d{1,2}/\d{1,2}/\d{4}\#)"""
    r"""|(<=|>=|<>|<|>|=|\(|\)|,)|([A-Za-z]+))"""
)
_COMPARE = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "=": pc.equal,
    "<>": pc.not_equal,
}
_EQUAL = ("=", "<>")
#: What a pattern has beside plain characters, as a regular expression has it.
_PATTERN = re.compile(r"\[(!?)([^\]]+)\]|([*?#])|(.)", re.DOTALL)
_WILD = {"*": ".*", "?": ".", "#": "[0-9]"}
#: Whether a letter beyond ASCII lies in a range of letters only the sort order of the file tells: it passes.
_BEYOND = r"\x{80}-\x{10FFFF}"


def kind_of(values: pa.DataType) -> Kind | None:
    """Which kind of literals a rule has for a column of this type; None where rules are not evaluated."""
    if pa.types.is_string(values):
        return "text"
    if pa.types.is_timestamp(values):
        return "day"
    numbers = pa.types.is_integer(values) or pa.types.is_floating(values) or pa.types.is_decimal(values)
    return "number" if numbers else None


def understood(rule: str, kind: Kind) -> Accepts | None:
    """The test that a rule is for a column of a kind; None where it is not a simple one."""
    try:
        parser = _Parser(rule, kind)
        found = parser.alternatives()
        return found if not parser.left else None
    except (LookupError, ValueError):
        return None


class _Parser:
    """Takes a rule apart from left to right; what it does not expect is a ValueError or LookupError."""

    def __init__(self, rule: str, kind: Kind):
        self.kind, self.left = kind, self._tokens(rule)

    @staticmethod
    def _tokens(rule: str) -> list[str]:
        found, at = [], 0
        rule = rule.strip()
        while at < len(rule):
            match = _TOKEN.match(rule, at)
            if match is None:
                raise ValueError("not a simple comparison")
            word = match[0].strip()
            found.append(word.lower() if match[5] else word)
            at = match.end()
        return found

    def _next(self, *words: str) -> bool:
        """Whether these words come next; then they are taken."""
        if tuple(self.left[: len(words)]) != words:
            return False
        del self.left[: len(words)]
        return True

    def _must(self, word: str) -> None:
        if not self._next(word):
            raise ValueError(f"{word} is expected")

    def alternatives(self) -> Accepts:
        return self._joined("or", pc.or_kleene, lambda: self._joined("and", pc.and_kleene, self._term))

    def _joined(self, word: str, join: Callable[..., pa.Array], part: Callable[[], Accepts]) -> Accepts:
        parts = [part()]
        while self._next(word):
            parts.append(part())

        def every(values: pa.Array) -> pa.Array:
            mask, *more = [accepts(values) for accepts in parts]
            for other in more:
                mask = join(mask, other)
            return mask

        return every

    def _term(self) -> Accepts:
        if self._next("not"):
            refused = self._term()
            return lambda values: pc.invert(refused(values))
        if self._next("is", "null"):
            return lambda values: pc.is_null(values)
        if self._next("is", "not", "null"):
            return lambda values: pc.is_valid(values)
        if self._next("between"):
            low = self._literal()
            self._must("and")
            high = self._literal()
            self._must_be_ordered()
            return lambda values: pc.and_kleene(pc.greater_equal(values, low), pc.less_equal(values, high))
        if self._next("in", "("):
            listed = [self._literal()]
            while self._next(","):
                listed.append(self._literal())
            self._must(")")
            return _among(listed)
        if self._next("like"):
            return _like(self._text(), self.kind)
        sign = self.left.pop(0) if self.left[0] in _COMPARE else "="
        literal = self._literal()
        if sign not in _EQUAL:
            self._must_be_ordered()
        return lambda values: _COMPARE[sign](values, literal)

    def _must_be_ordered(self) -> None:
        if self.kind == "text":
            raise ValueError("the order of texts is that of the file")

    def _literal(self) -> str | float:
        if self.kind == "text":
            return self._text()
        word = self.left.pop(0)
        return _moment(word) if self.kind == "day" else float(word)

    def _text(self) -> str:
        word = self.left.pop(0)
        if word[0] not in "\"'":
            raise ValueError("a text is expected")
        return word[1:-1].replace(word[0] * 2, word[0]).lower()


def _moment(word: str) -> float:
    """A day as milliseconds since 1970."""
    if not word.startswith("#"):
        raise ValueError("a day is expected")
    month, day, year = (int(part) for part in word.strip("#").split("/"))
    return (dt.datetime(year, month, day) - dt.datetime(1970, 1, 1)) / dt.timedelta(milliseconds=1)


def _among(listed: list[str | float]) -> Accepts:
    def among(values: pa.Array) -> pa.Array:
        mask = pc.is_in(values, value_set=pa.array(listed, values.type))
        return pc.if_else(pc.is_valid(values), mask, pa.scalar(None, pa.bool_()))

    return among


def _like(pattern: str, kind: Kind) -> Accepts:
    if kind != "text":
        raise ValueError("a number is like no pattern")
    expression = "(?s)^" + "".join(_part(*found.groups()) for found in _PATTERN.finditer(pattern)) + "$"
    pc.match_substring_regex(pa.array([""]), expression)  # what is no pattern is a ValueError here
    return lambda values: pc.match_substring_regex(values, expression)


def _part(but: str | None, among: str | None, wild: str | None, plain: str | None) -> str:
    """A part of a pattern as a regular expression; ``[!a-c]`` is any character but those."""
    if among is not None:
        ranges = re.findall(r"(.)-(.)|(.)", among, re.DOTALL)
        inner = "".join(f"{re.escape(a)}-{re.escape(b)}" if a else re.escape(one) for a, b, one in ranges)
        letters = any(a.isalpha() for a, _, _ in ranges)
        return f"[{'^' if but else ''}{inner}{_BEYOND if letters and not but else ''}]"
    if wild is not None:
        return _WILD[wild]
    if plain == "[":
        raise ValueError("a list that does not end")
    return re.escape(plain or "")


def first_refused(values: pa.Array, accepts: Accepts) -> int | None:
    """The place of the first value that the rule of its column refuses, from 0."""
    if pa.types.is_string(values.type):
        plain = pc.utf8_lower(values)
    else:
        moments = pa.types.is_timestamp(values.type)
        plain = (values.cast(pa.int64()) if moments else values).cast(pa.float64())
    place = pc.index(accepts(plain), False).as_py()
    return None if place < 0 else int(place)
