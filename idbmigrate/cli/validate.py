"""``idbmigrate validate``: the rules of a data set over converted output, or over a legacy file itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

    from idbmigrate.reports.document import Document

#: root causes shown before the rest is summed up; ``--findings`` writes all
CAUSES_SHOWN = 20

#: Options that speak of the legacy file, by the name of their value.
LEGACY_ONLY = {
    "overlays": "--overlay",
    "password": "--password",
    "salvage": "--salvage",
    "allow": "--allow",
}

_COLOURS = {"file": "red", "group": "red", "record": "yellow", "warning": "cyan"}


@click.command("validate")
@click.argument("path", required=False, metavar="DIR|FILE", type=click.Path())
@click.option(
    "--as",
    "dataset",
    metavar="DATASET",
    help="Data set of the output, such as iapt-2.1, or of the legacy file. Without it: the one that the "
    "folder's manifest names, or what the file is found to be.",
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
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Of a legacy file: accept linked-tables, or conflict:NAME as a warning. Repeatable.",
)
@_options.overlay
@_options.password
@_options.salvage
@_options.fail_on
@run_verb
def command(
    console: Console, path: str | None, dataset: str | None, rules: bool, fail_on: str, **options: Any
) -> int:
    """Check converted output by the rules of its data set, as the centre would, or a legacy file itself.

    Reads the folder that convert wrote, the folder of one format in it, or one file of any format. All rules
    run before anything is said; what has one origin is one line, the gravest first. A rejected record takes
    with it what cannot stand without it.

    Of a legacy Access file what is public of its data set is checked: how values are written, codes, ranges,
    keys and dates (docs/rules.md). --overlay, --password, --salvage and --allow are for legacy files.

    \b
    Example:
      idbmigrate validate out --findings findings.csv
      idbmigrate validate IDS001MPI.csv --as iapt-2.1
      idbmigrate validate file.mdb --as iapt-1.5 --period 2019-04
    """
    from idbmigrate.checks import load_pack

    if rules and dataset is None:
        raise click.UsageError("name the data set of the rules with --as")
    if rules:
        show_rules(console, load_pack(dataset))
        return 0
    if path is None:
        raise click.UsageError("name a folder or a file to check, or give --rules")
    from idbmigrate.datasets import load_dataset
    from idbmigrate.result.summary import effects

    dataset = dataset or _data_set(path)
    legacy = dataset is None or load_dataset(dataset).role == "source"
    checked = _check_source if legacy else _check_output
    document, findings = checked(console, path, dataset, options)
    document = _reports(document, findings, options)
    console.document(document)
    show(console, document)
    return 1 if _options.reached(effects(findings), fail_on) else 0


def _data_set(path: str) -> str | None:
    """The data set that a manifest names; none for an Access file without one, which is a legacy file."""
    from idbmigrate.errors import UsageError
    from idbmigrate.exporters import FORMATS
    from idbmigrate.exporters.read_back import written_as

    try:
        return written_as(path)
    except UsageError:
        if Path(path).is_file() and Path(path).suffix.lower() in FORMATS["idb"]:
            return None
        raise


def _check_source(
    console: Console, path: str, dataset: str | None, options: dict[str, Any]
) -> tuple[Document, pa.Table]:
    """Check a legacy file; give the document and the findings."""
    from idbmigrate.conversion.options import Options
    from idbmigrate.conversion.source_check import TARGET, check_source
    from idbmigrate.reports.document import for_source
    from idbmigrate.result.summary import identified

    wanted = Options(
        to=TARGET,
        source=dataset,
        overlay=options["overlays"],
        password=options["password"],
        salvage=options["salvage"],
        allow=options["allow"],
    )
    done = check_source(Path(path), wanted, make_context(options), console.progress)
    found = identified(done.source.found)
    rest = (done.tables, done.dataset, done.outcome, done.about_people, done.keys)
    return for_source(found, done.source.facts, *rest), done.findings


def _check_output(
    console: Console, path: str, dataset: str | None, options: dict[str, Any]
) -> tuple[Document, pa.Table]:
    """Check converted output; give the document and the findings."""
    from idbmigrate.checks import check, load_pack
    from idbmigrate.datasets import load_dataset
    from idbmigrate.exporters.read_back import read_output
    from idbmigrate.reports.document import for_output

    for name, option in LEGACY_ONLY.items():
        if options[name]:
            raise click.UsageError(f"{option} is for a legacy file, and {dataset} is none")
    pack, target = load_pack(dataset), load_dataset(dataset)
    context = make_context(options)
    console.progress("reading")
    tables = read_output(path, target)
    console.progress("checking")
    outcome = check(tables, target, context, pack)
    return for_output(Path(path).name, tables, target, outcome), outcome.findings


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


def _reports(document: Document, findings: pa.Table, options: dict[str, Any]) -> Document:
    """Write what was asked for; give the document that may be shown."""
    from idbmigrate.checks.findings import write_csv
    from idbmigrate.reports import html, xlsx
    from idbmigrate.reports.share import shared

    shown = shared(document) if options["share"] else document
    local = None if options["share"] else findings
    for name, write in (
        (options["findings_file"], lambda place: write_csv(findings, place)),
        (options["html_file"], lambda place: html.write(shown, place)),
        (options["xlsx_file"], lambda place: xlsx.write(shown, place, local)),
    ):
        if name:
            write_whole(Path(name), write)
    return shown


def show(console: Console, document: Document) -> None:
    """Print the fate of the submission, then the root causes, then what was not run."""
    result, covered = document["fate"], document["coverage"]
    assert result is not None and covered is not None, "the rules were run"
    colour = {"accepted": "green", "accepted-in-part": "yellow", "rejected": "red"}[result["outcome"]]
    console.say(console.style(result["words"][:1].upper() + result["words"][1:] + ".", "bold", colour))
    if result["rejected_total"]:
        console.table(
            [(name, count, result["rows"][name]) for name, count in result["rejected"].items() if count],
            ["table", "rejected", "of"],
        )
    for line in document["not_read"]:
        console.say(console.style(f"Not read: {line['what']}, {line['why']}", "red"))
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
    console.say(_covered(covered))
    for code, why in covered["not_run"].items():
        console.say(f"  not run here: {code}, {why}")


def _covered(covered: dict[str, Any]) -> str:
    """How much of what there is to check was checked."""
    if covered["published"]:
        return f"{covered['checked']} of {covered['published']} published rules are checked."
    left = sum(each["rules"] for each in covered["not_checked"])
    return f"{covered['own']} checks were made of what is public; {left} could not be: --rules lists them."


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
            ("checks of this project", covered["own"], "of the fate only where they reject"),
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
