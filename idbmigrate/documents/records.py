"""Tables of places: which keys a mapping of a document may have, what each must be, and where it goes.

    window = record(Window, {"opens": day, "closes": day, "months": maybe(texts, ())})

makes a reader that gives a ``Window`` of ``{opens: 2022-05-16, closes: 2022-05-27}``, and refuses everything
else with file, line, path and the near name. A reader is any function of a
:class:`~idbmigrate.documents.node.Node`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from idbmigrate.documents.node import Node

T = TypeVar("T")
Read = Callable[[Node], T]

text, texts, words, flag, name = Node.text, Node.texts, Node.words, Node.flag, Node.name


@dataclass(frozen=True)
class Key:
    """A key of a mapping: how its value is read, what stands for it where it is absent, which field it fills.

    ``field`` is None where it is called like the key, and empty where it fills none.
    """

    read: Read[Any]
    required: bool = True
    default: Any = None
    field: str | None = None


def maybe(read: Read[Any], default: Any = None, field: str | None = None) -> Key:
    """A key that may be absent or empty."""
    return Key(read, False, default, field)


#: Key of a mapping -> its reader, or more.
Keys = Mapping[str, "Read[Any] | Key"]
#: A text that is for readers of the document alone.
remark = maybe(text, field="")


def record(
    kind: Callable[..., T],
    keys: Keys,
    *,
    key: str | None = None,
    place: str | None = None,
) -> Read[T]:
    """Reader of a mapping with these keys and no others, as a value of ``kind``.

    ``key`` is the field that gets the name under which the mapping stands, ``place`` the one that gets its
    place.
    """
    table = {word: spec if isinstance(spec, Key) else Key(spec) for word, spec in keys.items()}

    def read(node: Node) -> T:
        node.only(*table)
        values: dict[str, Any] = {}
        for word, spec in table.items():
            found = node.need(word) if spec.required else node.get(word)
            value = spec.default if found is None else spec.read(found)
            if spec.field != "":
                values[spec.field or word] = value
        if key is not None:
            values[key] = node.key
        if place is not None:
            values[place] = node.place
        return kind(**values)

    return read


def values_of(keys: Keys, *, key: str | None = None, place: str | None = None) -> Read[dict[str, Any]]:
    """Reader of a mapping with these keys, as the values of the fields."""
    return record(dict[str, Any], keys, key=key, place=place)


def one_of(choices: Collection[str]) -> Read[Any]:
    """Reader of one word of a closed list."""
    return lambda node: node.one_of(choices)


def known(names: Collection[str], what: str) -> Read[str]:
    """Reader of a name that must be among those that are known when it is read."""
    return lambda node: node.known(names, what)


def known_words(names: Collection[str], what: str) -> Read[tuple[str, ...]]:
    """Reader of words that must each be among those that are known when they are read."""

    def read(node: Node) -> tuple[str, ...]:
        for word in node.words():
            if word not in names:
                raise node.unknown(f"there is no {what} {word!r}", word, names)
        return node.words()

    return read


def text_or_null(node: Node) -> str | None:
    """A text, or the word ``null``."""
    return None if node.data is None else node.text()


def whole(largest: int, least: int = 0) -> Read[int]:
    """Reader of a whole number."""
    return lambda node: node.whole(largest, least)


def list_of(read: Read[T]) -> Read[tuple[T, ...]]:
    """Reader of a list."""
    return lambda node: tuple(read(entry) for entry in node.entries())


def one_or_more(read: Read[T]) -> Read[tuple[T, ...]]:
    """Reader of a list, or of one value that stands for a list of it."""
    return lambda node: list_of(read)(node) if node.is_list else (read(node),)


def dict_of(read: Read[T]) -> Read[dict[str, T]]:
    """Reader of a mapping of any names."""
    return lambda node: {name: read(child) for name, child in node.items()}
