"""``python -m idbmigrate.mapping.pages DIR``: one Markdown page a mapping, written from its files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.pages import grid, plain, write_pages
from idbmigrate.mapping import model as m
from idbmigrate.mapping import wording
from idbmigrate.mapping.coverage import coverage
from idbmigrate.mapping.load import list_mappings, load_mapping


def page(mapping: m.Mapping) -> str:
    """Markdown of a mapping: parameters, every source column, target table and code, and its tests."""
    document = coverage(mapping, load_dataset(mapping.source), load_dataset(mapping.target))
    parts = [
        f"# {mapping.name}",
        "",
        "<!-- Written by `python -m idbmigrate.mapping.pages`: change the mapping, not this page. -->",
        "",
        f"{plain(mapping.title)}, version {mapping.version}:"
        f" [{mapping.source}](../datasets/{mapping.source}.md)"
        f" to [{mapping.target}](../datasets/{mapping.target}.md).",
        "",
        *_totals(document["totals"]),
        *_parameters(mapping),
        *_source(document),
    ]
    for table in mapping.tables.values():
        parts += _table(table)
    return (
        "\n".join([*parts, *_unavailable(document), *_codes(mapping, document), *_tests(mapping)]).rstrip()
        + "\n"
    )


def _totals(totals: dict[str, dict[str, int]]) -> Iterator[str]:
    for group, counts in totals.items():
        shown = ", ".join(f"{count} {word}" for word, count in counts.items())
        yield f"- {group.replace('_', ' ')}: {shown}"
    yield ""


def _parameters(mapping: m.Mapping) -> Iterator[str]:
    yield from ("## Parameters", "") if mapping.parameters else ()
    rows = [
        (f"`{spec.name}`", spec.title, wording.default(spec), ", ".join(spec.one_of))
        for spec in mapping.parameters.values()
    ]
    yield from grid(("`--set`", "what it is", "if it is not set", "one of"), rows)


def _source(document: dict[str, Any]) -> Iterator[str]:
    yield from ("## Source columns", "")
    rows = [
        (
            f"{row['table']}.{row['column']}",
            row["item"],
            ", ".join(row["into"]) or f"*{row['outcome']}*",
            row["reason"],
        )
        for row in document["source_columns"]
    ]
    yield from grid(("column", "data item", "goes to", "why not"), rows)


def _table(table: m.TableMap) -> Iterator[str]:
    yield from (f"## {table.name}", "")
    for branch in table.branches:
        if len(table.branches) > 1:
            yield from (f"### {table.name}: {plain(branch.rows)}", "")
        yield from _branch(branch)
    for rule in table.one_per:
        yield from (plain(f"Of several rows: {wording.one_per(rule)}."), "")


def _branch(branch: m.Branch) -> Iterator[str]:
    rows = f"A row for each row of {branch.source}" if branch.source else "A single row"
    items = ", ".join(item["column"] for item in branch.each)
    yield plain(f"{rows}{f' and each of {items} that is filled' if items else ''}.")
    yield ""
    remarks = [wording.join(join) for join in branch.joins]
    remarks += [
        f"only where {wording.condition(rule.keep)}: {rule.reason} (`{rule.name}`)" for rule in branch.where
    ]
    yield from (f"- {plain(remark)}" for remark in remarks)
    yield from [""] if remarks else []
    fields = [(item.name, wording.value(item.value), item.confidence, item.note) for item in branch.fields]
    yield from grid(("column", "filled with", "confidence", "note"), fields)


def _unavailable(document: dict[str, Any]) -> Iterator[str]:
    yield from ("## Target columns that are not filled", "")
    rows = [
        (f"{row['table']}.{row['column']}", row["requirement"], row["reason"])
        for row in document["target_columns"]
        if row["outcome"] != "filled"
    ]
    yield from grid(("column", "req", "why"), rows)


def _codes(mapping: m.Mapping, document: dict[str, Any]) -> Iterator[str]:
    yield from ("## Codes", "")
    for lookup in mapping.lookups.values():
        rows = [row for row in document["codes"] if row["lookup"] == lookup.name]
        yield from (f"### {lookup.name}", "")
        columns = ", ".join(rows[0]["columns"]) if rows else ""
        yield plain(
            f"{lookup.title}. {f'Asked for {columns}; ' if columns else ''}{wording.unknown_policy(lookup)}."
        )
        yield ""
        yield from grid(
            ("code", "meaning", "becomes", "meaning there", "", "confidence", "source", "why"),
            [
                (
                    row["code"],
                    row["meaning"],
                    row["to"] or f"*{row['outcome']}*",
                    row["to_meaning"],
                    row["equivalence"],
                    row["confidence"],
                    row["source"],
                    row["reason"] or row["note"],
                )
                for row in rows
            ],
        )


def _tests(mapping: m.Mapping) -> Iterator[str]:
    yield from ("## Tests", "")
    yield from (f"- {plain(test.name)} ({test.place.file})" for test in mapping.tests)


if __name__ == "__main__":
    folder = (sys.argv[1:] or ["docs/mappings"])[0]
    write_pages(folder, list_mappings(), lambda name: page(load_mapping(name)))
