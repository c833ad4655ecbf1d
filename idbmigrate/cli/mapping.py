"""``idbmigrate mapping``: the mappings, what they say, whether they are right, and what they leave out."""

from __future__ import annotations

from typing import Any

import click

from idbmigrate.cli._options import Setting, accept, optimise
from idbmigrate.cli._output import Console, run_verb
from idbmigrate.engine import ENGINES
from idbmigrate.words import StatedConfidence


@click.group("mapping")
def command() -> None:
    """List, show, lint, test and measure the mappings."""


@command.command("list")
@run_verb
def list_(console: Console) -> None:
    """List the mappings that come with the program."""
    from idbmigrate.mapping.load import list_mappings, load_mapping

    rows = []
    for name in list_mappings():
        mapping = load_mapping(name)
        rows.append(
            {
                "name": mapping.name,
                "version": mapping.version,
                "source": mapping.source,
                "target": mapping.target,
                "title": mapping.title,
                "tables": len(mapping.tables),
                "tests": len(mapping.tests),
            }
        )
    console.document(rows)
    keys = ("name", "version", "source", "target", "tables", "tests")
    console.table([[row[key] for key in keys] for row in rows], keys, indent=0)


@command.command("show")
@click.argument("name", metavar="NAME|FILE")
@click.option("--table", "table", metavar="TABLE", help="Only this target table.")
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL that the mapping compiles to.")
@click.option(
    "--dialect",
    default="duckdb",
    show_default=True,
    help="SQL dialect: duckdb, sqlite, spark or postgres.",
)
@click.option("--set", "settings", multiple=True, type=Setting(), help="Value of a parameter. Repeatable.")
@optimise
@accept
@run_verb
def show(
    console: Console,
    name: str,
    table: str | None,
    as_sql: bool,
    dialect: str,
    settings: tuple[tuple[str, str], ...],
    accept: StatedConfidence,
    optimise: bool,
) -> None:
    """Show what a mapping says, or with --sql what a run asks the engine.

    In SQL a parameter that is not set stands as its name in angle brackets.
    """
    from idbmigrate.cli import _mapping_show as shown
    from idbmigrate.mapping.load import load_mapping

    mapping = load_mapping(name)
    if as_sql:
        shown.sql(console, mapping, table, dialect, dict(settings), accept, optimise)
    else:
        shown.words(console, mapping, table)


@command.command("lint")
@click.argument("names", metavar="[NAME|FILE]...", nargs=-1)
@run_verb
def lint(console: Console, names: tuple[str, ...]) -> int:
    """Check mappings against their data sets; all of them where none is named.

    Every source column is carried or retired with a reason, every target column filled or unavailable with
    one, every name and code exists, and all of it compiles.
    """
    from idbmigrate.mapping.load import list_mappings
    from idbmigrate.mapping_tests.run import complaints

    found: dict[str, list[dict[str, Any]]] = {}
    for name in names or list_mappings():
        console.progress(name)
        found[name] = [complaint.as_dict() for complaint in complaints(name)]
        for item in found[name]:
            place = f"{item['file']}:{item['line']} ({item['path']})" if item["line"] else item["file"]
            console.say(f"{place}: {item['message']}")
        if not found[name]:
            console.say(f"{name}: nothing to complain of")
    console.document({"mappings": found, "complaints": sum(len(items) for items in found.values())})
    return 4 if any(found.values()) else 0


@command.command("test")
@click.argument("names", metavar="[NAME|FILE]...", nargs=-1)
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, "all"]),
    default="all",
    show_default=True,
    help="Engine on which the tests run.",
)
@click.option("-k", "words", metavar="TEXT", help="Only tests whose name contains this text.")
@click.option("--mutate", is_flag=True, help="Change the mapping and name the changes that no test notices.")
@click.option("--most", type=click.IntRange(1), metavar="N", help="With --mutate: at most N changes.")
@click.option("--seed", type=int, default=1, show_default=True, help="With --most: which changes are drawn.")
@run_verb
def test(
    console: Console,
    names: tuple[str, ...],
    engine: str,
    words: str | None,
    mutate: bool,
    most: int | None,
    seed: int,
) -> int:
    """Run the tests that stand in mapping files; those of all mappings where none is named.

    With --mutate the question is turned round: the mapping is changed, one place at a time, and a change
    that no test notices is reported with its place. That runs on one engine (sqlite unless --engine names
    another).
    """
    from idbmigrate.cli import _mapping_test as tests
    from idbmigrate.mapping.load import list_mappings

    names = names or tuple(list_mappings())
    if mutate:
        return tests.mutants(console, names, "sqlite" if engine == "all" else engine, words, most, seed)
    return tests.run_tests(console, names, ENGINES if engine == "all" else (engine,), words)


@command.command("coverage")
@click.argument("name", metavar="NAME|FILE")
@click.option("--xlsx", type=click.Path(dir_okay=False), metavar="FILE", help="Workbook for reviewers.")
@run_verb
def coverage(console: Console, name: str, xlsx: str | None) -> None:
    """Show what a mapping covers: every source column, every code, every target column.

    The workbook has an empty column in which a reviewer fills in targets; 'mapping apply' reads them.
    """
    from idbmigrate.cli import _mapping_coverage as shown
    from idbmigrate.datasets import load_dataset
    from idbmigrate.mapping.coverage import coverage as measured
    from idbmigrate.mapping.load import load_mapping

    mapping = load_mapping(name)
    document = measured(mapping, load_dataset(mapping.source), load_dataset(mapping.target))
    if xlsx is not None:
        shown.workbook(console, document, xlsx)
    console.document(document)
    if xlsx is None:
        shown.words(console, document)


@command.command("apply")
@click.argument("review", type=click.Path(dir_okay=False), metavar="REVIEW.xlsx")
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="Overlay file to write.")
@click.option("--overwrite", is_flag=True, help="Replace an overlay file that is there.")
@run_verb
def apply(console: Console, review: str, out: str, overwrite: bool) -> None:
    """Turn the targets that a reviewer filled in into an overlay, which 'convert --overlay' uses."""
    from idbmigrate.cli import _mapping_coverage as shown

    shown.apply(console, review, out, overwrite)
