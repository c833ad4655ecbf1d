"""Writes a run into its output folder: the formats, the residue, the findings and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from idbmigrate import __version__
from idbmigrate.datasets import Dataset
from idbmigrate.exporters import csv, publish
from idbmigrate.residue import residue_parts
from idbmigrate.run import Run

FORMATS = ("csv", "xml", "parquet", "idb")


#: The folder of a run that holds what was not carried.
REJECTS = "rejects"
Settled = dict[str, dict[str, Any]]


def write_tables(
    packages: Mapping[str, Mapping[str, pa.Table]],
    folder: Path,
    formats: Sequence[str],
    target: Dataset,
    template: str | None,
    allow: Sequence[str] = (),
) -> Settled:
    """Write the target tables, each package in its folder (``""``: at the top); the files written."""
    for name, tables in packages.items():
        _write_tables(tables, folder / name, formats, target, template, allow)
    return publish.settle({n: f for n, f in publish.files_of(folder).items() if not _is_residue(n)})


def write_residue(run: Run, folder: Path) -> Settled:
    """Write what was not carried; the files written."""
    (folder / REJECTS).mkdir()
    for name, schema, parts in residue_parts(run.books, run.staged):
        csv.write_parts(schema.names, parts, folder / REJECTS / f"{name}.csv")
    return publish.settle({n: f for n, f in publish.files_of(folder).items() if _is_residue(n)})


def _is_residue(name: str) -> bool:
    return name.startswith(f"{REJECTS}/")


def write_account(
    run: Run, folder: Path, source: Dataset, target: Dataset, settled: Settled, *, reports: bool, share: bool
) -> None:
    """Write the findings and reports, unless they are not wanted, and, last, the manifest.

    ``settled`` are the files that are there already.
    """
    if reports:
        settled = settled | _write_reports(run, folder, source, target, share)
    run.manifest = manifest(run)
    outputs = publish.write_manifest(folder, run.manifest, settled)
    run.files = [{"file": name, **facts} for name, facts in outputs.items()]


def _write_reports(run: Run, folder: Path, source: Dataset, target: Dataset, share: bool) -> Settled:
    from idbmigrate.reports import html, xlsx
    from idbmigrate.reports.document import for_run
    from idbmigrate.reports.share import shared

    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(_write_findings, run.findings, folder)
        document, found = for_run(run, target, source, run.outcome), run.findings
        if share:
            document, found = shared(document), None
        html.write(document, folder / "report.html")
        xlsx.write(document, folder / "report.xlsx", found)
        return listing.result()


def _write_findings(found: pa.Table, folder: Path) -> Settled:
    file = folder / "findings.csv"
    with open(file, "wb") as opened:
        csv.write_table(found, opened)
    return publish.settle({file.name: file})


def _write_tables(
    tables: Mapping[str, pa.Table],
    folder: Path,
    formats: Sequence[str],
    target: Dataset,
    template: str | None,
    allow: Sequence[str],
) -> None:
    if "csv" in formats:
        csv.write(tables, folder / "csv")
    if "xml" in formats:
        from idbmigrate.exporters import xml

        xml.write(tables, target, folder / "xml" / f"{target.name}.xml")
    if "parquet" in formats:
        from idbmigrate.exporters import parquet

        parquet.write(tables, folder / "parquet")
    if "idb" in formats:
        from idbmigrate.exporters import idb

        idb.write(tables, target, folder / "idb", template=template, allow=allow)


def manifest(run: Run) -> dict[str, Any]:
    """What was done, with what, and the books; no value of a record, no path of a machine, no clock."""
    summary = run.summary
    return {
        "tool": {"name": "idbmigrate", "version": __version__},
        "input": run.input,
        "identification": run.identified,
        "mapping": {
            "name": run.mapping.name,
            "version": run.mapping.version,
            "files": {_shown(Path(file)): publish.sha256(file) for file in run.mapping.files},
        },
        "target": run.plan.target,
        "accept": run.plan.accept,
        "parameters": run.plan.parameters,
        "period": run.period,
        "months": summary["months"],
        "tables": {line["table"]: line["rows"] for line in summary["tables_out"]},
        "ledger": run.ledger,
        "left_behind": summary["left_behind"],
        "findings": summary["findings"],
    }


def _shown(file: Path) -> str:
    """A mapping file by its name, with its folder where it is a part or a lookup."""
    return f"{file.parent.name}/{file.name}" if file.parent.name in ("lookups", "parts") else file.name
