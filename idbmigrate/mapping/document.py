"""A YAML document under the hand of a parser: values with their places, and complaints that name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from idbmigrate.documents import yaml as yamlio
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping.model import Place

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
Word = TypeVar("Word", bound=str)
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


class Node:
    """One value of a YAML document, its path, and the document it belongs to."""

    __slots__ = ("data", "file", "marks", "path")

    def __init__(self, data: yamlio.Data, path: tuple[str | int, ...], file: str, marks: yamlio.Marks):
        self.data, self.path, self.file, self.marks = data, path, file, marks

    @classmethod
    def load(cls, path: Path, shown: str) -> Node:
        """Root of the file at ``path``; ``shown`` is the name that complaints use."""
        try:
            data, marks = yamlio.load_marked(path)
        except DescriptionError as error:
            line = (error.where or "").rpartition(":")[2]
            where = f"{shown}:{line}" if line.isdigit() else shown
            raise DescriptionError(error.message, code=error.code, where=where) from None
        return cls(data, (), shown, marks)

    @property
    def place(self) -> Place:
        path = self.path
        while path and path not in self.marks:
            path = path[:-1]
        line = self.marks.get(path, (1, 1))[0]
        shown = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return Place(self.file, line, shown)

    def error(self, message: str, hint: str | None = None) -> DescriptionError:
        return DescriptionError(message, code="mapping-invalid", where=str(self.place), hint=hint)

    # -- shapes ------------------------------------------------------------------------------

    @property
    def is_text(self) -> bool:
        return isinstance(self.data, str)

    @property
    def is_list(self) -> bool:
        return isinstance(self.data, list)

    @property
    def is_map(self) -> bool:
        return isinstance(self.data, dict)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.data, dict) and key in self.data

    def __getitem__(self, key: str | int) -> Node:
        data: Any = self.data
        return Node(data[key], (*self.path, key), self.file, self.marks)

    def get(self, key: str) -> Node | None:
        """The entry of that name, ``None`` where it is absent or empty."""
        return self[key] if isinstance(self.data, dict) and self.data.get(key) is not None else None

    def need(self, key: str) -> Node:
        found = self.get(key)
        if found is None:
            raise self.error(f"{key!r} is missing")
        return found

    def names(self) -> list[str]:
        """The names of a mapping, in their order; none where the value is something else."""
        return list(self.data) if isinstance(self.data, dict) else []

    def items(self) -> Iterator[tuple[str, Node]]:
        """Entries of a mapping; nothing where the value is empty."""
        if self.data is None:
            return
        if not isinstance(self.data, dict):
            raise self.error("a mapping of names is expected here")
        for key in self.data:
            yield key, self[key]

    def entries(self) -> list[Node]:
        """Items of a list."""
        if not isinstance(self.data, list):
            raise self.error("a list is expected here")
        return [self[i] for i in range(len(self.data))]

    def only(self, *allowed: str) -> None:
        """Refuse keys other than these."""
        import difflib

        for key, child in self.items():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                raise child.error(
                    f"{key!r} is not known here", hint=f"did you mean {near[0]!r}?" if near else None
                )

    # -- values ------------------------------------------------------------------------------

    def text(self) -> str:
        if not isinstance(self.data, str):
            raise self.error("a text is expected here")
        return self.data

    def texts(self) -> tuple[str, ...]:
        return tuple(entry.text() for entry in self.entries())

    def name(self) -> str:
        text = self.text()
        if not _NAME.match(text):
            raise self.error("a name (letters, digits and _) is expected here")
        return text

    def one_of(self, choices: Iterable[Word]) -> Word:
        choices = tuple(choices)
        text = "null" if self.data is None and "null" in choices else self.text()
        for choice in choices:
            if choice == text:
                return choice
        raise self.error(f"one of {', '.join(choices)} is expected here")

    def whole(self, largest: int) -> int:
        text = self.text()
        if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= largest:
            raise self.error(f"a whole number from 0 to {largest} is expected here")
        return int(text)

    def flag(self) -> bool:
        return _FLAGS[self.one_of(_FLAGS)]

    def text_at(self, key: str, default: str | None = None) -> str | None:
        found = self.get(key)
        return default if found is None else found.text()
