"""``idbmigrate explain``: where a cell came from, and what became of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb

if TYPE_CHECKING:
    from idbmigrate.explanation import BookEntry, Cell, SourceRow, TargetRow


@click.command("explain")
@click.argument("out", metavar="OUT", type=click.Path())
@click.argument("table", metavar="TABLE")
@click.argument("which", metavar="ROW...", nargs=-1, required=True)
@click.option("--column", metavar="COLUMN", help="Explain this column alone.")
@click.option(
    "--source",
    "source",
    type=click.Path(),
    metavar="FILE",
    help="TABLE and ROW are those of this file, which the run read: what became of the row.",
)
@click.option(
    "--file",
    "file",
    type=click.Path(),
    metavar="FILE",
    help="The file that the run read, where it is neither beside OUT nor in the current folder.",
)
@click.option(
    "--mapping", type=click.Path(), metavar="FILE", help="The run's own mapping file, if it had one."
)
@click.option("--share", is_flag=True, help="Show no value and no byte of the record.")
@_options.overlay
@_options.password
@run_verb
def command(
    console: Console,
    out: str,
    table: str,
    which: tuple[str, ...],
    column: str | None,
    source: str | None,
    file: str | None,
    mapping: str | None,
    share: bool,
    overlays: tuple[str, ...],
    password: str | None,
) -> None:
    """Explain a row of the output OUT: each cell with its rule, its codes and the bytes that it is from.

    ROW is the primary key's value, COLUMN=VALUE (repeatable), or #N, the row's number from 1. With --source
    it is a row of the file, also by its place as page:slot: every cell that it became, and why the rest
    stayed behind. The run is made again from its manifest; another version, file, mapping or overlay than the
    run's is refused.

    \b
    Example:
      idbmigrate explain out IDS101Referral ServiceRequestId=R1 --column EndCode
      idbmigrate explain out --source file.mdb Referral 42:3
    """
    from idbmigrate.explanation import SourceRow, explain

    found = explain(
        out,
        table,
        *which,
        of_source=source is not None,
        column=column,
        file=source or file,
        mapping=mapping,
        overlay=overlays,
        password=password,
        progress=console.progress,
    )
    shown = found.shared() if share else found
    console.document(shown.as_dict())
    if isinstance(shown, SourceRow):
        _show_source(console, shown)
    else:
        _show_target(console, shown)


def _show_target(console: Console, row: TargetRow) -> None:
    console.say(console.style(f"{row.table} row {row.row}", "bold"))
    console.say(f"  made from {', '.join(row.made_from) or 'no row of the file'}")
    for cell in row.cells:
        console.say()
        value = "(missing)" if cell.value is None else cell.value
        console.say(f"{console.style(cell.column, 'bold')}: {value}")
        if cell.rule is None:
            console.say("  the mapping fills it with nothing")
        else:
            _show_cell(console, cell)


def _show_cell(console: Console, cell: Cell) -> None:
    rule = cell.rule
    assert rule is not None
    sure = f", {rule.confidence}" if rule.confidence else ""
    console.say(f"  rule    {rule.place}{sure}")
    if rule.note:
        console.say(f"          {rule.note}")
    for name, value in rule.parameters.items():
        console.say(f"  set     {name}={value}")
    for use in rule.lookups:
        if use.code is None:
            console.say(f"  lookup  {use.lookup}")
            continue
        facts = ", ".join(word for word in (use.equivalence, use.confidence) if word)
        console.say(
            f"  lookup  {use.lookup}: {use.code} -> {use.to or 'nothing'}" + (f" ({facts})" if facts else "")
        )
        for word in (use.place, use.source, use.note):
            if word:
                console.say(f"          {word}")
    if cell.reason:
        console.say(f"  behind  {cell.reason} ({cell.meaning})")
    for name in rule.targets:
        console.say(f"  target  {name}")
    for origin in cell.origins:
        lead = "value   " if origin.carried else "looks at"
        raw = "(missing)" if origin.raw is None else origin.raw
        clean = "" if origin.clean == origin.raw else f", read as {origin.clean or '(missing)'}"
        console.say(f"  {lead}{origin.table}.{origin.column} at {origin.place}: {raw}{clean}")
        if origin.stored is not None and origin.offset is not None:
            console.say(f"          bytes at {origin.offset:,}: {origin.stored}")


def _show_source(console: Console, row: SourceRow) -> None:
    console.say(console.style(f"{row.table} row {row.place}", "bold"))
    console.say(f"  {_words(row.row)}")
    console.say()
    console.table(
        [(each.column, "" if each.value is None else each.value, _words(each)) for each in row.values],
        ["column", "value", "what became of it"],
    )


def _words(entry: BookEntry) -> str:
    if entry.outcome is None:
        return ""
    if entry.reason is None:
        return f"carried: {', '.join(entry.cells)}"
    way = f", on the way to {entry.on_the_way_to}" if entry.on_the_way_to else ""
    return f"{entry.outcome}: {entry.reason}{way} ({entry.meaning})"
