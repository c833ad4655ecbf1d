"""Strict YAML: text, lists and mappings, and nothing that a reader of the file cannot see.

Mappings, data set packs and overlays are written by people who think in codes, so a scalar stays the
text that was typed: ``NO``, ``010`` and ``12:30`` are never a truth value, a number or a time. Only a
plain ``null``, ``~`` or nothing at all is ``None``; the quoted word stays text. Duplicate keys,
anchors, aliases, tags, directives and second documents are refused, and size, depth and number of
nodes are bounded, so that a file from outside can be loaded without fear.

PyYAML's event parser does the syntax (libyaml where it is compiled in); its constructors, where the
implicit types live, are never reached.
"""

from __future__ import annotations

import os
from typing import Any

import yaml

from idbmigrate.documents.place import Data, Marks, Path, Place, shown
from idbmigrate.errors import DescriptionError, UsageError

_Parser = getattr(yaml, "CLoader", yaml.Loader)

#: Bounds for one file. The largest description of the project has about a tenth of each.
MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 40
#: What is said of a deeper one, whoever notices it: PyYAML from 6.0.4 on has a bound of its own.
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
MAX_NODES = 1_000_000

_NULLS = frozenset({"", "~", "null"})


def load(path: str | os.PathLike[str]) -> Data:
    """Data of the YAML file at ``path``.

    Raises ``UsageError`` where the file cannot be opened, ``DescriptionError`` (``yaml-syntax``, place
    ``file:line``) where it is not the strict subset.
    """
    return loads(_read(path), os.fspath(path))


def load_marked(path: str | os.PathLike[str], name: str | None = None) -> tuple[Data, Marks]:
    """Data of the YAML file at ``path`` and where each part of it stands; ``name`` is what errors call it.

    The mark of a mapping entry is its key's, the mark of a list item its own, so that an error can
    name the line that a person has to change.
    """
    return loads_marked(_read(path), name or os.fspath(path))


def loads(text: str | bytes, name: str) -> Data:
    """Data of YAML text; ``name`` stands for the file in error messages."""
    return _Builder(text, name, None).document()


def loads_marked(text: str | bytes, name: str) -> tuple[Data, Marks]:
    """Data and marks of YAML text; ``name`` stands for the file in error messages."""
    marks: Marks = {}
    return _Builder(text, name, marks).document(), marks


def _read(path: str | os.PathLike[str]) -> bytes:
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError("no such file", code="not-found", where=name) from None
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror}", code="not-readable", where=name
        ) from None


class _Builder:
    """One pass over the parser's events, building plain Python data."""

    def __init__(self, text: str | bytes, name: str, marks: Marks | None):
        self.name, self.marks, self.nodes = name, marks, 0
        self.text = self._decoded(text)
        self.parser: Any = None

    def document(self) -> Data:
        try:
            self.parser = _Parser(self.text)
            self.parser.get_event()  # start of the stream
            start = self.parser.get_event()
            if isinstance(start, yaml.StreamEndEvent):
                return None
            if start.version or start.tags:
                raise self._refused("directives are not accepted", start)
            data = self._node(self.parser.get_event(), ())
            self.parser.get_event()  # end of the document
            after = self.parser.get_event()
            if not isinstance(after, yaml.StreamEndEvent):
                raise self._refused("a second document is not accepted", after)
            return data
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or "not YAML"
            if "nesting" in problem:
                problem = _TOO_DEEP
            raise self._error(problem, mark.line + 1 if mark else None) from None
        except RecursionError:
            raise self._error(_TOO_DEEP, None) from None
        except yaml.reader.ReaderError as error:
            raise self._error(f"a character that YAML does not allow ({error.reason})", None) from None
        finally:
            if self.parser is not None:
                self.parser.dispose()

    def _node(self, event: Any, path: Path) -> Data:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refused(f"more than {MAX_NODES} values", event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refused("anchors and aliases are not accepted: write the text again", event)
        if event.tag is not None:
            raise self._refused("tags are not accepted", event)
        if self.marks is not None:
            self.marks.setdefault(path, _place(event))
        if isinstance(event, yaml.ScalarEvent):
            return None if event.style in (None, "") and event.value in _NULLS else event.value
        if len(path) >= MAX_DEPTH:
            raise self._refused(_TOO_DEEP, event)
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(path)

    def _list(self, path: Path) -> list[Data]:
        items: list[Data] = []
        event = self.parser.get_event()
        while not isinstance(event, yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
            event = self.parser.get_event()
        return items

    def _mapping(self, path: Path) -> dict[str, Data]:
        entries: dict[str, Data] = {}
        event = self.parser.get_event()
        while not isinstance(event, yaml.MappingEndEvent):
            key = self._key(event)
            if key in entries:
                raise self._refused(f"the key {key!r} stands twice in one mapping", event, (*path, key))
            if self.marks is not None:
                self.marks[(*path, key)] = _place(event)
            entries[key] = self._node(self.parser.get_event(), (*path, key))
            event = self.parser.get_event()
        return entries

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refused("a key must be text", event)
        if event.anchor is not None or event.tag is not None:
            raise self._refused("anchors and tags are not accepted", event)
        if event.style in (None, "") and event.value == "":
            raise self._refused("a key is missing", event)
        return event.value

    def _decoded(self, text: str | bytes) -> str:
        if len(text) > MAX_BYTES:
            raise self._error(f"larger than {MAX_BYTES} bytes", None)
        if isinstance(text, str):
            text = text.encode("utf-8", "surrogatepass")
        try:
            return text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            raise self._error("not UTF-8", line) from None

    def _refused(self, message: str, event: Any, path: Path | None = None) -> DescriptionError:
        return self._error(message, event.start_mark.line + 1, path)

    def _error(self, message: str, line: int | None, path: Path | None = None) -> DescriptionError:
        where = self.name if line is None else Place(self.name, line, "" if path is None else shown(path))
        return DescriptionError(message, code="yaml-syntax", where=where)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
