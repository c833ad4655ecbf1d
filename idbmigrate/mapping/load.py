"""Loads mapping files: the file, what it includes, and the lookups that stand in files of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.overlay import Overlay
from idbmigrate.documents.node import Node
from idbmigrate.documents.records import dict_of, text
from idbmigrate.errors import DescriptionError, UsageError, nearest
from idbmigrate.mapping import model as m
from idbmigrate.mapping import sections
from idbmigrate.mapping.codes import allowed, cleaned, uses
from idbmigrate.mapping.files import mappings_dir
from idbmigrate.mapping.merge import merged_table
from idbmigrate.mapping.names import renamed, target_names

_SECTIONS = ("parameters", "sources", "lookups", "tables", "retired", "unavailable")
_HEAD = ("mapping", "version", "title", "source", "target", "note")
MAX_FILES = 200


def list_mappings() -> list[str]:
    """Names of the mappings that come with the package, sorted."""
    return sorted(path.stem for path in mappings_dir().glob("*-to-*.yaml"))


def load_mapping(name_or_path: str | os.PathLike[str]) -> m.Mapping:
    """The mapping of that name (as ``idbmigrate mapping list`` shows) or in that file.

    Raises ``DescriptionError`` (``yaml-syntax``, ``mapping-invalid``) with file, line and path, or
    ``UsageError`` (``unknown-name``).
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = mappings_dir() / f"{name_or_path}.yaml"
        if not path.is_file():
            raise UsageError(
                f"there is no mapping {str(name_or_path)!r}",
                code="unknown-name",
                hint="idbmigrate mapping list shows the mappings; a file is named with its .yaml",
            )
    return _Loader(path).mapping()


def find_mapping(source: str, target: str) -> str:
    """Name of the mapping that comes with the package for this pair of data sets."""
    name = f"{source}-to-{target}"
    if name in list_mappings():
        return name
    pairs = [known for known in list_mappings() if known.startswith(f"{source}-to-")]
    raise UsageError(
        f"there is no mapping from {source} to {target}",
        code="unknown-name",
        hint=f"from {source} there are: {', '.join(pairs) or 'none'}; --mapping FILE names your own",
    )


def with_overlay(mapping: m.Mapping, overlay: Overlay) -> m.Mapping:
    """The mapping with the codes that an overlay decides: added to its lookups, or instead of their rows.

    The user has the last word, so such a row is ``confirmed``, and its source is the overlay. Raises
    ``DescriptionError`` (``overlay-invalid``) where there is no such lookup, or where the target column
    does not list the code.
    """
    if not overlay.lookups:
        return mapping
    known, target = uses(mapping), load_dataset(mapping.target)
    lookups = dict(mapping.lookups)
    for name, decided in overlay.lookups.items():
        if name not in lookups:
            near = nearest(name, lookups)
            overlay.fail(f"{mapping.name} has no lookup {name!r}", "lookups", name, hint=near)
        codes = allowed(known[name], target)
        rows = {row.code: row for row in lookups[name].rows}
        written: dict[str, str] = {}
        for code, to in decided.items():
            if to is not None and codes is not None and to not in codes:
                message = f"{to!r} is not a code of the columns that {name} fills"
                overlay.fail(message, "lookups", name, code, hint=nearest(to, codes))
            clean = cleaned(lookups[name], code)
            first = written.setdefault(clean, code)
            if decided[first] != to:
                other = overlay.place("lookups", name, first)
                message = f"{code!r} and {first!r} are one code of {name}, {clean!r}; the other is at {other}"
                overlay.fail(message, "lookups", name, code)
            rows[clean] = _decided(overlay, name, clean, code, to)
        lookups[name] = replace(lookups[name], rows=tuple(rows.values()))
    return replace(mapping, lookups=lookups)


def _decided(overlay: Overlay, lookup: str, code: str, written: str, to: str | None) -> m.LookupRow:
    place = overlay.place("lookups", lookup, written)
    reason = None if to is not None else "decided by a reviewer"
    return m.LookupRow(code, to, "equal", "confirmed", reason, Path(overlay.name).name, None, place)


class _Loader:
    """Collects the sections of a mapping file and of its includes; a table may be told in parts."""

    def __init__(self, path: Path):
        self.path, self.files = path, []  # type: Path, list[Path]
        self.roots = [mappings_dir()] if mappings_dir().is_dir() else []
        self.found: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
        self.tests: list[m.MappingTest] = []
        self.including: list[Path] = []
        self.names: dict[str, str] = {}

    def mapping(self) -> m.Mapping:
        root = self._open(self.path, self.path.name)
        root.only(*_HEAD, "include", "names", *_SECTIONS, "tests")
        self.names = target_names(root.get("names"))
        self._read(root, self.path)
        head = {key: root.text_at(key) for key in _HEAD}
        for key in ("mapping", "version", "source", "target"):
            root.need(key)
        return m.Mapping(
            name=head["mapping"] or "",
            version=head["version"] or "",
            title=head["title"] or head["mapping"] or "",
            source=head["source"] or "",
            target=head["target"] or "",
            tests=tuple(self.tests),
            files=tuple(str(path) for path in self.files),
            place=root.place,
            **self.found,
        )

    def _open(self, path: Path, shown: str) -> Node:
        if len(self.files) >= MAX_FILES:
            raise DescriptionError(f"more than {MAX_FILES} files", code="mapping-invalid", where=shown)
        self.files.append(path)
        return renamed(Node.load(path, "mapping-invalid", shown), self.names)

    def _read(self, root: Node, path: Path) -> None:
        if path in self.including:
            raise root.error("a file includes itself")
        self.including.append(path)
        include = root.get("include")
        for entry in include.entries() if include else ():
            part = self._beside(entry, path)
            if part in self.files and part not in self.including:
                continue  # two parts may need the same third one
            node = self._open(part, entry.text())
            node.only("title", "note", "include", *_SECTIONS, "tests")
            self._read(node, part)
        self._section(root, "parameters", sections.parameter)
        self._section(root, "sources", sections.source_rule)
        self._section(root, "tables", sections.table)
        self._section(root, "lookups", lambda node: self._lookup(node, path))
        self._reasons(root, "retired")
        self._reasons(root, "unavailable")
        tests = root.get("tests")
        self.tests += [sections.test_case(entry) for entry in tests.entries()] if tests else []
        self.including.pop()

    def _section(self, root: Node, section: str, read: Callable[[Node], Any]) -> None:
        node = root.get(section)
        for name, child in node.items() if node else ():
            known, new = self.found[section].get(name), read(child)
            if known is not None and section == "tables":
                new = merged_table(known, new)
            elif known is not None and known != new:
                raise child.error(f"{name!r} is already defined in an included file")
            self.found[section][name] = new

    def _reasons(self, root: Node, section: str) -> None:
        node = root.get(section)
        for table, child in node.items() if node else ():
            columns = self.found[section].setdefault(table, {})
            for column, reason in dict_of(text)(child).items():
                if column in columns:
                    raise child.error(f"{table}.{column} is already given a reason in an included file")
                columns[column] = reason

    def _lookup(self, node: Node, path: Path) -> m.Lookup:
        file = self._open(self._beside(node, path), node.text()) if node.is_text else node
        return sections.lookup(node.key, file)

    def _beside(self, node: Node, path: Path) -> Path:
        """The file a mapping names: beside it, or among those of the package; never elsewhere."""
        name = node.text()
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise node.error("files are named relative to the mapping, without ..")
        for folder in self._folders(path):
            if (folder / name).is_file():
                return folder / name
        raise node.error("no such file beside the mapping or among those of the package")

    def _folders(self, path: Path) -> Iterable[Path]:
        yield self.path.parent
        yield path.parent
        yield from self.roots
