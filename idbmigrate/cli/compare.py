"""``idbmigrate compare``: two outputs of one data set, by its keys."""

from __future__ import annotations

from pathlib import Path

import click

from idbmigrate.cli._output import Console, run_verb, write_whole


@click.command("compare")
@click.argument("a", metavar="A", type=click.Path())
@click.argument("b", metavar="B", type=click.Path())
@click.option(
    "--as",
    "dataset",
    metavar="DATASET",
    help="Data set of both, such as iapt-2.1; without it the one that their manifests name.",
)
@click.option(
    "--html", "html_file", type=click.Path(), metavar="FILE", help="Write the comparison as a web page."
)
@click.option(
    "--xlsx", "xlsx_file", type=click.Path(), metavar="FILE", help="Write the comparison as a workbook."
)
@run_verb
def command(
    console: Console, a: str, b: str, dataset: str | None, html_file: str | None, xlsx_file: str | None
) -> int:
    """Compare the outputs A and B: rows that only one has, and values that differ, by the data set's keys.

    A and B are folders that convert wrote, folders of CSV files, such as another supplier's export, or
    single files of any format. The order of rows does not matter. Differences are counted and shown by the
    numbers of rows, never by value. Where both are runs of idbmigrate, each names the rule of the mapping
    and what the runs did differently. Ends with exit code 1 where the two differ.

    \b
    Example:
      idbmigrate compare out-before out-after
      idbmigrate compare out their-export --as iapt-2.1 --html differences.html
    """
    from idbmigrate.comparison import compare, report

    found = compare(a, b, dataset=dataset, progress=console.progress)
    if html_file:
        write_whole(Path(html_file), lambda place: report.write_page(found, place))
    if xlsx_file:
        write_whole(Path(xlsx_file), lambda place: report.write_workbook(found, place))
    console.document(found.as_dict())
    colour = "green" if found.equal else "yellow"
    console.say(console.style(f"{found.dataset}: {report.verdict(found)}", "bold", colour))
    if not found.equal:
        _show(console, "Rows by table", report.TABLES, report.table_lines(found))
        _show(console, "Values that differ", report.VALUES, report.value_lines(found))
    _show(console, "What the runs did differently", report.RUNS, report.run_lines(found))
    return 0 if found.equal else 1


def _show(console: Console, title: str, header, lines) -> None:
    rows = list(lines)
    if rows:
        console.say()
        console.say(console.style(title, "bold"))
        console.table(rows, [name.lstrip("#") for name in header])
