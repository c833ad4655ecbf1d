"""``idbmigrate inspect``: what a file is, and what in it is unlike its data set."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb

if TYPE_CHECKING:
    from idbmigrate.datasets import Dataset, Identification, TableMatch
    from idbmigrate.datasets.survey import Survey


@click.command("inspect")
@click.argument("file", metavar="FILE")
@click.option("--period", metavar="YYYY-MM", help="Show the submission windows that took this month.")
@_options.source
@_options.overlay
@_options.password
@_options.salvage
@run_verb
def command(
    console: Console,
    file: str,
    period: str | None,
    source: str | None,
    overlays: tuple[str, ...],
    password: str | None,
    salvage: bool,
) -> None:
    """Name the data set and version of FILE, with the evidence.

    FILE is an Access file, a folder of CSV files named as their tables, or a zip of such a folder.

    Lists the tables with their declared and read rows, and the columns against the description of the
    data set: which name matched, what is missing, what is extra, whose type or width differs, and
    which codes the national lists do not have. Then the submission windows of the data set: whether one
    is open today and, with --period, which ones took the month.

    \b
    Example:
      idbmigrate inspect file.mdb --overlay local-names.yaml
    """
    from dataclasses import asdict

    from idbmigrate.datasets import load_overlay
    from idbmigrate.datasets.survey import survey
    from idbmigrate.readers import open_idb

    overlay = load_overlay(*overlays) if overlays else None
    with open_idb(file, password=password, salvage=salvage) as idb:
        result = survey(idb, overlay, source)
        problems, linked, others = idb.problems, idb.linked_tables, list(idb.other_files)
        unread, losses = idb.unread_columns(), idb.losses
        written = [asdict(facts) for name in idb.tables if (facts := idb.facts(name))]
    windows = _windows(result.found.dataset, period)
    console.document(
        {
            "file": file,
            **result.as_dict(),
            "linked_tables": [table._asdict() for table in linked],
            "unread_columns": [column._asdict() for column in unread],
            "losses": [loss._asdict() for loss in losses],
            "csv_files": written,
            "other_files": others,
            "problems": [problem.as_dict() for problem in problems],
            "windows": windows,
        }
    )
    if not console.as_json:
        _show(console, file, result)
        if written:
            _heading(console, "How the files are written")
            console.table([tuple(line.values()) for line in written], list(written[0]))
        if others:
            _heading(console, "No CSV files, which are not read")
            console.say(f"  {', '.join(map(_visible, others))}")
        if linked:
            _heading(console, "Tables linked to elsewhere, which are not followed")
            console.table([(table.name, table.kind, table.foreign_name) for table in linked])
        if unread:
            _heading(console, "Attachments, OLE objects and cells of several values, value by value")
            lines = [(*column[:3], _count(column.values)) for column in unread]
            console.table(lines, ["table", "column", "holds", "values"])
        if losses:
            _heading(console, "Lost rows and values")
            lost = [(table, column or "(rows)", _count(count)) for table, column, count in losses]
            console.table(lost, ["table", "column", "lost"])
        _show_problems(console, problems)
        _show_windows(console, windows)


def _windows(dataset: str, period: str | None) -> dict:
    """The submission windows of the data set: those of a month, and the months that one takes today."""
    from datetime import date

    from idbmigrate.periods.windows import load_calendar

    calendar, today = load_calendar(dataset), date.today()
    found = calendar.as_dict([period] if period else [])
    return {"period": period, **found, "on": today.isoformat(), "open_for": calendar.open_for(today)}


def _show_windows(console: Console, windows: dict) -> None:
    _heading(console, "Submission windows")
    if windows["unknown"]:
        console.say(f"  not known: {windows['unknown']}")
        return
    console.say(f"  {_open_today(windows)}")
    if windows["period"] and not windows["taken"]:
        console.say(f"  {windows['period']}: no published window took it")
    for line in windows["taken"]:
        console.say(f"  {line['month']}: {line['kind']} from {line['opens']} to {line['closes']}")
    console.say(f"  {windows['source']}, {windows['confidence']}: {windows['note']}")


def _open_today(windows: dict) -> str:
    if windows["open_for"] is None:
        return (
            f"the published ones end on {windows['last_closes']}; whether one is open today nobody has said"
        )
    if windows["open_for"]:
        return f"one is open on {windows['on']}, for {', '.join(windows['open_for'])}"
    return f"none is open on {windows['on']}; the published ones end on {windows['last_closes']}"


def _show(console: Console, file: str, result: Survey) -> None:
    from idbmigrate.datasets import load_dataset

    found = result.found
    dataset = load_dataset(found.dataset)
    console.say(console.style(f"{file}: {found.dataset}", "bold"))
    console.say(f"  {dataset.title}")
    console.say(f"  {found.confidence}; {found.score:.0%} fits")
    for sentence in found.evidence:
        console.say(f"  - {sentence}")
    _show_tables(console, result)
    _show_columns(console, found, dataset)
    _show_codes(console, result)


def _show_problems(console: Console, problems) -> None:
    if problems:
        _heading(console, "Contradictions in the file")
        console.table([(problem.where, problem.message) for problem in problems], ["where", "what"])


def _show_tables(console: Console, result: Survey) -> None:
    counts = {count.table: count for count in result.counts}
    rows = []
    for table in result.found.tables:
        count = counts[table.source]
        matched = sum(1 for column in table.columns if column.canonical)
        known = (table.canonical, _met(table.how, table.confidence), matched, len(table.missing))
        name = known if table.canonical else (_guess(table), "", None, None)
        rows.append((_visible(table.source), *name, len(table.extra), count.declared, count.read))
    _heading(console, "Tables")
    console.table(rows, ["table", "is", "by", "matched", "missing", "extra", "declared", "read"])
    if result.found.missing_tables:
        console.say(f"  not in the file: {', '.join(result.found.missing_tables)}")


def _show_columns(console: Console, found: Identification, dataset: Dataset) -> None:
    aliases, missing, extra = [], [], []
    drifted: dict[str, list[str]] = {}
    for table in found.tables:
        if table.canonical is None:
            continue
        for column in table.columns:
            place = f"{table.canonical}.{column.canonical or column.source}"
            if column.how in ("alias", "overlay"):
                aliases.append((place, _visible(column.source), _met(column.how, column.confidence)))
            if column.drift:
                drifted.setdefault(column.drift, []).append(place)
            if column.canonical is None:
                extra.append((_visible(f"{table.source}.{column.source}"), column.type, column.length))
        for name in table.missing:
            spec = dataset.tables[table.canonical].columns[name]
            known = "" if spec.expected else "only in some files"
            missing.append((f"{table.canonical}.{name}", spec.confidence, known))
    for title, rows, header in (
        ("Columns by another name", aliases, ["column", "in the file", "by"]),
        ("Columns that the file does not have", missing, ["column", "name is", ""]),
        ("Columns that the data set does not have", extra, ["column", "type", "length"]),
    ):
        if rows:
            _heading(console, title)
            console.table(rows, header)
    if drifted:
        _heading(console, "Columns of another type or width")
        for drift, places in drifted.items():
            console.say(f"  {drift}:")
            console.say(
                textwrap.fill(", ".join(places), 100, initial_indent="    ", subsequent_indent="    ")
            )


def _show_codes(console: Console, result: Survey) -> None:
    if result.new_codes:
        _heading(console, "Values that the national code lists do not have")
        console.table(
            [
                (f"{code.table}.{code.column}", _quoted(code.value), code.rows, _reads_as(code.like))
                for code in result.new_codes
            ],
            ["column", "value", "rows", ""],
        )
        if any(code.value in ("false", "0") for code in result.new_codes):
            console.say("  What false or 0 means is for you to say, in an overlay:")
            for name, columns in _deciding(result).items():
                console.say(f"    lookups: {{{name}: {{false: CODE, 0: CODE}}}}   for {', '.join(columns)}")


def _deciding(result: Survey) -> dict[str, list[str]]:
    """The lookups of the mappings of this data set that read a no of a Yes/No column, with those columns."""
    from idbmigrate.datasets import list_datasets
    from idbmigrate.errors import UsageError
    from idbmigrate.mapping.codes import uses
    from idbmigrate.mapping.load import find_mapping, load_mapping

    undecided = {(code.table, code.column) for code in result.new_codes if code.value in ("false", "0")}
    found: dict[str, list[str]] = {}
    for target in list_datasets("target"):
        try:
            mapping = load_mapping(find_mapping(result.found.dataset, target))
        except UsageError:  # no mapping leads there
            continue
        for name, use in uses(mapping).items():
            for column in sorted(undecided & set(use.sources)):
                place = ".".join(column)
                if place not in found.setdefault(name, []):
                    found[name].append(place)
    return {name: columns for name, columns in found.items() if columns}


def _count(count: int | None) -> int | str:
    return "unknown" if count is None else count


def _heading(console: Console, text: str) -> None:
    console.say()
    console.say(console.style(text, "bold"))


def _met(how: str | None, confidence: str | None) -> str:
    return "overlay" if how == "overlay" else f"{how}, {confidence}"


def _guess(table: TableMatch) -> str:
    return f"unknown, looks like {table.resembles}" if table.resembles else "unknown"


def _quoted(value: str | None) -> str:
    return "(longer, or more of them)" if value is None else f"'{_visible(value)}'"


def _reads_as(like: str | None) -> str:
    return f"perhaps {like}" if like else ""


def _visible(text: str) -> str:
    """Text of the file without the control characters that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
