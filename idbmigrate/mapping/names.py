"""Shared parts read under other names of target columns.

Two versions of a data set often differ in nothing but the spelling of some columns. The mapping of one
of them then includes the parts of the other and says how it spells them (``names:``). The names are
exchanged as a part is read, so that everything behind the reader knows one spelling only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from idbmigrate.documents.node import Document, Node
from idbmigrate.documents.place import Data


def target_names(node: Node | None) -> dict[str, str]:
    """The section ``names`` of a mapping: name in the parts -> name in this target."""
    names = {name: child.name() for name, child in node.items()} if node else {}
    if node and set(names) & set(names.values()):
        raise node.error("a name cannot be exchanged for one that is itself exchanged")
    return names


def renamed(root: Node, names: Mapping[str, str]) -> Node:
    """The same document with the names exchanged: as keys, as ``alias.NAME``, and in drawn tables."""
    if not names:
        return root
    words = "|".join(re.escape(name) for name in names)
    alone = re.compile(rf"((?:\w+[.])?)({words})\Z")
    within = re.compile(rf"(?<![\w.-])({words})(?![\w-])")

    def text(value: str) -> str:
        if "\n" in value:  # a drawn table
            return within.sub(lambda found: names[found[1]], value)
        return alone.sub(lambda found: found[1] + names[found[2]], value)

    def exchange(value: Data) -> Data:
        if isinstance(value, dict):
            return {names.get(key, key): exchange(child) for key, child in value.items()}
        if isinstance(value, list):
            return [exchange(child) for child in value]
        return text(value) if isinstance(value, str) else value

    def exchanged(key: str | int) -> str | int:
        return names.get(key, key) if isinstance(key, str) else key

    marks = {tuple(map(exchanged, path)): mark for path, mark in root.document.marks.items()}
    return Node(exchange(root.data), Document(root.document.file, root.document.code, marks), root.path)
