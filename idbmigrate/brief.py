"""A short ``repr`` for objects that hold much, with no value of a record: for debuggers and logs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sized
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)
#: Characters of a name that are shown.
_SHOWN = 60


def brief(cls: _Class) -> _Class:
    """Class decorator for a dataclass: its first field where that is a name, and how much the others hold.

    >>> @brief
    ... @dataclasses.dataclass
    ... class Shelf:
    ...     name: str
    ...     books: list
    >>> Shelf("maths", [1, 2])
    <Shelf 'maths': 2 books>
    """
    first, *others = [field.name for field in dataclasses.fields(cls)]

    def __repr__(self: object) -> str:
        name = getattr(self, first)
        title = f" {name[:_SHOWN]!r}" if isinstance(name, str) else ""
        rest = others if isinstance(name, str) else [first, *others]
        held = ((each, getattr(self, each)) for each in rest)
        counts = [
            f"{len(value):,} {each.strip('_')}"
            for each, value in held
            if isinstance(value, Sized) and not isinstance(value, (str, bytes)) and len(value)
        ]
        return f"<{cls.__name__}{title}{': ' if counts else ''}{', '.join(counts[:6])}>"

    setattr(cls, "__repr__", __repr__)  # noqa: B010  (a type checker knows no such attribute of a type)
    return cls
