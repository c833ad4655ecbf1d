"""From the plain data of a pack to a :class:`~idbmigrate.datasets.model.Dataset`, checked on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from idbmigrate.datasets.formats import parse_format
from idbmigrate.datasets.model import (
    KINDS,
    REQUIREMENTS,
    Assessment,
    CodeList,
    ColumnSpec,
    Concept,
    Dataset,
    Period,
    TableSpec,
)
from idbmigrate.errors import DescriptionError
from idbmigrate.words import CONFIDENCE

#: Names go into SQL, XML and file names unchanged, so that they must be plain words.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)-([0-9]+(?:\.[0-9]+)?)")
_YES_NO = {"yes": True, "no": False}
#: How a pack calls the attributes whose confidence may differ from the name's.
_ATTRIBUTES = {"format": "format", "req": "requirement", "codes": "codes"}


def build(raw: Any, name: str, marks: Mapping[tuple, tuple[int, int]] | None = None) -> Dataset:
    """Dataset of a pack's plain data.

    ``name`` is the pack's file in error messages, ``marks`` the places of its parts. Raises
    ``DescriptionError`` (``dataset-invalid``) where the pack contradicts itself.
    """
    return _Builder(name, marks or {}).dataset(raw)


class _Section:
    """One mapping of the pack: hands out its entries and complains about those that nobody asked for."""

    def __init__(self, builder: _Builder, raw: Any, path: tuple):
        if not isinstance(raw, dict):
            builder.fail("a mapping is expected here", path)
        self.builder, self.raw, self.path, self.left = builder, raw, path, set(raw)

    def take(self, key: str, default: Any = None) -> Any:
        self.left.discard(key)
        value = self.raw.get(key)
        return default if value is None else value

    def text(self, key: str, default: str | None = None) -> Any:
        value = self.take(key, default)
        if value is not None and not isinstance(value, str):
            self.fail("text is expected here", key)
        return value

    def word(self, key: str, allowed: Iterable[str], default: str | None = None) -> Any:
        value = self.text(key, default)
        if value is not None and value not in allowed:
            self.fail(f"{value!r} is none of {', '.join(allowed)}", key)
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.take(key, [])
        value = value.split() if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail("words or a list of them are expected here", key)
        return tuple(value)

    def section(self, key: str) -> _Section:
        return _Section(self.builder, self.take(key, {}), (*self.path, key))

    def range(self, key: str) -> tuple[float, float] | None:
        if (text := self.text(key)) is None:
            return None
        match = _RANGE.fullmatch(text)
        if not match:
            self.fail("a range is written as lowest-highest", key)
        return float(match[1]), float(match[2])

    def graded(self, key: str) -> dict[str, str]:
        """A mapping of names to confidence words."""
        section = self.section(key)
        grades = {name: section.word(name, CONFIDENCE, "unknown") for name in section.raw}
        section.done()
        return grades

    def fail(self, message: str, key: str | None = None) -> NoReturn:
        self.builder.fail(message, self.path if key is None else (*self.path, key))

    def done(self) -> None:
        if self.left:
            key = min(self.left)
            self.fail(f"{key!r} has no meaning here", key)


class _Builder:
    def __init__(self, name: str, marks: Mapping[tuple, tuple[int, int]]):
        self.name, self.marks = name, marks
        self.sources: dict[str, str] = {}
        self.lists: dict[str, CodeList] = {}

    def fail(self, message: str, path: tuple) -> NoReturn:
        place = path
        while place and place not in self.marks:
            place = place[:-1]
        line = f":{self.marks[place][0]}" if place in self.marks else ""
        inside = ".".join(str(part) for part in path) or "the file"
        raise DescriptionError(f"{inside}: {message}", code="dataset-invalid", where=f"{self.name}{line}")

    def dataset(self, raw: Any) -> Dataset:
        top = _Section(self, raw, ())
        self.sources = top.take("sources", {})
        self.defaults = top.take("defaults", {})
        lists = top.section("code_lists")
        for name in lists.raw:
            self.lists[name] = self.code_list(lists.section(name), name)
        tables = top.section("tables")
        specs = {name: self.table(tables.section(name), name) for name in tables.raw}
        dataset = Dataset(
            name=top.text("dataset", ""),
            version=top.text("version", ""),
            title=top.text("title", ""),
            role=top.word("role", ("source", "target"), "source"),
            tables=specs,
            code_lists=self.lists,
            assessments=tuple(self.assessment(s) for s in self.items(top, "assessments")),
            concepts=self.concepts(top.section("concepts")),
            sources=self.sources,
            standard=top.text("standard"),
            dates=top.text("dates"),
            note=top.text("note"),
            unknown=top.text("unknown"),
        )
        top.done()
        self.check_references(dataset)
        return dataset

    def items(self, section: _Section, key: str) -> Iterable[_Section]:
        raw = section.take(key, [])
        if not isinstance(raw, list):
            section.fail("a list is expected here", key)
        return [_Section(self, item, (*section.path, key, i)) for i, item in enumerate(raw)]

    def source(self, section: _Section) -> tuple[str, ...]:
        tags = section.words("source")
        for tag in tags:
            if tag not in self.sources:
                section.fail(f"no source is called {tag!r}", "source")
        return tags

    def code_list(self, section: _Section, name: str) -> CodeList:
        codes: dict[str, str | None] = {}
        for part in section.words("union"):
            if part not in self.lists:
                section.fail(f"no code list above is called {part!r}", "union")
            codes |= self.lists[part].codes
        codes |= section.take("codes", {})
        grades = {code: word for word in CONFIDENCE for code in section.words(word)}
        if strange := set(grades) - set(codes):
            section.fail(f"the code {min(strange)!r} is graded but not listed")
        confidence = section.word("confidence", CONFIDENCE, "confirmed")
        source, note = self.source(section), section.text("note")
        section.done()
        return CodeList(name, codes, confidence, source, note, grades)

    def table(self, section: _Section, name: str) -> TableSpec:
        if not _NAME.fullmatch(name):
            section.fail("a table's name is one plain word")
        columns = section.section("columns")
        specs = {column: self.column(columns.section(column), column) for column in columns.raw}
        links = section.take("links", {})
        table = TableSpec(
            name=name,
            columns=specs,
            title=section.text("title", ""),
            aliases=section.graded("aliases"),
            parent=section.text("parent"),
            grain=section.text("grain"),
            primary_key=section.words("key"),
            foreign_keys={column: tuple(link.split(".", 1)) for column, link in links.items()},
            unique=tuple(tuple(group) for group in section.take("unique", [])),
            period=self.period(section),
            confidence=section.word("confidence", CONFIDENCE, "confirmed"),
            confidences=section.graded("confidences"),
            note=section.text("note"),
            expected=_YES_NO[section.word("expected", _YES_NO, "yes")],
            recognised_by=section.words("recognised_by"),
        )
        section.done()
        self.check_names(columns, ((spec.name, spec.aliases) for spec in specs.values()))
        return table

    def column(self, section: _Section, name: str) -> ColumnSpec:
        if not _NAME.fullmatch(name):
            section.fail("a column's name is one plain word")
        try:
            format_ = parse_format(section.text("format", "number"), section.word("kind", KINDS))
        except ValueError as error:
            section.fail(str(error), "format")
        codes, requirement = section.text("codes"), section.word("req", REQUIREMENTS)
        if codes is not None and codes not in self.lists:
            section.fail(f"no code list is called {codes!r}", "codes")
        own = section.graded("confidences")
        present = {"format": True, "req": requirement is not None, "codes": codes or "codes" in own}
        grades = {
            _ATTRIBUTES[key]: own.get(key) or self.defaults.get(key, "confirmed")
            for key, here in present.items()
            if here
        }
        spec = ColumnSpec(
            name=name,
            format=format_,
            item=section.text("item"),
            aliases=section.graded("aliases"),
            requirement=requirement,
            codes=codes,
            range=section.range("range"),
            uid=section.text("uid"),
            confidence=section.word("confidence", CONFIDENCE, self.defaults.get("confidence", "confirmed")),
            confidences=grades,
            expected=_YES_NO[section.word("expected", _YES_NO, "yes")],
            source=self.source(section),
            note=section.text("note"),
        )
        section.done()
        return spec

    def period(self, section: _Section) -> Period | None:
        raw = section.take("period")
        if raw is None or isinstance(raw, str):
            section.word("period", ("header", "parent", "all"))
            return None if raw is None else Period(raw)
        inner = section.section("period")
        closing, also = inner.words("closing"), inner.words("also")
        if len(inner.left) != 1 or not inner.left < {"date", "until", "open", "with"}:
            inner.fail("one of date, until, open and with is expected")
        kind = min(inner.left)
        return Period(kind, inner.words(kind), closing, also)

    def assessment(self, section: _Section) -> Assessment:
        assessment = Assessment(
            tool=section.text("tool", ""),
            item=section.text("item", ""),
            concept=section.text("concept", ""),
            pattern=section.text("pattern"),
            range=section.range("range"),
            values=section.words("values"),
            versions=section.words("versions"),
            valid_from=section.text("valid-from"),
            confidence=section.word("confidence", CONFIDENCE, "confirmed"),
            source=self.source(section),
            note=section.text("note"),
        )
        section.done()
        return assessment

    def concepts(self, section: _Section) -> dict[str, tuple[Concept, ...]]:
        return {key: tuple(self.concept(s) for s in self.items(section, key)) for key in section.raw}

    def concept(self, section: _Section) -> Concept:
        concept = Concept(
            name=section.text("name", ""),
            concept=section.text("concept"),
            code=section.text("code"),
            group=section.text("group"),
            confidence=section.word("confidence", CONFIDENCE, "confirmed"),
            source=self.source(section),
            note=section.text("note"),
        )
        section.done()
        return concept

    def check_names(self, section: _Section, named: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """No two parts may answer to one name, since letter case does not tell them apart."""
        seen: dict[str, str] = {}
        for name, aliases in named:
            for spelling in (name, *aliases):
                if seen.setdefault(spelling.casefold(), name) != name:
                    other = seen[spelling.casefold()]
                    section.fail(f"{spelling!r} may mean {other} as well as {name}", name)

    def check_references(self, dataset: Dataset) -> None:
        tables = dataset.tables
        top = _Section(self, {}, ("tables",))
        self.check_names(top, ((table.name, table.aliases) for table in tables.values()))
        for table in tables.values():
            period = table.period or Period("all")
            needed = [*table.primary_key, *table.foreign_keys, *period.closing]
            needed += [column for group in table.unique for column in group]
            needed += period.columns if period.kind in ("date", "until", "open") else ()
            for column in needed:
                if column not in table.columns:
                    top.fail(f"the table has no column {column!r}", table.name)
            others = [*period.also, *(period.columns if period.kind == "with" else ())]
            others += [] if table.parent is None else [table.parent]
            for other in others:
                if other not in tables:
                    top.fail(f"there is no table {other!r}", table.name)
            for other, column in table.foreign_keys.values():
                if other not in tables or column not in tables[other].columns:
                    top.fail(f"there is no column {other}.{column}", table.name)
