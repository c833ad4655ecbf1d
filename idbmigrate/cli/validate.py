"""``idbmigrate validate``: the rules of a target data set over converted output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb, write_whole

if TYPE_CHECKING:
    from idbmigrate.reports.document import Document

#: root causes shown before the rest is summed up; ``--findings`` writes all
CAUSES_SHOWN = 20

_COLOURS = {"file": "red", "group": "red", "record": "yellow", "warning": "cyan"}


@click.command("validate")
@click.argument("path", required=False, metavar="DIR|FILE", type=click.Path())
@click.option(
    "--as",
    "dataset",
    metavar="DATASET",
    help="Data set of the output, such as iapt-2.1; without it the one that the folder's manifest names.",
)
@click.option("--rules", is_flag=True, help="List the rules and how many of the published ones are checked.")
@click.option(
    "--period", metavar="YYYY-MM", help="Reporting month chosen in the portal, instead of the header's."
)
@click.option("--submitted", metavar="TIME", help="Moment of submission, YYYY-MM-DDTHH:MM:SS.")
@click.option("--provider", metavar="CODE", help="Organisation chosen in the portal as the provider.")
@click.option("--sender", metavar="CODE", help="Organisation that is logged in to the portal.")
@click.option(
    "--findings",
    "findings_file",
    type=click.Path(),
    metavar="FILE",
    help="Write every finding to a CSV file.",
)
@click.option(
    "--html", "html_file", type=click.Path(), metavar="FILE", help="Write the report as a web page."
)
@click.option(
    "--xlsx", "xlsx_file", type=click.Path(), metavar="FILE", help="Write the report as a workbook."
)
@click.option(
    "--share", is_flag=True, help="Reports for others: no identifiers or values, counts below 5 suppressed."
)
@_options.fail_on
@run_verb
def command(
    console: Console, path: str | None, dataset: str | None, rules: bool, fail_on: str, **options: Any
) -> int:
    """Check converted output by the rules of its data set, as the centre would.

    Reads the folder that convert wrote, the folder of one format in it, or one file of any format. All rules
    run before anything is said; what has one origin is one line, the gravest first. A rejected record takes
    with it what cannot stand without it.

    \b
    Example:
      idbmigrate validate out --findings findings.csv
      idbmigrate validate IDS001MPI.csv --as iapt-2.1
    """
    from idbmigrate.checks import check, load_pack
    from idbmigrate.datasets import load_dataset

    if rules and dataset is None:
        raise click.UsageError("name the data set of the rules with --as")
    if rules:
        show_rules(console, load_pack(dataset))
        return 0
    if path is None:
        raise click.UsageError("name a folder or a file to check, or give --rules")
    from idbmigrate.exporters.read_back import read_output, written_as
    from idbmigrate.result.summary import effects

    dataset = dataset or written_as(path)
    pack, target = load_pack(dataset), load_dataset(dataset)
    context = make_context(options)
    console.progress("reading")
    tables = read_output(path, target)
    console.progress("checking")
    outcome = check(tables, target, context, pack)
    document = _reports(console, path, tables, target, outcome, options)
    console.document(document)
    show(console, document)
    return 1 if _options.reached(effects(outcome.findings), fail_on) else 0


def make_context(options: dict[str, Any]) -> Any:
    """What the portal knows, from the options."""
    import re

    from idbmigrate.checks import Context
    from idbmigrate.checks.patterns import TIMESTAMP
    from idbmigrate.errors import UsageError
    from idbmigrate.execution.parameters import month_bounds

    submitted = options["submitted"]
    if submitted is not None and not re.fullmatch(TIMESTAMP, submitted):
        raise UsageError("--submitted takes a moment written YYYY-MM-DDTHH:MM:SS", code="bad-option")
    start, end = month_bounds(options["period"]) if options["period"] else (None, None)
    return Context(start, end, submitted, options["provider"], options["sender"])


def _reports(console, path, tables, target, outcome, options) -> Document:
    """Write what was asked for; give the document that may be shown."""
    from idbmigrate.checks.findings import write_csv
    from idbmigrate.reports import html, xlsx
    from idbmigrate.reports.document import for_output
    from idbmigrate.reports.share import shared

    document = for_output(Path(path).name, tables, target, outcome)
    shown = shared(document) if options["share"] else document
    local = None if options["share"] else outcome.findings
    for name, write in (
        (options["findings_file"], lambda place: write_csv(outcome.findings, place)),
        (options["html_file"], lambda place: html.write(shown, place)),
        (options["xlsx_file"], lambda place: xlsx.write(shown, place, local)),
    ):
        if name:
            write_whole(Path(name), write)
    return shown


def show(console: Console, document: Document) -> None:
    """Print the fate of the submission, then the root causes, then what was not run."""
    fate, covered = document["fate"], document["coverage"]
    assert fate is not None and covered is not None, "the rules were run"
    colour = {"accepted": "green", "accepted-in-part": "yellow", "rejected": "red"}[fate["outcome"]]
    console.say(console.style(fate["words"][:1].upper() + fate["words"][1:] + ".", "bold", colour))
    if fate["rejected_total"]:
        console.table(
            [(name, count, fate["rows"][name]) for name, count in fate["rejected"].items() if count],
            ["table", "rejected", "of"],
        )
    causes = document["root_causes"]
    console.say()
    console.say(console.style("Root causes" if causes else "No finding.", "bold"))
    for cause in causes[:CAUSES_SHOWN]:
        place = f"{cause['table']}.{cause['column']}" if cause["column"] else cause["table"] or ""
        lead = console.style(f"{cause['effect']:<8}", _COLOURS[cause["effect"]])
        console.say(f"  {lead}{_count(cause['count']):>10}  {cause['code'] or '':<10} {cause['message']}")
        console.say(f"{'':22}{place}{'; for example ' + cause['example'] if cause['example'] else ''}")
        console.say(f"{'':22}{cause['do']}")
    if len(causes) > CAUSES_SHOWN:
        console.say(f"  and {len(causes) - CAUSES_SHOWN} more: --findings, --html and --json show all")
    console.say()
    console.say(f"{covered['checked']} of {covered['published']} published rules are checked.")
    for code, why in covered["not_run"].items():
        console.say(f"  not run here: {code}, {why}")


def _count(count: Any) -> str:
    return f"{count:,}" if isinstance(count, int) else str(count)


def show_rules(console: Console, pack: Any) -> None:
    """Print the coverage of the published rules, and every rule."""
    from idbmigrate.checks.coverage import coverage

    covered = coverage(pack)
    console.document(covered)
    console.say(console.style(covered["title"], "bold"))
    console.say(f"  {covered['note']}")
    console.say()
    console.table(
        [
            ("published", covered["published"], ""),
            ("checked", covered["checked"], f"{covered['with_portal']} of them when portal values are given"),
            *(
                (f"not checked: {each['because']}", each["rules"], each["why"])
                for each in covered["not_checked"]
            ),
            ("rules of this project", covered["own"], "of the fate only where they reject"),
        ]
    )
    console.say()
    console.table(
        [
            (
                each["code"],
                each["effect"],
                each["table"] or "",
                each["state"],
                each["fails_when"] or each["note"] or "",
            )
            for each in covered["rules"]
        ],
        ["code", "effect", "table", "", "fails when"],
    )
