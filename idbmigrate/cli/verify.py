"""``idbmigrate verify``: two independent decodings of one file, compared cell by cell."""

from __future__ import annotations

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb


@click.command("verify")
@click.argument("file", metavar="FILE")
@click.option(
    "--reader",
    type=click.Choice(["access-parser", "mdbtools"]),
    default="access-parser",
    show_default=True,
    help="The second reader. mdbtools has to be installed on the machine.",
)
@click.option(
    "--raw", is_flag=True, help="Show values and bytes of differing cells: they may be patients' data."
)
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Cells to list a column."
)
@_options.password
@run_verb
def command(console: Console, file: str, reader: str, raw: bool, limit: int, password: str | None) -> int:
    """Decode FILE with the native reader and with a second, independent one, and compare every cell.

    A folder of CSV, or a zip of it, is read a second time by Python's own csv, whatever --reader says.

    Compares row counts with the table definitions, columns and their lengths, and each cell. A
    difference that is a known fault of the second reader is listed with the rule that recognises it,
    and the native reader is believed. Any other ends with exit code 5.

    \b
    Example:
      idbmigrate verify file.mdb
      idbmigrate verify file.mdb --reader mdbtools --raw
    """
    from idbmigrate.readers.compare import compare_readers

    result = compare_readers(file, password, reader, raw, limit)
    console.document(result.as_dict())
    if not console.as_json:
        _show(console, result)
    return 0 if result.agreed else 5


def _show(console: Console, result) -> None:
    verdict = "the readers agree" if result.agreed else "the readers disagree"
    if not result.complete:
        verdict += ", as far as the second one could read"
    colour = "green" if result.agreed and result.complete else "yellow" if result.agreed else "red"
    console.say(console.style(f"{result.file}: native and {result.reader}: {verdict}", "bold", colour))
    if result.failure:
        console.say(f"  {result.failure}; nothing was compared")
        return
    rows = [
        (t.name, t.declared_rows, t.native_rows, t.other_rows, t.cells, t.explained, t.unexplained)
        for t in result.tables
    ]
    header = ["table", "declared", "native", result.reader, "cells", "explained", "unexplained"]
    console.say()
    console.table(rows, header)
    _show_differences(console, result)


def _show_differences(console: Console, result) -> None:
    differences = [d for table in result.tables for d in table.differences]
    rules: dict[str, str] = {}
    if differences:
        console.say()
        console.say(console.style("Differences", "bold"))
    for difference in differences:
        place = difference.table + (f".{difference.column}" if difference.column else "")
        if difference.page is not None and difference.slot is None:
            place += f" line {difference.page}"
        elif difference.page is not None:
            place += f" page {difference.page} slot {difference.slot}"
        cause = difference.rule or console.style("unexplained", "red")
        both = f"native {difference.native or '-'}; {result.reader} {difference.other or '-'}"
        console.say(f"  {difference.kind}: {place}: {both} [{cause}]")
        for name, value in (difference.raw or {}).items():
            console.say(f"      {name}: {value}")
        if difference.rule:
            rules[difference.rule] = difference.reason
    if rules:
        console.say()
        console.say(console.style("The native reader is believed, because", "bold"))
        console.table(rules.items(), indent=2)
