"""A comparison as lines, as a web page and as a workbook: the same words everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from idbmigrate import __version__
from idbmigrate.comparison.model import Comparison, TableComparison
from idbmigrate.reports import html, xlsx
from idbmigrate.reports.parts import facts, table

TABLES = ("table", "#rows in A", "#rows in B", "#in both", "#only in A", "#only in B", "remarks")
VALUES = ("table", "column", "#changed", "#only in A", "#only in B", "rows of A:B", "what bears on it")
RUNS = ("of", "name", "A", "B")
#: The digests of manifests are shown by their beginning.
_DIGEST = 12


def verdict(found: Comparison) -> str:
    """What it comes to, in one line."""
    if found.equal:
        return "equal: both hold the same rows"
    different = sum(not each.equal for each in found.tables)
    return f"different: {different} of {len(found.tables)} tables"


def table_lines(found: Comparison) -> Iterator[Sequence[str | int]]:
    """One line a table, under :data:`TABLES`."""
    for each in found.tables:
        rows = (each.rows_a, each.rows_b, each.both, each.only_a, each.only_b)
        yield each.table, *rows, "; ".join(_remarks(each))


def _remarks(of: TableComparison) -> Iterator[str]:
    if of.missing:
        yield f"there is none in {of.missing.upper()}"
        return
    if not of.key and of.only_a + of.only_b:
        yield "no key: whole rows are compared"
    if of.repeated:
        yield f"{of.repeated} rows share their key with others: compared as whole rows"
    for side, columns in (("A", of.columns_a), ("B", of.columns_b)):
        if columns:
            yield f"only {side} has {', '.join(columns)}"
    for side, rows in (("A", of.examples_a), ("B", of.examples_b)):
        if rows:
            yield f"only in {side}: row {', '.join(map(str, rows))}"


def value_lines(found: Comparison) -> Iterator[Sequence[str | int]]:
    """One line a column in which values differ, under :data:`VALUES`."""
    for of in found.tables:
        for each in of.columns:
            examples = ", ".join(f"{a}:{b}" for a, b in each.examples)
            why = "; ".join(part for part in (each.rule or "", ", ".join(each.causes)) if part)
            yield of.table, each.column, each.changed, each.only_a, each.only_b, examples, why


def run_lines(found: Comparison) -> Iterator[Sequence[str | int]]:
    """One line for all that the two runs did differently, under :data:`RUNS`."""
    for each in found.differences:
        digests = each.kind in ("source", "lookup") or each.name.endswith(".yaml")
        words = [word[:_DIGEST] if digests else word for word in (each.a, each.b)]
        yield each.kind, each.name, *words


def write_page(found: Comparison, path: Path) -> Path:
    """Write the comparison as one web page, without values of records."""
    head = f"<header><h1>Two outputs compared</h1><p>idbmigrate {escape(__version__)}</p></header>\n"
    colour = "accepted" if found.equal else "rejected"
    above = f'<p class="verdict {colour}">{escape(verdict(found).capitalize())}.</p>' + facts(
        [("A", found.a), ("B", found.b), ("Data set", found.dataset)]
    )
    sections = [("tables", "Tables", table("Rows by table", TABLES, list(table_lines(found))))]
    if values := list(value_lines(found)):
        sections.append(("values", "Values that differ", table("Values by column", VALUES, values)))
    if runs := list(run_lines(found)):
        sections.append(("runs", "What the runs did differently", table("From the manifests", RUNS, runs)))
    path.write_text(html.page("Two outputs compared", head, above, sections), encoding="utf-8", newline="\n")
    return path


def write_workbook(found: Comparison, path: Path) -> Path:
    """Write the comparison as a workbook, without values of records."""
    summary = [("A", found.a), ("B", found.b), ("Data set", found.dataset), ("Verdict", verdict(found))]
    sheets: dict[str, xlsx.Sheet] = {
        "Summary": (("Item", "Value"), summary, (14, 80)),
        "Tables": (_heads(TABLES), table_lines(found), (34, 12, 12, 12, 12, 12, 80)),
        "Values": (_heads(VALUES), value_lines(found), (34, 34, 12, 12, 12, 30, 80)),
        "Runs": (RUNS, run_lines(found), (14, 34, 40, 40)),
    }
    return xlsx.write_sheets(sheets, path)


def _heads(names: Sequence[str]) -> list[str]:
    return [name.lstrip("#") for name in names]
