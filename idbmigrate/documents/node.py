"""A document under the hand of a reader: values with their places, and errors that name them.

Every description (data set, mapping, overlay, rules, measures, calendar) is read through :class:`Node` and
the readers of :mod:`idbmigrate.documents.records`, so that each error names file, line and path, and the near
name of one that is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from idbmigrate.documents.place import Data, Marks, Path, Place, shown
from idbmigrate.errors import DescriptionError, near, nearest

Word = TypeVar("Word", bound=str)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Document:
    """A file as errors show it, their code, and where its parts stand (none in a compiled form)."""

    file: str
    code: str
    marks: Marks

    def place(self, path: Path) -> Place:
        """The place of a part, or of what holds it."""
        holder = path
        while holder and holder not in self.marks:
            holder = holder[:-1]
        return Place(self.file, self.marks.get(holder, (1, 1))[0], shown(path))

    def places(self) -> dict[Path, Place]:
        """The places of all parts."""
        return {path: self.place(path) for path in self.marks}

    def error(self, message: str, path: Path, hint: str | None = None) -> DescriptionError:
        """An error at a part."""
        return DescriptionError(message, code=self.code, where=self.place(path), hint=hint)


class Node:
    """One value of a document, and its path."""

    __slots__ = ("data", "document", "path")

    def __init__(self, data: Data, document: Document, path: Path = ()):
        self.data, self.document, self.path = data, document, path

    @classmethod
    def load(cls, path: str | os.PathLike[str], code: str, name: str | None = None) -> Node:
        """Root of the YAML file at ``path``; ``name`` is what errors call it, ``code`` theirs.

        Raises ``UsageError`` where the file cannot be opened, DescriptionError ``yaml-syntax``.
        """
        from idbmigrate.documents.yaml import load_marked  # with PyYAML, which compiled packs do without

        name = os.fspath(path) if name is None else name
        data, marks = load_marked(path, name)
        return cls(data, Document(name, code, marks))

    @property
    def place(self) -> Place:
        return self.document.place(self.path)

    @property
    def key(self) -> str:
        """The name under which the value stands."""
        return str(self.path[-1]) if self.path else ""

    def error(self, message: str, hint: str | None = None) -> DescriptionError:
        return self.document.error(message, self.path, hint)

    def unknown(self, message: str, name: str, known: Iterable[str]) -> DescriptionError:
        """The error for a name that is not among those that are known, with those near it."""
        known = list(known)
        return self.error(message, nearest(name, known) if known else None)

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
        return Node(data[key], self.document, (*self.path, key))

    def get(self, key: str) -> Node | None:
        """The entry of that name, ``None`` where it is absent or empty."""
        return self[key] if isinstance(self.data, dict) and self.data.get(key) is not None else None

    def at(self, key: str) -> Node:
        """The entry of that name, or the mapping itself where it has none: what an error points to."""
        return self[key] if self.is_map and key in self.names() else self

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
        """Refuse keys other than these, and a value that is no mapping."""
        for key in self.data if isinstance(self.data, dict) else ():
            if key not in allowed:
                raise self[key].unknown(f"{key!r} is not known here", key, allowed)
        if self.data is not None and not isinstance(self.data, dict):
            raise self.error("a mapping of names is expected here")

    # -- values ------------------------------------------------------------------------------

    def text(self) -> str:
        if not isinstance(self.data, str):
            raise self.error("a text is expected here")
        return self.data

    def texts(self) -> tuple[str, ...]:
        return tuple(entry.text() for entry in self.entries())

    def words(self) -> tuple[str, ...]:
        """Words of a text, or a list of them."""
        return tuple(self.data.split()) if isinstance(self.data, str) else self.texts()

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
        raise self.error(f"one of {', '.join(choices)} is expected here", near(text, choices))

    def known(self, names: Collection[str] | Mapping[str, object], what: str) -> str:
        """A text that is one of some names of ``what`` (``code list``)."""
        text = self.text()
        if text not in names:
            raise self.unknown(f"there is no {what} {text!r}", text, names)
        return text

    def whole(self, largest: int, least: int = 0) -> int:
        text = self.text()
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not least <= int(text) <= largest:
            raise self.error(f"a whole number from {least} to {largest} is expected here")
        return int(text)

    def flag(self) -> bool:
        return _FLAGS[self.one_of(_FLAGS)]

    def text_at(self, key: str, default: str | None = None) -> str | None:
        found = self.get(key)
        return default if found is None else found.text()
