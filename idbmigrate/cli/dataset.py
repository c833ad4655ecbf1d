"""``idbmigrate dataset``: the descriptions of the data sets, and the schemas made from them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from idbmigrate.cli._output import Console, run_verb

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset, TableSpec


@click.group("dataset")
def command() -> None:
    """List and show the data set descriptions; print their schemas."""


@command.command("list")
@run_verb
def list_(console: Console) -> None:
    """List the data sets that are described."""
    from idbmigrate.datasets import list_datasets, load_dataset

    datasets = sorted((load_dataset(name) for name in list_datasets()), key=lambda d: (d.role, d.name))
    console.document(
        [
            {"name": d.name, "version": d.version, "role": d.role, "title": d.title, "tables": len(d.tables)}
            for d in datasets
        ]
    )
    console.table(
        [(d.name, d.role, len(d.tables), _columns(d), d.title) for d in datasets],
        ["name", "role", "tables", "columns", "title"],
        indent=0,
    )


@command.command("show")
@click.argument("name", metavar="DATASET")
@click.argument("table", required=False)
@run_verb
def show(console: Console, name: str, table: str | None) -> None:
    """Show the tables of DATASET, or the columns of one TABLE of it with their codes."""
    from idbmigrate.datasets import load_dataset

    dataset = load_dataset(name)
    if table is None:
        console.document(asdict(dataset))
        _show_dataset(console, dataset)
    else:
        spec = _table(dataset, table)
        lists = {c.codes: asdict(dataset.code_lists[c.codes]) for c in spec.columns.values() if c.codes}
        console.document({**asdict(spec), "code_lists": lists})
        _show_table(console, dataset, spec)


@command.command("schema")
@click.argument("name", metavar="DATASET")
@click.option("--as", "form", type=click.Choice(["xsd", "json"]), default="xsd", help="Kind of schema.")
@run_verb
def schema(console: Console, name: str, form: str) -> None:
    """Print the XML schema (XSD) of DATASET, or its JSON schema; with --json always the latter."""
    from idbmigrate.datasets import load_dataset
    from idbmigrate.datasets.schema import json_schema, xsd

    dataset = load_dataset(name)
    described = json_schema(dataset)
    console.document(described)
    console.say(json.dumps(described, indent=2) if form == "json" else xsd(dataset).decode().rstrip())


def _show_dataset(console: Console, dataset: Dataset) -> None:
    console.say(console.style(f"{dataset.name}: {dataset.title}", "bold"))
    facts = (
        ("standard", dataset.standard),
        ("dates", dataset.dates),
        ("note", dataset.note),
        ("not known", dataset.unknown),
    )
    for label, text in facts:
        if text:
            console.say(f"  {label}: {text}")
    console.say()
    console.table(
        [(t.name, len(t.columns), t.confidence, t.grain, t.title) for t in dataset.tables.values()],
        ["table", "columns", "name is", "rows", "title"],
    )


def _show_table(console: Console, dataset: Dataset, table: TableSpec) -> None:
    console.say(console.style(f"{dataset.name} {table.name}: {table.title}", "bold"))
    if table.aliases:
        console.say(f"  also called {', '.join(table.aliases)}")
    if table.note:
        console.say(f"  {table.note}")
    console.say()
    console.table(
        [
            (c.name, c.format.notation, c.requirement, c.codes, c.confidence, ", ".join(c.aliases), c.item)
            for c in table.columns.values()
        ],
        ["column", "format", "req", "codes", "name is", "aliases", "data item"],
    )
    for name in dict.fromkeys(c.codes for c in table.columns.values() if c.codes):
        codes = dataset.code_lists[name]
        console.say()
        console.say(console.style(f"{name} ({codes.confidence})", "bold"))
        console.table([(code, meaning or "meaning not known") for code, meaning in codes.codes.items()])


def _columns(dataset: Dataset) -> int:
    return sum(len(table.columns) for table in dataset.tables.values())


def _table(dataset: Dataset, name: str) -> TableSpec:
    from idbmigrate.errors import UsageError, nearest

    if name in dataset.tables:
        return dataset.tables[name]
    hint = nearest(name, dataset.tables)
    raise UsageError(f"{dataset.name} has no table {name!r}", code="unknown-name", hint=hint)
