"""``idbmigrate measures``: published counts of a legacy file or of converted output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from idbmigrate.cli import _options
from idbmigrate.cli._output import Console, run_verb


@click.command("measures")
@click.argument("path", metavar="FILE|DIR", type=click.Path())
@click.option(
    "--as",
    "dataset",
    metavar="DATASET",
    help="Data set of converted output, such as iapt-2.1; a folder that convert wrote names it itself.",
)
@click.option("--period", metavar="YYYY-MM", help="Only what falls in this month.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    type=_options.Setting(),
    help="employment_support=ips or ips-in-host-team counts a legacy file's employment support as IPS.",
)
@click.option("--share", is_flag=True, help="For others: counts below 5 suppressed, the others rounded to 5.")
@_options.source
@_options.overlay
@_options.password
@run_verb
def command(
    console: Console,
    path: str,
    dataset: str | None,
    period: str | None,
    settings: tuple[tuple[str, str], ...],
    share: bool,
    source: str | None,
    overlays: tuple[str, ...],
    password: str | None,
) -> None:
    """Count what is published on services: referrals, treatment, caseness, recovery, waits, IPS access.

    FILE is a legacy Access file, a folder of CSV or a zip of it, or converted output: the folder that
    convert wrote, an XML document or an Access file, with --as. Each count names its source and how sure it
    is; what a data set cannot give is listed with the reason.

    \b
    Example:
      idbmigrate measures sample_idb/iapt-1.5.mdb --period 2016-04
    """
    from idbmigrate.measures import load_definitions, shared
    from idbmigrate.measures.share import shared_rates

    support = _support(settings)
    if dataset is None and Path(path).is_dir():
        dataset = _written_as(Path(path))
    console.progress("reading")
    if dataset is None:
        counted = _legacy(path, period, support, source, overlays, password)
    else:
        counted = _converted(path, dataset, period)
    lines, rates = counted.lines(), counted.rates()
    if share:
        lines, rates = shared(lines), shared_rates(rates)
    left_out = dict(load_definitions().left_out)
    console.document(
        {
            "file": Path(path).name,
            "dataset": counted.dataset,
            "period": period,
            "measures": lines,
            "rates": rates,
            "left_out": left_out,
        }
    )
    show(console, Path(path).name, counted.dataset, period, lines, rates, left_out)


def _support(settings: tuple[tuple[str, str], ...]) -> str:
    from idbmigrate.errors import UsageError
    from idbmigrate.measures.count import EMPLOYMENT_SUPPORT, NONE, SUPPORTS

    given = dict(settings)
    found = given.pop(EMPLOYMENT_SUPPORT, NONE)
    if given or found not in SUPPORTS:
        raise UsageError(
            f"--set knows {EMPLOYMENT_SUPPORT} only: {', '.join(SUPPORTS)}",
            code="bad-option",
            hint=f"--set {EMPLOYMENT_SUPPORT}=ips",
        )
    return found


def _written_as(folder: Path) -> str | None:
    """The data set that a folder was converted to; none for a folder of CSV beside which nothing says it."""
    from idbmigrate.errors import UsageError
    from idbmigrate.exporters.read_back import written_as

    try:
        return written_as(folder)
    except UsageError:
        if any(file.suffix.casefold() == ".csv" for file in folder.iterdir()):
            return None
        raise


def _legacy(path, period, support, source, overlays, password) -> Any:
    from idbmigrate.datasets import identify, load_dataset, load_overlay
    from idbmigrate.engine import open_engine
    from idbmigrate.execution.belonging import settled
    from idbmigrate.mapping.load import find_mapping, load_mapping
    from idbmigrate.measures import count_staged
    from idbmigrate.readers import open_idb
    from idbmigrate.staging.tables import stage

    overlay = load_overlay(*overlays) if overlays else None
    with open_idb(path, password=password) as idb:
        found = identify({name: idb.columns(name) for name in idb.tables}, overlay, source)
        staged = stage(idb, found, load_dataset(found.dataset))
    rules, engine = load_mapping(find_mapping(found.dataset, "iapt-2.1")), open_engine()
    try:  # whose a record is: a referral number may be shared
        known = {name: table for name, table in staged.items() if table.name}
        staged |= settled(known, rules, engine).staged
    finally:
        engine.close()
    return count_staged(staged, found.dataset, period, support)


def _converted(path: str, dataset: str, period: str | None) -> Any:
    from idbmigrate.datasets import load_dataset
    from idbmigrate.exporters.read_back import read_output
    from idbmigrate.measures import count_target

    return count_target(read_output(path, load_dataset(dataset)), dataset, period)


def show(
    console: Console,
    name: str,
    dataset: str,
    period: str | None,
    lines: list[dict],
    rates: list[dict],
    left_out: dict[str, str],
) -> None:
    """Print the counts and rates, then what cannot be counted and why."""
    console.say(console.style(f"{name}: {dataset}{', ' + period if period else ''}", "bold"))
    counts = [line for line in lines if line["why"] is None]
    if counts:
        console.table(
            [(line["count"], line["title"], line["confidence"]) for line in counts],
            ["count", "of", "definition"],
        )
    known = [rate for rate in rates if rate["percent"] is not None]
    if known:
        console.say()
        console.table(
            [(f"{each['percent']} %", each["title"], f"{each['part']} of {each['of']}") for each in known],
            ["rate", "of", "counts"],
        )
    if len(counts) < len(lines):
        console.say()
        console.say(console.style("Not counted here", "bold"))
        _reasons(console, lines)
    console.say()
    console.say(console.style("Left out everywhere", "bold"))
    for title, why in left_out.items():
        console.say(f"  {title}: {why}")


def _reasons(console: Console, lines: list[dict[str, Any]], words: Callable[[str], str] = str) -> None:
    """One line a reason with the measures that it stands in the way of."""
    reasons: dict[str, list[str]] = {}
    for line in lines:
        if line["why"] is not None:
            reasons.setdefault(line["why"], []).append(line["measure"])
    for why, names in reasons.items():
        console.say(f"  {', '.join(names)}: {words(why)}")


def show_comparison(console: Console, lines: list[dict[str, Any]], period: str | None) -> None:
    """Print the counts of both sides, and what explains a difference; a run over one month says which."""
    console.say()
    month = f" ({period})" if period else ""
    console.say(console.style(f"Published counts, before and after{month}", "bold"))
    both = [line for line in lines if not line["why"]]
    if both:
        console.table(
            [(line["legacy"], line["target"], line["title"], _outcome(line)) for line in both],
            ["file", "output", "of", ""],
        )
    _reasons(console, lines, lambda why: f"not comparable, {why}")


def _outcome(line: dict[str, Any]) -> str:
    if line["outcome"] == "equal":
        return "equal"
    explained = [f"{reason} {count}" for reason, count in line["reasons"].items()]
    if line["unexplained"]:
        explained.append(f"unexplained {line['unexplained']}")
    return f"{line['outcome']}: {', '.join(explained)}"
