"""``idbmigrate sample``: write a synthetic legacy Access file."""

from __future__ import annotations

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb


@click.command("sample")
@click.option("--dataset", metavar="DATASET", help="Legacy data set of the sample.")
@click.option("--patients", metavar="N", type=int, help="Number of patients, up to a million.")
@click.option(
    "--out", metavar="FILE", required=True, type=click.Path(dir_okay=False), help=".mdb or .accdb to write."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same bytes.")
@click.option(
    "--faults",
    metavar="LEVEL",
    default="none",
    show_default=True,
    help="none, some, many, or the share of rows (0 to 1) that each kind of fault touches.",
)
@click.option(
    "--naming",
    type=click.Choice(["extract", "mixed", "rep", "v15"]),
    default="extract",
    show_default=True,
    help="How tables and columns are named.",
)
@click.option(
    "--drift", is_flag=True, help="Add local columns and a local table; some dates and numbers as text."
)
@click.option(
    "--with",
    "also",
    multiple=True,
    metavar="TABLE",
    help="Add a table that only some files hold, such as EmploymentAdviser of iapt-1.5. Repeatable.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="TABLE.COLUMN",
    help="Leave out a column, such as Appointment.LPTID. Repeatable.",
)
@click.option(
    "--like",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write a synthetic twin of a real file: its design, rounded counts and code frequencies, no value.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@_options.password
@run_verb
def command(console: Console, out: str, dataset: str | None, patients: int | None, like, **options) -> None:
    """Write an Access file about patients who do not exist.

    NHS numbers are of the range 999, which is never issued.

    \b
    Example:
      idbmigrate sample --dataset iapt-1.5 --patients 100 --with EmploymentAdviser --out pilot.mdb
    """
    if like is not None:
        from idbmigrate.sample import write_twin

        own = ("drift", "also", "without")
        if patients is not None or options["faults"] != "none" or any(options[name] for name in own):
            raise click.UsageError("--like takes patients, faults, tables and drift from the file.")
        seed, overwrite, password = options["seed"], options["overwrite"], options["password"]
        sample = write_twin(like, out, dataset=dataset, seed=seed, overwrite=overwrite, password=password)
    elif dataset is None or patients is None:
        raise click.UsageError("--dataset and --patients say what to write, or --like FILE.")
    else:
        from idbmigrate.sample import write_sample

        options.pop("password")
        sample = write_sample(
            out,
            dataset=dataset,
            patients=patients,
            drifted=options.pop("drift"),
            progress=lambda done, total: console.progress("writing", done, total),
            **options,
        )
    console.document({"file": str(sample.path), "dataset": sample.dataset, "rows": sample.rows})
    console.say(f"{sample.path}: {sample.dataset}, {sum(sample.rows.values()):,} rows")
    console.table(sample.rows.items(), ["table", "rows"])
