"""``idbmigrate fill``: converted output into a copy of an Access template."""

from __future__ import annotations

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb


@click.command("fill")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option(
    "--template", metavar="FILE", required=True, type=click.Path(dir_okay=False), help="Template to copy."
)
@click.option(
    "--out", metavar="FILE", required=True, type=click.Path(dir_okay=False), help="Access file to write."
)
@click.option(
    "--as", "name", metavar="DATASET", help="Data set of the output, instead of what its manifest says."
)
@_options.allow
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@run_verb
def command(
    console: Console, folder: str, template: str, out: str, name: str | None, allow, overwrite: bool
) -> None:
    """Fill a copy of an Access template with the output of convert in DIR."""
    from idbmigrate.datasets import load_dataset
    from idbmigrate.exporters.idb import fill, unevaluated
    from idbmigrate.exporters.read_back import read_output, written_as

    dataset = load_dataset(name or written_as(folder))
    tables = read_output(folder, dataset)
    console.progress("filling")
    rows = fill(tables, template, out, dataset=dataset, allow=allow, overwrite=overwrite)
    left = unevaluated(template)
    console.document({"file": out, "dataset": dataset.name, "rows": rows, "rules_not_evaluated": left})
    console.say(f"{out}: {sum(rows.values()):,} rows")
    console.table(rows.items(), ["table", "rows"])
    note_unevaluated(console, left)


def note_unevaluated(console: Console, columns: list[str]) -> None:
    """Say which validation rules of a template nobody has held the values against."""
    if columns:
        console.note(f"validation rules that only Access can evaluate: {', '.join(columns)}")
