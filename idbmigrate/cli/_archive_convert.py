"""``idbmigrate archive convert``: the files of an archive as one set of tables a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb
from idbmigrate.exporters import FORMATS

if TYPE_CHECKING:
    from idbmigrate.archive.converting import ArchiveRun

#: Files whose fate is shown one by one; all of them are in manifest.json.
FILES_SHOWN = 20


@click.command("convert")
@click.argument("archive", metavar="ARCHIVE")
@click.option("--to", required=True, metavar="DATASET", help="Target data set, such as iapt-2.1.")
@click.option("--out", required=True, metavar="DIR", help="Folder to make; it appears whole or not at all.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(FORMATS),
    help="Format of the output, csv if none is given. Repeatable.",
)
@click.option(
    "--split",
    type=click.Choice(["month"]),
    help="A folder for each month, each made from the records of its patients alone; else one a provider.",
)
@click.option(
    "--memory",
    default="2GB",
    show_default=True,
    metavar="AMOUNT",
    help="Memory for choosing between the records of all files; what needs more goes to the disk.",
)
@click.option(
    "--link",
    type=click.Choice(["nhs-number"]),
    help="List who is one person under several identifiers, by valid NHS number and birth date: links.csv.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Go on without files about which you have not decided (undecided), or in spite of a conflict "
    "(conflict:NAME). Repeatable.",
)
@click.option(
    "--mapping", metavar="FILE", help="A mapping file of your own, instead of the one that comes along."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    type=_options.Setting(),
    help="Set a parameter of the mapping, such as commissioner=15F. Repeatable.",
)
@_options.overlay
@_options.accept
@_options.overwrite
@_options.readable_by_others
@_options.share
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Run the target's rules and write findings and reports.",
)
@click.option(
    "--no-wait", is_flag=True, help="Fail while another call works on the archive, instead of waiting for it."
)
@_options.optimise
@_options.fail_on
@run_verb
def command(
    console: Console,
    archive: str,
    formats: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    overlays: tuple[str, ...],
    fail_on: str,
    no_wait: bool,
    **options: Any,
) -> int:
    """Convert the files of ARCHIVE that win their months, as one set of tables for each provider.

    The refresh of a month replaces its primary submission, of two of a kind the later the earlier, and
    the same content counts once. A record of a later month replaces the same record of an earlier one.
    What nobody can tell ends the call: decide it in submissions.csv. Every row of every file is
    accounted for: carried, rejected, dropped, superseded by a file, or gone with a refresh.

    \b
    Example:
      idbmigrate archive convert years --to iapt-2.1 --out out
      idbmigrate archive convert years --to mhsds-6.0 --out out --split month --memory 1GB
    """
    from idbmigrate.archive.converting import convert

    result = convert(
        archive,
        formats=list(formats) or ["csv"],
        parameters=dict(settings),
        overlay=list(overlays) or None,
        progress=console.progress,
        notice=console.note,
        wait=not no_wait,
        **options,
    )
    console.document(result.summary)
    _show(console, result)
    return int(any(_options.reached(each["findings"], fail_on) for each in result.summaries.values()))


def _show(console: Console, result: ArchiveRun) -> None:
    """Print what became of the files, of the rows of each table, and what each run came to."""
    from idbmigrate.result.summary import total

    _heading(console, f"Files: {len(result.decisions)}")
    fates: dict[str, int] = {}
    for each in result.files:
        fates[each["fate"]] = fates.get(each["fate"], 0) + 1
    console.table([(count, word) for word, count in sorted(fates.items())], ["files", "fate"])
    left = sorted(
        (each for each in result.files if each["fate"] not in ("wins", "copy")),
        key=lambda each: (each["fate"] == "superseded", each["fate"], each["file"]),
    )
    if left:
        _heading(console, "Not used, and why")
        lines = [(each["file"], each["fate"], each["why"]) for each in left[:FILES_SHOWN]]
        console.table(lines, ["file", "", "why"])
        if len(left) > FILES_SHOWN:
            console.say(f"  {len(left) - FILES_SHOWN} more, in manifest.json")
    _heading(console, "Rows of all files")
    console.table(
        _by_table(result), ["table", "rows", "carried", "superseded", "gone", "rejected", "dropped"]
    )
    _heading(console, "Runs")
    rows = []
    for name, summary in result.summaries.items():
        come_to = total([summary])
        rows.append(
            (name, come_to["rows"]["in"], come_to["rows"]["carried"], sum(come_to["findings"].values()))
        )
    console.table(rows, ["folder", "rows in", "carried", "findings"])
    if counts := result.link_counts:
        console.say(
            f"\nIdentifiers linked: {counts['linked']:,}; ambiguous: {counts['ambiguous']:,} (links.csv)"
        )
    console.say()
    console.say(console.style("The books balance over all files.", "bold", "green"))
    if result.out:
        console.say(
            f"{len(result.summaries)} folders in {result.out}; manifest.json has every file and row count"
        )


def _by_table(result: ArchiveRun) -> list[tuple[Any, ...]]:
    tables: dict[str, list[int]] = {}
    for line in result.lines:
        counts = tables.setdefault(line["table"], [0] * 6)
        superseded = sum(line["superseded"].values())
        own = (line["in"], line["carried"], superseded, line["gone"], line["rejected"], line["dropped"])
        for at, count in enumerate(own):
            counts[at] += count
    return [(table, *counts) for table, counts in tables.items()]


def _heading(console: Console, text: str) -> None:
    console.say()
    console.say(console.style(text, "bold"))
