"""``python -m idbmigrate.datasets.pages DIR``: one Markdown page a data set, written from its pack."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from idbmigrate.datasets.load import list_datasets, load_dataset
from idbmigrate.datasets.model import CodeList, ColumnSpec, Dataset, Period, TableSpec

_SHORT = {"confirmed": "confirmed", "inferred": "inferred", "proposed": "**proposed**", "unknown": "unknown"}


def page(dataset: Dataset) -> str:
    """Markdown of a data set: tables, columns, keys, codes, scores, concepts and sources."""
    parts = [
        f"# {dataset.name}",
        "",
        "<!-- Written by `python -m idbmigrate.datasets.pages`: change the pack, not this page. -->",
        "",
        f"{dataset.title}.",
        "",
        *_facts(dataset),
        *_overview(dataset),
    ]
    for table in dataset.tables.values():
        parts += _table(dataset, table)
    parts += [*_codes(dataset), *_assessments(dataset), *_concepts(dataset), *_sources(dataset)]
    return "\n".join(parts).rstrip() + "\n"


def _facts(dataset: Dataset) -> Iterator[str]:
    facts = (("role", dataset.role), ("standard", dataset.standard), ("dates", dataset.dates))
    yield from (f"- {name}: {plain(text)}" for name, text in facts if text)
    yield ""
    if dataset.note:
        yield from (plain(dataset.note), "")
    if dataset.unknown:
        yield from (f"**Not known:** {plain(dataset.unknown)}", "")


def _overview(dataset: Dataset) -> Iterator[str]:
    yield from ("## Tables", "")
    rows = [
        (f"[{t.name}](#{t.name.lower()})", t.title, len(t.columns), t.grain, t.parent, _SHORT[t.confidence])
        for t in dataset.tables.values()
    ]
    yield from grid(("table", "holds", "columns", "rows", "parent", "name is"), rows)


def _table(dataset: Dataset, table: TableSpec) -> Iterator[str]:
    yield from (f"## {table.name}", "", f"{plain(table.title)}.", "")
    aliases = ", ".join(f"`{name}` ({grade})" for name, grade in table.aliases.items())
    links = ", ".join(f"{column} → {'.'.join(link)}" for column, link in table.foreign_keys.items())
    facts = (
        ("also called", aliases),
        ("key", ", ".join(table.primary_key) + _grade(table, "key") if table.primary_key else None),
        ("refers to", links),
        ("unique", "; ".join(" + ".join(group) for group in table.unique) + _grade(table, "unique")),
        ("in a reporting month", _period(table.period) + _grade(table, "period") if table.period else None),
        ("note", table.note and plain(table.note)),
    )
    for name, text in facts:
        if text and not (name == "unique" and not table.unique):
            yield f"- {name}: {text}"
    yield ""
    rows = [_column(dataset, column) for column in table.columns.values()]
    yield from grid(("column", "data item", "format", "req", "codes", "name is", "source", "note"), rows)


def _column(dataset: Dataset, column: ColumnSpec) -> Sequence[Any]:
    words = column.confidences
    requirement = column.requirement and column.requirement + _mark(words.get("requirement"))
    codes = f"[{column.codes}](#{column.codes})" + _mark(words.get("codes")) if column.codes else None
    notes = [f"also `{name}` ({grade})" for name, grade in column.aliases.items()]
    notes += [f"{column.range[0]:g} to {column.range[1]:g}"] if column.range else []
    notes += [] if column.expected else ["not in every file"]
    notes += [column.note] if column.note else []
    return (
        column.name,
        column.item,
        column.format.notation + _mark(words.get("format")),
        requirement,
        codes,
        _SHORT[column.confidence],
        " ".join(column.source),
        "; ".join(notes),
    )


def _codes(dataset: Dataset) -> Iterator[str]:
    used = {column.codes for table in dataset.tables.values() for column in table.columns.values()}
    lists = [codes for codes in dataset.code_lists.values() if codes.name in used]
    if lists:
        yield from ("## Code lists", "")
    for codes in lists:
        yield from _code_list(codes)


def _code_list(codes: CodeList) -> Iterator[str]:
    yield from (f"### {codes.name}", "")
    yield from (
        f"{_SHORT[codes.confidence]}; {' '.join(codes.source)}. {plain(codes.note or '')}".rstrip(),
        "",
    )
    rows = [
        (code, meaning or "*meaning not known*", "" if grade == codes.confidence else _SHORT[grade])
        for code, meaning in codes.codes.items()
        for grade in [codes.confidence_of(code)]
    ]
    yield from grid(("code", "meaning", ""), rows)


def _assessments(dataset: Dataset) -> Iterator[str]:
    if not dataset.assessments:
        return
    yield from ("## Scored assessments", "")
    rows = [
        (
            a.concept,
            f"{a.tool} {a.item}".strip(),
            f"{a.range[0]:g} to {a.range[1]:g}" if a.range else None,
            " ".join(a.values),
            f"`{a.pattern}`" if a.pattern else None,
            _SHORT[a.confidence],
            " ".join(a.source),
            "; ".join(filter(None, [a.valid_from and f"from {a.valid_from}", a.note])),
        )
        for a in dataset.assessments
    ]
    yield from grid(("SNOMED CT", "question", "range", "also", "shape", "", "source", "note"), rows)


def _concepts(dataset: Dataset) -> Iterator[str]:
    for name, concepts in dataset.concepts.items():
        yield from (f"## {name.replace('_', ' ').capitalize()}", "")
        rows = [
            (c.code, c.name, c.concept, c.group, _SHORT[c.confidence], " ".join(c.source), c.note)
            for c in concepts
        ]
        yield from grid(("code", "name", "SNOMED CT", "group", "", "source", "note"), rows)


def _sources(dataset: Dataset) -> Iterator[str]:
    yield from ("## Sources", "")
    yield from grid(("tag", "what"), dataset.sources.items())


def _period(period: Period) -> str:
    columns = " to ".join(period.columns)
    words = {
        "header": "one row",
        "date": f"when {columns} lies in it",
        "until": f"when {columns} is not after it",
        "open": f"when {columns} touches it",
        "parent": "with its parent row",
        "with": f"when a row of {columns} belongs",
        "all": "always",
    }[period.kind]
    also = f", and with rows of {', '.join(period.also)}" if period.also else ""
    return words + also


def _grade(table: TableSpec, what: str) -> str:
    return _mark(table.confidences.get(what))


def _mark(grade: str | None) -> str:
    return f" ({grade})" if grade and grade != "confirmed" else ""


def grid(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A Markdown table without the columns that are empty throughout."""
    body = [["" if value is None else plain(str(value)) for value in row] for row in rows]
    kept = [at for at in range(len(header)) if any(row[at] for row in body)]
    if not kept:
        return
    yield "| " + " | ".join(header[at] for at in kept) + " |"
    yield "|" + " --- |" * len(kept)
    for row in body:
        yield "| " + " | ".join(row[at] for at in kept) + " |"
    yield ""


def plain(text: str) -> str:
    """Text that Markdown shows as it is; links and code of our own keep their signs."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def write_pages(folder: str, names: Iterable[str], page_of: Callable[[str], str]) -> None:
    """Write a page for each name into a folder."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / f"{name}.md").write_text(page_of(name), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    folder = (sys.argv[1:] or ["docs/datasets"])[0]
    write_pages(folder, list_datasets(), lambda name: page(load_dataset(name)))
