"""Converts an archive: the files that win become one set of tables a provider, whole or month by month."""

from __future__ import annotations

import gc
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from idbmigrate import __version__
from idbmigrate.archive import links
from idbmigrate.archive.adding import locked
from idbmigrate.archive.catalogue import Catalogue, submissions
from idbmigrate.archive.consolidate import Consolidation, RowFates
from idbmigrate.archive.ledger import ArchiveBooks, FileLine
from idbmigrate.archive.model import Submission
from idbmigrate.archive.months import Groups, groups, number_of
from idbmigrate.archive.spool import Spool
from idbmigrate.archive.unit import Unit, file_name, folder_names, units
from idbmigrate.archive.winners import Decision, decide, undecided
from idbmigrate.conversion.options import Name, Options, Progress, quiet
from idbmigrate.conversion.pipeline import convert_source
from idbmigrate.conversion.source import Source, overlay_facts
from idbmigrate.datasets import Identification, load_dataset, load_overlay
from idbmigrate.engine.store import Store, check_amount
from idbmigrate.errors import SourceError
from idbmigrate.exporters import csv, leftovers, publish
from idbmigrate.exporters.whole import OWNER_ONLY_FOLDER
from idbmigrate.mapping.files import shown_name
from idbmigrate.mapping.load import find_mapping, load_mapping
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.periods import month as periods
from idbmigrate.result.run import Run
from idbmigrate.result.summary import FileFacts, InputFacts, Summary
from idbmigrate.words import StatedConfidence

#: What ``--allow`` takes to go on without the files about which the user has not decided.
ALLOW = "undecided"
#: The parameter of mappings that names the provider.
PROVIDER = "org_id_provider"


@dataclass(repr=False)
class ArchiveRun:
    """A converted archive: what became of each file, the summary of each run by its folder, and the books."""

    decisions: list[Decision]
    summaries: dict[str, Summary] = field(default_factory=dict)
    lines: list[FileLine] = field(default_factory=list)
    mapping_files: dict[str, str] = field(default_factory=dict)
    links: pa.Table | None = None
    out: str | None = None

    def __repr__(self) -> str:
        return f"<ArchiveRun: {len(self.decisions)} files, {len(self.summaries)} runs>"

    @property
    def files(self) -> list[dict[str, Any]]:
        """What became of each file, and why."""
        names = {each.submission.sha256: file_name(each.submission) for each in self.decisions}
        return [_file_facts(each, names) for each in self.decisions]

    @property
    def summary(self) -> dict[str, Any]:
        """Files, runs and books in plain data."""
        return {
            "inputs": self.files,
            "runs": self.summaries,
            "ledger": self.lines,
            "links": self.link_counts,
            "out": self.out,
        }

    @property
    def link_counts(self) -> dict[str, int] | None:
        """Identifiers that are linked, and those whose link is ambiguous; ``None`` where nobody asked."""
        if self.links is None:
            return None
        verdicts = self.links["verdict"].to_pylist()
        return {verdict: verdicts.count(verdict) for verdict in (links.LINKED, links.AMBIGUOUS)}


def convert(
    archive: Name,
    to: str,
    out: Name | None = None,
    formats: Iterable[str] = ("csv",),
    *,
    split: Literal["month"] | None = None,
    memory: str = "2GB",
    link: Literal["nhs-number"] | None = None,
    mapping: Name | None = None,
    parameters: Mapping[str, str] | None = None,
    overlay: Name | Sequence[Name] | None = None,
    accept: StatedConfidence = "inferred",
    template: Name | None = None,
    allow: Iterable[str] = (),
    check: bool = True,
    optimise: bool = True,
    share: bool = False,
    overwrite: bool = False,
    readable_by_others: bool = False,
    wait: bool = True,
    progress: Progress = quiet,
    notice: Progress = quiet,
    each: Callable[[Run], object] | None = None,
) -> ArchiveRun:
    """Convert an archive and publish the folder ``out`` whole or not at all.

    Of each provider and data set the files that win their months are converted as one, into a folder of its
    own: whole, or month by month (``split``), where no more than the records of one month's patients are in
    memory. ``memory`` bounds what choosing between records takes. ``link`` lists in ``links.csv`` who is one
    person under several identifiers, by valid NHS number and birth date. ``each`` is called with every run
    in turn.
    ``allow`` has :data:`ALLOW` where files about which the user has not decided may be left out; without it
    they end the call with ``undecided``. Without ``wait`` a call beside another that is at work on the
    archive fails with ``archive-busy``. All other arguments are those of
    :func:`idbmigrate.conversion.convert.convert`.
    """
    place, allowed = Path(archive), tuple(allow)
    options = Options(
        to,
        tuple(formats),
        mapping=mapping,
        parameters=dict(parameters or {}),
        split=split,
        overlay=overlay,
        accept=accept,
        template=template,
        allow=tuple(name for name in allowed if name != ALLOW),
        check=check,
        optimise=optimise,
        share=share,
    )
    check_amount(memory)
    job = _Job(place, options, memory, progress, each or (lambda run: None))
    if link is not None:
        job.people = []
    folder = None
    if out is not None:
        folder = publish.Folder(
            out, overwrite=overwrite, sources=[place], readable_by_others=readable_by_others, notice=notice
        )
    with Catalogue(place) as catalogue, locked(place, create=False, wait=wait, notice=notice):
        files = submissions(place)
        result = ArchiveRun(decide(files, refused(files, options)))
        if ALLOW not in allowed:
            _require_decided(result.decisions, place)
        if folder is None:
            job.convert(result, None)
            return result
        with folder as part:
            job.convert(result, part)
            if result.links is not None:
                csv.write_file(result.links, part / links.NAME)
            _write_manifest(part, result, options)
        catalogue.add_output(folder.out)
    result.out = str(out)
    return result


def refused(files: Iterable[Submission], options: Options) -> dict[str, str]:
    """Files that the centre would reject, as far as can be told without converting them: by SHA-256, why.

    A file without a table that the mapping cannot do without, or without any patient, says nothing.
    """
    found, needed = {}, {}
    for file in files:
        if not file.readable or not file.dataset:
            continue
        if file.dataset not in needed:
            rules = _mapping(file.dataset, options).sources.values()
            needed[file.dataset] = [rule for rule in rules if rule.required]
        missing = [rule.table for rule in needed[file.dataset] if rule.table not in file.tables]
        empty = [
            rule.table
            for rule in needed[file.dataset]
            if not rule.parents and file.tables.get(rule.table) == 0
        ]
        if missing:
            found[file.sha256] = f"no table {', '.join(missing)}"
        elif empty:
            found[file.sha256] = f"no row in {', '.join(empty)}"
    return found


def _mapping(dataset: str, options: Options) -> MappingFile:
    return load_mapping(options.mapping or find_mapping(dataset, options.to))


def _require_decided(decisions: Iterable[Decision], archive: Path) -> None:
    open_ones = undecided(decisions)
    if open_ones:
        first = open_ones[0]
        raise SourceError(
            f"{len(open_ones)} files need a decision; the first: {file_name(first.submission)}: {first.why}",
            code="undecided",
            where=str(archive),
            hint=f"decide in submissions.csv of the archive, or give --allow {ALLOW} to go on without them",
        )


@dataclass
class _Job:
    """What all units of a call have in common; ``people`` are those of each, where links are asked for."""

    archive: Path
    options: Options
    memory: str
    progress: Progress
    each: Callable[[Run], object]
    people: list[tuple[Unit, pa.Table]] | None = None

    def convert(self, result: ArchiveRun, folder: Path | None) -> None:
        """Convert every unit, each into a folder of its own."""
        found = units(result.decisions)
        for number, (unit, own) in enumerate(zip(found, folder_names(found), strict=True), 1):
            self.progress(f"{number} of {len(found)}: {own}")
            with _work_folder(self.archive) as work:
                self._convert_unit(unit, own, result, folder, work)
        if self.people is not None:
            result.links = links.links(self.people)

    def _convert_unit(
        self, unit: Unit, name: str, result: ArchiveRun, folder: Path | None, work: Path
    ) -> None:
        mapping = _mapping(unit.dataset, self.options)
        result.mapping_files |= {shown_name(file): publish.sha256(file) for file in mapping.files}
        options = self.options
        if PROVIDER in mapping.parameters and PROVIDER not in options.parameters:
            options = replace(options, parameters={**options.parameters, PROVIDER: unit.provider})
        by_month = options.split == "month"
        fates, found = self._consolidated(unit, mapping, work, by_month)
        spool = Spool(unit, fates, _made(work / "spool"), found)
        books = ArchiveBooks(unit, fates, spool)
        books.by_month = by_month
        if not by_month:
            self._run(unit, name, None, options, spool, books, result, folder)
        for at, month in enumerate(found.months if found else (), 1):
            assert found is not None
            self.progress(f"{name}: {month}, {at} of {len(found.months)}")
            allow = (*options.allow, periods.ALLOW)
            one = replace(options, split=None, period=month, allow=allow)
            self._run(unit, f"{name}/{month}", month, one, spool, books, result, folder)
        result.lines += books.lines()

    def _consolidated(
        self, unit: Unit, mapping: MappingFile, work: Path, by_month: bool
    ) -> tuple[RowFates, Groups | None]:
        names = {
            name.removeprefix("conflict:") for name in self.options.allow if name.startswith("conflict:")
        }
        staged = [file.submission.staged for file in unit.files]
        store = Store(_made(work / "store"), self.memory, staged)
        try:
            consolidation = Consolidation(unit, mapping, store, names)
            fates = consolidation.rows()
            if self.people is not None:
                self.people.append((unit, links.people(consolidation)))
            target = load_dataset(self.options.to)
            return fates, groups(consolidation, mapping, target) if by_month else None
        finally:
            store.close()
            shutil.rmtree(work / "store", ignore_errors=True)

    def _run(
        self,
        unit: Unit,
        name: str,
        month: str | None,
        options: Options,
        spool: Spool,
        books: ArchiveBooks,
        result: ArchiveRun,
        folder: Path | None,
    ) -> None:
        """One run of the road over rows of the unit; a month in which nothing happens leaves no folder."""
        staged, ids = spool.read(number_of(month) if month else None)
        if month and not any(table.raw.num_rows for table in staged.values()):
            return
        place = folder / name if folder is not None else None
        if place is not None:
            place.mkdir(parents=True)
        missing = tuple(
            label for label, table in staged.items() if set(table.absent) == set(table.raw.column_names)
        )
        source = Source(name, _input(unit, name), _identified(unit, missing), staged, [])
        run = convert_source(partial(_given, source), place, options, self.progress)
        happened = not month or month in periods.months(run.tables, load_dataset(options.to))
        books.add(run.books, ids, published=happened)
        if happened:
            result.summaries[name] = run.summary
            self.each(run)
        elif place is not None:
            shutil.rmtree(place)
        del run, source, staged
        gc.collect()  # trees of SQL hold themselves


def _given(source: Source, _overlay: object, _pool: object) -> Source:
    return source


def _input(unit: Unit, name: str) -> InputFacts:
    """The files of a unit as a manifest names its input; the digest is that of theirs, in order."""
    files: list[FileFacts] = [
        {"file": own, "bytes": 0, "sha256": file.submission.sha256}
        for own, file in zip(unit.names, unit.winners, strict=False)
    ]
    digest = hashlib.sha256("".join(f"{each['sha256']}\n" for each in files).encode()).hexdigest()
    return {"file": f"{name}: {len(files)} files", "bytes": 0, "sha256": digest}


def _identified(unit: Unit, missing: tuple[str, ...]) -> Identification:
    dataset = load_dataset(unit.dataset)
    evidence = (f"{len(unit.winners)} files of an archive, each found to be {unit.dataset} by itself",)
    return Identification(dataset.name, dataset.version, "inferred", 1.0, evidence, (), missing, ())


@contextmanager
def _work_folder(archive: Path) -> Iterator[Path]:
    """A hidden folder of the archive for what need not fit into memory; it does not outlive the block."""
    leftovers.clear(archive)
    names = leftovers.HiddenNames(archive / "convert")
    names.claim()
    try:
        yield _made(names.part)
    finally:
        shutil.rmtree(names.part, ignore_errors=True)
        names.release()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=OWNER_ONLY_FOLDER)
    return folder


def _file_facts(decision: Decision, names: Mapping[str, str]) -> dict[str, Any]:
    file = decision.submission
    return {
        "file": file_name(file),
        "sha256": file.sha256,
        "dataset": file.dataset,
        "provider": file.provider,
        "period": file.period,
        "kind": file.kind,
        "evidence": dict(file.evidence),
        "modified": file.modified.isoformat() if file.modified else None,
        "rows": dict(file.tables),
        "fate": decision.fate,
        "why": decision.why,
        "by": {"file": names[decision.by], "sha256": decision.by} if decision.by else None,
    }


def _write_manifest(folder: Path, result: ArchiveRun, options: Options) -> None:
    """What went in, which files won and why, what became of each row; no path of a machine, no clock."""
    settled: dict[str, publish.Digest] = {
        f"{name}/{file['file']}": {"bytes": file["bytes"], "sha256": file["sha256"]}
        for name, summary in result.summaries.items()
        for file in summary["files"]
    }
    overlay = overlay_facts(options, load_overlay(*options.overlays) if options.overlays else None)
    facts: dict[str, Any] = {
        "tool": {"name": "idbmigrate", "version": __version__},
        "target": options.to,
        "split": options.split,
        "inputs": result.files,
        "mapping": {"files": result.mapping_files},
        "runs": sorted(result.summaries),
        "links": result.link_counts,
        "ledger": result.lines,
    }
    if overlay is not None:
        facts["overlay"] = overlay
    publish.write_manifest(folder, facts, settled)
