"""``idbmigrate template``: an Access template beside a data set description."""

from __future__ import annotations

from pathlib import Path

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb


@click.group("template")
def command() -> None:
    """Compare an Access template with a data set description."""


@command.command("check")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--as", "name", metavar="DATASET", required=True, help="Data set that the template is of.")
@_options.allow
@run_verb
def check(console: Console, file: str, name: str, allow: tuple[str, ...]) -> int:
    """List the differences between the template FILE and a data set.

    Exit code 1 if there is one that --allow does not name.
    """
    from idbmigrate.datasets import load_dataset
    from idbmigrate.exporters.template import compare

    differences = compare(file, load_dataset(name))
    refused = [difference for difference in differences if not difference.allowed(allow)]
    console.document(
        [
            {
                "name": d.name,
                "kind": d.kind,
                "table": d.table,
                "column": d.column,
                "expected": d.expected,
                "found": d.found,
                "allowed": d not in refused,
            }
            for d in differences
        ]
    )
    if not differences:
        console.say(f"{file}: the structure is that of {name}")
        return 0
    console.table(
        [(d.kind, d.place, d.expected, d.found, None if d in refused else "allowed") for d in differences],
        ["difference", "where", "expected", "found", ""],
        indent=0,
    )
    return 1 if refused else 0


@command.command("make")
@click.option("--as", "name", metavar="DATASET", required=True, help="Data set whose shape the file gets.")
@click.option(
    "--out", metavar="FILE", required=True, type=click.Path(dir_okay=False), help=".accdb or .mdb to write."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@run_verb
def make(console: Console, name: str, out: str, overwrite: bool) -> None:
    """Write an empty Access file of the shape of a data set, for tests: no official template."""
    from idbmigrate.datasets import load_dataset
    from idbmigrate.exporters.template import make_shape
    from idbmigrate.exporters.whole import whole_file

    dataset = load_dataset(name)
    with whole_file(out, overwrite) as part:
        make_shape(dataset, part, Path(out).suffix.lower().lstrip("."))
    console.document({"file": out, "dataset": dataset.name, "tables": list(dataset.tables)})
    console.say(
        f"{out}: {len(dataset.tables)} empty tables of {dataset.name}; types are proposed, not published"
    )
