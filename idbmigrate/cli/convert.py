"""``idbmigrate convert``: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb
from idbmigrate.cli.measures import show_comparison
from idbmigrate.errors import BooksError
from idbmigrate.exporters import FORMATS

if TYPE_CHECKING:
    from idbmigrate.execution.belonging import KeyLine
    from idbmigrate.ledger.inexact import InexactLine
    from idbmigrate.result.proposals import Proposal
    from idbmigrate.result.run import Run
    from idbmigrate.result.summary import BatchSummary, LeftBehind, NotRead, Summary, TableIn, Total

#: reasons shown before the rest is summed up; all of them are in manifest.json
REASONS_SHOWN = 12
#: root causes of findings shown before the rest is summed up
CAUSES_SHOWN = 6


@click.command("convert")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
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
    "--template",
    metavar="FILE",
    help="Access template that --format idb fills a copy of; without one the file is for tests only.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Accept what would end a run or reject records: linked-tables, empty-period, conflict:NAME, or a "
    "difference of the template (kind:TABLE.COLUMN, or a kind, table or column). Repeatable.",
)
@click.option(
    "--mapping", metavar="FILE", help="A mapping file of your own, instead of the one that comes along."
)
@_options.source
@click.option(
    "--set",
    "settings",
    multiple=True,
    type=_options.Setting(),
    help="Set a parameter of the mapping, such as org_id_provider=RX1. Repeatable.",
)
@_options.overlay
@_options.accept
@click.option("--period", metavar="YYYY-MM", help="Only the records of this reporting month.")
@click.option("--split", type=click.Choice(["month"]), help="One package for each reporting month.")
@_options.overwrite
@_options.readable_by_others
@_options.share
@click.option(
    "--pseudonymise",
    metavar="KEYFILE",
    help="Write pseudonyms made with the key in this file, years of birth, districts and hours, and nothing "
    "that is not known to be harmless. With csv, parquet and analysis.",
)
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Run the target's rules and write findings and reports; validate does so later, too.",
)
@click.option(
    "--compare",
    "comparing",
    is_flag=True,
    help="Compare published counts of file and output; exit with 5 where a difference has no reason.",
)
@click.option(
    "--keep-going/--no-keep-going",
    default=True,
    show_default=True,
    help="Of several files, convert the others where one fails; the exit code is the gravest.",
)
@_options.optimise
@_options.fail_on
@_options.password
@_options.salvage
@run_verb
def command(
    console: Console,
    files: tuple[str, ...],
    to: str,
    formats: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    overlays: tuple[str, ...],
    comparing: bool,
    fail_on: str,
    **options: Any,
) -> int:
    """Convert legacy files to the data set DATASET.

    FILE is an Access file, a folder of CSV files named as their tables, or a zip of such a folder.

    Every row and every value is accounted for: carried, rejected, or dropped by a named rule. If the
    books do not balance nothing is written.

    \b
    Example:
      idbmigrate convert file.mdb --to iapt-2.1 --out out --format csv --format xml
    """
    import idbmigrate
    from idbmigrate.result.batch import Batch

    measured: list[list[dict[str, Any]]] = []

    def compare(run: Run) -> None:
        if comparing:
            console.progress("comparing")
            measured.append(compared(run, options["share"]))

    result = idbmigrate.convert(
        files[0] if len(files) == 1 else list(files),
        to=to,
        formats=list(formats) or ["csv"],
        parameters=dict(settings),
        overlay=list(overlays) or None,
        progress=console.progress,
        notice=console.note,
        each=compare,
        **options,
    )
    if isinstance(result, Batch):
        summaries = list(result.summaries.values())
    else:
        compare(result)
        summaries = [result.summary]
    for each, lines in zip(summaries if comparing else (), measured, strict=True):
        each["measures"] = lines
    console.document(result.summary if isinstance(result, Batch) else summaries[0])
    names = result.summaries if isinstance(result, Batch) else [None]
    for name, each in zip(names, summaries, strict=True):
        show(console, each, str(result.paths[name]) if isinstance(result, Batch) else None)
        if comparing:
            show_comparison(console, each["measures"], each["period"])
    if options["template"] and "idb" in formats:
        from idbmigrate.cli.fill import note_unevaluated
        from idbmigrate.exporters.idb import unevaluated

        note_unevaluated(console, unevaluated(options["template"]))
    failed = 0
    if isinstance(result, Batch):
        show_all(console, result.summary, {name: str(path) for name, path in result.paths.items()})
        failed = result.exit_code
    if any(line["outcome"] == "fault" for each in summaries for line in each.get("measures", ())):
        return max(failed, BooksError.exit_code)
    return max(failed, int(any(_options.reached(each["findings"], fail_on) for each in summaries)))


def compared(run: Run, share: bool) -> list[dict[str, Any]]:
    """The published counts of both sides of a run."""
    from idbmigrate.measures import compare_run
    from idbmigrate.measures.share import shared_comparison

    lines = [line.as_dict() for line in compare_run(run)]
    return shared_comparison(lines) if share else lines


def show(console: Console, summary: Summary, path: str | None = None) -> None:
    """Print what went in, what came out, and what was left behind and why; ``path`` tells files apart."""
    from idbmigrate.datasets import load_dataset

    names = path or ", ".join(item["file"] for item in summary["inputs"])
    mapping = summary["mapping"]
    _heading(console, f"{names}: {summary['source']} to {summary['target']}")
    console.say(f"  mapping {mapping['name']} {mapping['version']}, codes accepted: {summary['accept']}")
    if unknown := load_dataset(summary["target"]).unknown:
        console.say(f"  not known: {unknown}")
    if period := summary.get("period"):
        console.say(f"  month {period}: reasons, keys and counts speak of it, the rest is outside-period")
    if overlay := summary.get("overlay"):
        names = ", ".join(each["file"] for each in overlay["files"])
        console.say(f"  overlay {names}, codes decided: {overlay['decided']}")

    problems = [problem for item in summary["inputs"] for problem in item.get("problems", ())]
    if problems:
        _heading(console, "Contradictions in the file")
        console.table([(p["where"], p["message"]) for p in problems], ["where", "what"])

    unread = [line for item in summary["inputs"] for line in item.get("not_read", ())]
    if unread:
        _heading(console, "Not read")
        console.table([_not_read(line) for line in unread], ["table", "column", "rows", "values", "why"])

    _heading(console, "Went in")
    console.table(
        [_incoming(line) for line in summary["tables_in"] if line["rows"]],
        ["table", "rows in", "carried", "rejected", "dropped", "values in", "carried", "rejected", "dropped"],
    )
    _heading(console, "Came out")
    console.table(
        [(line["table"], line["rows"]) for line in summary["tables_out"] if line["rows"]], ["table", "rows"]
    )
    _left_behind(console, summary["left_behind"])
    _proposals(console, summary.get("proposals", []))
    _less_exactly(console, summary.get("less_exactly", []))
    _keys(console, summary.get("keys", []))
    _findings(console, summary)
    _closing(console, summary)


def show_all(console: Console, summary: BatchSummary, paths: dict[str, str]) -> None:
    """Print one line a file, what all of them come to, which file each was, and which failed."""
    from idbmigrate.result.summary import total

    _heading(console, "All files")
    lines = [(name, each["source"], total([each])) for name, each in summary["runs"].items()]
    lines.append(("together", "", summary["total"]))
    found = sum(summary["total"]["findings"].values())
    shown = len(_ALTOGETHER) if found else -1  # there are none, or no rules were run
    console.table([_altogether(*line)[:shown] for line in lines], _ALTOGETHER[:shown])
    _heading(console, "Which file is which")
    failed = summary["failed"]
    console.table(
        [(name, "failed" if name in failed else "converted", path) for name, path in paths.items()],
        ["folder", "", "file"],
    )
    if failed:
        _heading(console, console.style(f"Not converted: {len(failed)} of {len(paths)}", "red"))
        for error in failed.values():
            console.say(f"  {error['where']}: {error['message']} [{error['error']}]")
            if error["hint"]:
                console.say(f"    {error['hint']}")
    console.say(f"\n{len(summary['runs'])} files, each in a folder of its own, in {summary['out']}")


_ALTOGETHER = [
    "folder",
    "data set",
    "rows in",
    "carried",
    "values in",
    "carried",
    "rejected",
    "dropped",
    "findings",
]


def _altogether(name: str, source: str, come_to: Total) -> list[Any]:
    rows, values = come_to["rows"], come_to["values"]
    shown = [values["in"], values["carried"], values["rejected"], values["dropped"]]
    return [name, source, rows["in"], rows["carried"], *shown, sum(come_to["findings"].values())]


def _incoming(line: TableIn) -> list[Any]:
    values = line["values"]
    rows = [line["rows"], line["carried"], line["rejected"], line["dropped"]]
    return [line["table"], *rows, values["in"], values["carried"], values["rejected"], values["dropped"]]


def _left_behind(console: Console, reasons: list[LeftBehind]) -> None:
    _heading(console, "Left behind, and why")
    if not reasons:
        console.say("  nothing")
        return
    shown, rest = reasons[:REASONS_SHOWN], reasons[REASONS_SHOWN:]
    lines: list[tuple[object, ...]] = [
        (r["values"], r["rows"], r["outcome"], r["reason"], r["meaning"]) for r in shown
    ]
    if rest:
        values, rows = sum(item["values"] for item in rest), sum(item["rows"] for item in rest)
        lines.append((values, rows, "", f"{len(rest)} more reasons", "all of them are in manifest.json"))
    console.table(lines, ["values", "rows", "", "reason", "meaning"])


def _proposals(console: Console, found: list[Proposal]) -> None:
    """What a run that accepts our proposals would carry, therapies first."""
    if not found:
        return
    _heading(console, "What --accept proposed would carry")
    lines: list[tuple[object, ...]] = [
        (each["values"], f"{each['table']}.{each['column']}", each["code"], each["to"], each["note"])
        for each in found[:REASONS_SHOWN]
    ]
    if rest := found[REASONS_SHOWN:]:
        values = sum(each["values"] for each in rest)
        lines.append((values, "", "", "", f"{len(rest)} more, in manifest.json"))
    console.table(lines, ["values", "column", "code", "becomes", "note"])


def _less_exactly(console: Console, found: list[InexactLine]) -> None:
    """Print which carried values are not all in the target."""
    if found:
        _heading(console, "Carried less exactly")
        lines = [
            (line["values"], f"{line['table']}.{line['column']}", line["how"], line["lookup"] or "")
            for line in found[:REASONS_SHOWN]
        ]
        if rest := found[REASONS_SHOWN:]:
            lines.append(
                (sum(line["values"] for line in rest), f"{len(rest)} more, in manifest.json", "", "")
            )
        console.table(lines, ["values", "of", "how", "lookup"])


def _keys(console: Console, found: list[KeyLine]) -> None:
    """What was found about whose record a record is."""
    if found:
        _heading(console, "Whose record it is")
        lines = [(line["rows"], _place(line), line["finding"], line["meaning"]) for line in found]
        console.table(lines, ["rows", "of", "finding", "meaning"])


def _place(line: KeyLine) -> str:
    return f"{line['table']}.{line['column']}" if line["column"] else line["table"]


def _findings(console: Console, summary: Summary) -> None:
    causes = summary.get("root_causes", [])
    if not causes:
        return
    counts = ", ".join(f"{count:,} {effect}" for effect, count in summary["findings"].items() if count)
    _heading(console, f"Findings: {counts}")
    lines: list[tuple[object, ...]] = [
        (c["count"], c["effect"], c["code"] or "", c["message"]) for c in causes[:CAUSES_SHOWN]
    ]
    if rest := causes[CAUSES_SHOWN:]:
        all_of_them = "report.html has all of them, and what to do"
        lines.append((sum(c["count"] for c in rest), "", f"{len(rest)} more", all_of_them))
    console.table(lines, ["findings", "effect", "rule", "root cause"])


def _closing(console: Console, summary: Summary) -> None:
    from idbmigrate.result.summary import total

    come_to = total([summary])
    rows, values = come_to["rows"], come_to["values"]
    console.say()
    lines = [line for item in summary["inputs"] for line in item.get("not_read", ())]
    without = f" without {', '.join(map(_unread, lines))}" if lines else ""
    if any(item.get("problems") for item in summary["inputs"]):
        words = f"The books balance over what could be read of the file{',' if lines else ''}{without}"
        verdict = console.style(words, "bold", "red")
    elif lines:
        verdict = console.style(f"The books balance{without}, which nobody has read", "bold", "red")
    else:
        verdict = console.style("The books balance", "bold", "green")
    shares = f"{rows['carried']:,} of {rows['in']:,} rows and {values['carried']:,} of {values['in']:,}"
    console.say(f"{verdict}: {shares} values are carried, every other one has its reason.")
    if summary["out"]:
        size = sum(item["bytes"] for item in summary["files"])
        if months := summary.get("months"):
            console.say(f"{len(months)} monthly packages, {months[0]} to {months[-1]}")
        console.say(f"{len(summary['files'])} files, {size / 1e6:,.1f} MB, in {summary['out']}")


def _not_read(line: NotRead) -> tuple[object, ...]:
    counts = ("unknown" if count is None else count or "" for count in (line["rows"], line["values"]))
    return line["table"], line.get("column", ""), *counts, line["why"]


def _unread(line: NotRead) -> str:
    """What nobody has read, as a sentence names it."""
    place = f"{line['table']}.{line['column']}" if "column" in line else line["table"]
    rows = line["rows"]
    return f"{rows:,} row{'s' if rows > 1 else ''} of {place}" if rows else place


def _heading(console: Console, text: str) -> None:
    console.say()
    console.say(console.style(text, "bold"))
