"""Validation rules of a template's columns, where they are simple comparisons: evaluated over whole columns.

What is understood, in the words of Access: ``>=0``, ``Between 0 And 27``, ``In ("M","F")``, ``"M" Or "F"``,
``Is Null``, ``Is Not Null``, and such comparisons joined by ``And`` and ``Or``; numbers, and for texts only
whether they are equal, without letter case, as Access compares them. A rule that says anything else is not
evaluated (:func:`understood`), and is named to the user. A missing value breaks no rule but ``Is Not Null``:
whether one is required a column says apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

#: A test of values: a mask of those that it accepts, null where the value is missing.
Accepts = Callable[[pa.Array], pa.Array]

_TOKEN = re.compile(r"""\s*(?:("(?:[^"]|"")*")|(-?\d+(?:\.\d+)?)|(<=|>=|<>|<|>|=|\(|\)|,)|([A-Za-z]+))""")
_COMPARE = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "=": pc.equal,
    "<>": pc.not_equal,
}
_EQUAL = ("=", "<>")


def understood(rule: str, text: bool) -> Accepts | None:
    """The test that a rule is for a column of text, or else of numbers; None where it is not a simple one."""
    try:
        parser = _Parser(rule, text)
        found = parser.alternatives()
        return found if not parser.left else None
    except (LookupError, ValueError):
        return None


class _Parser:
    """Takes a rule apart from left to right; what it does not expect is a ValueError or LookupError."""

    def __init__(self, rule: str, text: bool):
        self.text, self.left = text, self._tokens(rule)

    @staticmethod
    def _tokens(rule: str) -> list[str]:
        found, at = [], 0
        rule = rule.strip()
        while at < len(rule):
            match = _TOKEN.match(rule, at)
            if match is None:
                raise ValueError("not a simple comparison")
            word = match[0].strip()
            found.append(word.lower() if match[4] else word)
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
        if self._next("is", "null"):
            return lambda values: pc.is_null(values)
        if self._next("is", "not", "null"):
            return lambda values: pc.is_valid(values)
        if self._next("between"):
            low = self._literal()
            self._must("and")
            high = self._literal()
            if self.text:
                raise ValueError("the order of texts is that of the file")
            return lambda values: pc.and_kleene(pc.greater_equal(values, low), pc.less_equal(values, high))
        if self._next("in", "("):
            listed = [self._literal()]
            while self._next(","):
                listed.append(self._literal())
            self._must(")")
            return _among(listed)
        sign = self.left.pop(0) if self.left[0] in _COMPARE else "="
        literal = self._literal()
        if self.text and sign not in _EQUAL:
            raise ValueError("the order of texts is that of the file")
        return lambda values: _COMPARE[sign](values, literal)

    def _literal(self) -> str | float:
        word = self.left.pop(0)
        if self.text:
            if not word.startswith('"'):
                raise ValueError("a text is expected")
            return word[1:-1].replace('""', '"').lower()
        return float(word)


def _among(listed: list[str | float]) -> Accepts:
    def among(values: pa.Array) -> pa.Array:
        mask = pc.is_in(values, value_set=pa.array(listed, values.type))
        return pc.if_else(pc.is_valid(values), mask, pa.scalar(None, pa.bool_()))

    return among


def first_refused(values: pa.Array, accepts: Accepts) -> int | None:
    """The place of the first value that the rule of its column refuses, from 0."""
    plain = pc.utf8_lower(values) if pa.types.is_string(values.type) else values.cast(pa.float64())
    place = pc.index(accepts(plain), False).as_py()
    return None if place < 0 else int(place)
