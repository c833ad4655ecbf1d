"""Writes a run into its output folder: the formats, the rejects, the findings and the manifest."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from idbmigrate import __version__
from idbmigrate.concurrency import workers
from idbmigrate.conversion.options import Name
from idbmigrate.conversion.pseudonymous import account
from idbmigrate.datasets import Dataset
from idbmigrate.execution.belonging import WRITTEN
from idbmigrate.exporters import Job, csv, exporter, publish
from idbmigrate.ledger.rejects import reject_parts
from idbmigrate.mapping.files import shown_name
from idbmigrate.result.run import Run
from idbmigrate.result.summary import Manifest, NotOfType
from idbmigrate.staging.dictionary import plain

#: The folder of a run that holds what was not carried.
REJECTS = "rejects"
#: The file in it that holds keys which the target writes otherwise than the source.
KEYS = "keys"
Tables = Mapping[str, pa.Table]
#: Files that are complete and on the disk, with size and SHA-256.
Digests = dict[str, publish.Digest]


def write_tables(
    packages: Mapping[str, Tables],
    folder: Path,
    format: str,
    target: Dataset,
    template: Name | None,
    allow: Sequence[str],
    stop: threading.Event,
    not_of_type: list[NotOfType],
) -> Digests:
    """Write the target tables in one format, each package in its folder (``""``: at the top).

    Gives up soon after ``stop`` is set. What the format tells of values goes to ``not_of_type``.
    """
    files, writer = publish.DigestWriter(folder, stop), exporter(format)
    for name, tables in packages.items():
        if not writer.DICTIONARIES:
            tables = {table: plain(rows) for table, rows in tables.items()}
        place = folder / name / format
        writer.export(tables, Job(target, place, files.open, template, allow, not_of_type))
    return _digests(files, format)


def write_rejects(run: Run, folder: Path) -> Digests:
    """Write what was not carried, the largest file first: the others are written beside it."""
    (folder / REJECTS).mkdir()
    digests = publish.DigestWriter(folder)
    files = sorted(reject_parts(run.books, run.staged), key=lambda file: -len(file[2]))
    if run.whose.respelled or run.whose.shared:
        files.append((KEYS, WRITTEN, [run.whose.written]))
    with workers(2) as pool:
        for written in [
            pool.submit(csv.write_parts, schema.names, parts, folder / REJECTS / f"{name}.csv", digests.open)
            for name, schema, parts in files
        ]:
            written.result()
    return _digests(digests, REJECTS)


def _digests(writer: publish.DigestWriter, name: str) -> Digests:
    """Files in folders of that name, however they were written."""
    files, done = publish.files_of(writer.folder), writer.digests
    rest = {path: file for path, file in files.items() if f"/{name}/" in f"/{path}" and path not in done}
    return done | publish.digest_files(rest)


def write_account(run: Run, folder: Path, known: Mapping[str, publish.Digest]) -> None:
    """Write the manifest, last of all. ``known`` are files of the folder that need not be looked at."""
    run.manifest = manifest(run)
    written = account(run.manifest, run.pseudonyms) if run.pseudonyms else run.manifest
    outputs = publish.write_manifest(folder, written, known)
    run.files = [
        {"file": name, "bytes": digest["bytes"], "sha256": digest["sha256"]}
        for name, digest in outputs.items()
    ]


def get_ready() -> None:
    """Load what :func:`write_reports` needs."""
    import pyarrow.acero  # noqa: F401  (for grouping)

    from idbmigrate.reports import document, html, share, xlsx  # noqa: F401


def write_reports(run: Run, folder: Path, source: Dataset, target: Dataset, share: bool) -> Digests:
    """Write the findings and the reports on them; gives the digest of the findings.

    Beside pseudonymised tables there are only reports that may be shared.
    """
    from idbmigrate.reports import html, xlsx
    from idbmigrate.reports.document import for_run
    from idbmigrate.reports.share import shared

    with workers(1) as pool:
        listing = pool.submit(_write_findings, run.findings, folder) if not run.pseudonyms else None
        document, found = for_run(run, target, source, run.outcome), run.findings
        if share or run.pseudonyms:
            document, found = shared(document), None
        html.write(document, folder / "report.html")
        xlsx.write(document, folder / "report.xlsx", found)
        return listing.result() if listing else {}


def _write_findings(found: pa.Table, folder: Path) -> Digests:
    writer = publish.DigestWriter(folder)
    csv.write_file(found, folder / "findings.csv", writer.open)
    return writer.digests


def manifest(run: Run) -> Manifest:
    """What was done, with what, and the books; no value of a record, no path of a machine, no clock."""
    summary = run.summary
    facts: Manifest = {
        "tool": {"name": "idbmigrate", "version": __version__},
        "input": run.input,
        "identification": run.identified,
        "mapping": {
            "name": run.mapping.name,
            "version": run.mapping.version,
            "files": {shown_name(file): publish.sha256(file) for file in run.mapping.files},
        },
        "target": run.plan.target,
        "accept": run.plan.accept,
        "parameters": run.plan.parameters,
        "period": run.period,
        "months": summary["months"],
        "tables": {line["table"]: line["rows"] for line in summary["tables_out"]},
        "proof": run.proof.lines(),
        "dates": run.dates,
        "ledger": run.ledger,
        "left_behind": summary["left_behind"],
        "proposals": summary["proposals"],
        "less_exactly": summary["less_exactly"],
        "keys": summary["keys"],
        "findings": summary["findings"],
    }
    if run.not_of_type is not None:
        facts["not_of_type"] = run.not_of_type
    if run.overlay:
        facts["overlay"] = run.overlay
    if run.allow:
        facts["allow"] = list(run.allow)
    if run.salvage:
        facts["salvage"] = True
    return facts
