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


def write_tables(
    run: Run,
    folder: Path,
    formats: Sequence[str],
    target: Dataset,
    template: str | None,
    allow: Sequence[str] = (),
) -> None:
    """Write the target tables, a folder a month where the run is split, and the residue beside them."""
    packages = {folder / month: tables for month, tables in run.packages.items()} or {folder: run.tables}
    with ThreadPoolExecutor(1) as pool:
        residue = pool.submit(_write_residue, run, folder / "rejects")
        for place, tables in packages.items():
            _write_tables(tables, place, formats, target, template, allow)
        residue.result()


def _write_residue(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, schema, parts in residue_parts(run.books, run.staged):
        csv.write_parts(schema.names, parts, folder / f"{name}.csv")


def write_account(
    run: Run, folder: Path, source: Dataset, target: Dataset, *, reports: bool, share: bool
) -> None:
    """Write the findings and reports, unless they are not wanted, and, last, the manifest."""
    tables = publish.files_of(folder)
    with ThreadPoolExecutor(1) as pool:
        settled = pool.submit(publish.settle, tables)
        if reports:
            _write_reports(run, folder, source, target, share)
        run.manifest = manifest(run)
        outputs = publish.write_manifest(folder, run.manifest, settled.result())
    run.files = [{"file": name, **facts} for name, facts in outputs.items()]


def _write_reports(run: Run, folder: Path, source: Dataset, target: Dataset, share: bool) -> None:
    from idbmigrate.reports import html, xlsx
    from idbmigrate.reports.document import for_run
    from idbmigrate.reports.share import shared

    found = run.findings
    with open(folder / "findings.csv", "wb") as file:
        csv.write_table(found, file)
    document = for_run(run, target, source, run.outcome)
    if share:
        document, found = shared(document), None
    html.write(document, folder / "report.html")
    xlsx.write(document, folder / "report.xlsx", found)


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
