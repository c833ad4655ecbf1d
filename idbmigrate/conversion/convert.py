"""The main job, top to bottom: a legacy Access file becomes the tables of a current data set.

read -> identify -> stage -> compile -> run -> close the books -> check -> publish
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.conversion import output as package
from idbmigrate.conversion.options import Options
from idbmigrate.datasets import Dataset, Identification, Overlay, identify, load_dataset, load_overlay
from idbmigrate.datasets.links import ALLOW as ALLOW_LINKED
from idbmigrate.datasets.links import linked_tables
from idbmigrate.datasets.links import require_none as require_no_links
from idbmigrate.engine import Engine, open_engine
from idbmigrate.errors import SourceError
from idbmigrate.execution.belonging import Settled, settled
from idbmigrate.execution.execute import execute
from idbmigrate.execution.parameters import resolve
from idbmigrate.exporters import publish
from idbmigrate.ledger.books import keep_books
from idbmigrate.ledger.lineage import Origins
from idbmigrate.ledger.proof import prove
from idbmigrate.mapping.load import find_mapping, load_mapping, with_overlay
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.periods import month as periods
from idbmigrate.periods import packages as months
from idbmigrate.readers import Idb, open_idb
from idbmigrate.result.run import Run
from idbmigrate.staging.tables import StagedTable, stage

if TYPE_CHECKING:
    from idbmigrate.checks import Outcome
    from idbmigrate.compile.plan import Plan

Progress = Callable[[str], None]
#: Threads beside the main one, for work that mostly leaves Python.
_BESIDE = 5


def convert(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    to: str,
    out: str | os.PathLike[str] | None = None,
    formats: Iterable[str] = ("csv",),
    *,
    overwrite: bool = False,
    readable_by_others: bool = False,
    progress: Progress = lambda message: None,
    notice: Progress = lambda message: None,
    parameters: Mapping[str, str] | None = None,
    allow: Iterable[str] = (),
    each: Callable[[Run], Any] | None = None,
    keep_going: bool = True,
    **options: Any,
) -> Any:
    """Convert a file, or several, and publish the output folder ``out`` whole or not at all.

    Gives a :class:`~idbmigrate.result.run.Run`, for a list of files a
    :class:`~idbmigrate.conversion.batch.Batch` with a run and a folder for each; or with summaries alone
    where ``each`` is called with every run in turn, so that no more than one is in memory. A file of a list that
    fails is in ``Batch.failed``, unless ``keep_going``
    is false. Without ``out`` nothing is written; only its owner may read the folder, unless it is
    ``readable_by_others``. ``progress`` is told what is being done, ``notice`` what the user should know,
    such as that the remains of a stopped run were removed. Further options: see
    :class:`~idbmigrate.conversion.options.Options`. Raises errors of :mod:`idbmigrate.errors`; ``books-open``
    where a row or value would be lost.
    """
    asked = Options(to, tuple(formats), parameters=dict(parameters or {}), allow=tuple(allow), **options)
    one = isinstance(path, (str, os.PathLike))
    paths = [Path(item) for item in ([path] if one else path)]  # type: ignore[arg-type, list-item]
    place: Any = nullcontext()
    if out is not None:
        place = publish.Folder(
            out, overwrite=overwrite, sources=paths, readable_by_others=readable_by_others, notice=notice
        )
    with place as folder:
        if one:
            result: Any = _convert(paths[0], folder, asked, progress)
        else:
            from idbmigrate.conversion.batch import many

            run_one = partial(_convert, options=asked, progress=progress)
            result = many(paths, folder, run_one, each, keep_going)
    result.out = str(out) if out is not None else None
    return result


def _convert(path: Path, folder: Path | None, options: Options, progress: Progress) -> Run:
    progress(f"reading {path}")
    overlay = load_overlay(*options.overlays) if options.overlays else None
    decided = _decided(options, overlay)
    with ThreadPoolExecutor(_BESIDE) as pool, _stop_on_error() as stop:
        with open_idb(path, password=options.password, salvage=options.salvage) as idb:
            digest, opening = pool.submit(publish.sha256, path), pool.submit(open_engine)
            found = _identified(idb, overlay, path, options)
            source, target = load_dataset(found.dataset), load_dataset(options.to)
            unread = _not_read(idb, found, linked_tables(idb.linked_tables, source, overlay))
            mapping = load_mapping(options.mapping or find_mapping(source.name, target.name))
            mapping = with_overlay(mapping, overlay) if overlay is not None else mapping
            staged = stage(idb, found, source)
            read = _read(path, digest.result(), idb.problems, unread)
        _require(mapping, found.missing_tables, path, damaged="problems" in read)

        with _closed_beside(opening.result(), pool) as engine:
            known = {name: table for name, table in staged.items() if table.name}
            plan, whose = _plan_and_keys(mapping, known, target, engine, options, pool)
            known = whose.staged
            staged.update(known)
            done = execute(plan, staged, engine, target, progress, partial(_get_ready, target, options))
            if options.period:
                done.results = periods.only_month(done.results, target, options.period)
            split = options.split is not None
            packages = months.split(done, mapping, known, target, options.parameters) if split else {}
            tables = months.rows(done, target)
            checking = pool.submit(_checked, tables, target, Origins(done, staged), options)
            writing = _begin_to_write(pool, packages or {"": tables}, folder, target, options, stop)
            proving = pool.submit(prove, done, tables, staged, source, target, whose.allowed)
            progress("closing the books")
            books = keep_books(staged, done, mapping)
            proof = proving.result()
            proof.hold()
            books.close()
            done.sources.clear()

        run = Run(
            read, found, mapping, plan, staged, tables, books, proof, None, options.period, packages, whose
        )
        run.overlay = decided
        if folder is not None:
            progress("writing")
            writing.append(pool.submit(package.write_residue, run, folder))
        progress("checking")
        run.outcome = checking.result()
        if folder is not None:
            check = options.check
            reports = package.write_reports(run, folder, source, target, options.share) if check else {}
            package.write_account(run, folder, ChainMap(reports, *(each.result() for each in writing)))
    return run


@contextmanager
def _stop_on_error() -> Iterator[Event]:
    """An event that is set where the block fails or is interrupted: nobody need wait for the writers."""
    stop = Event()
    try:
        yield stop
    except BaseException:
        stop.set()
        raise


@contextmanager
def _closed_beside(engine: Engine, pool: Executor) -> Iterator[Engine]:
    """The engine, closed in a thread at the end: it gives much memory back, which takes its time."""
    try:
        yield engine
    finally:
        pool.submit(engine.close)


def _plan(
    mapping: MappingFile, known: Mapping[str, StagedTable], target: Dataset, engine: Engine, options: Options
) -> Plan:
    return compile_mapping(
        mapping,
        {name: frozenset(table.raw.column_names) for name, table in known.items()},
        target,
        parameters=resolve(mapping, options.parameters, known, engine, options.period),
        accept=options.accept,
        days={name: table.days for name, table in known.items()},
        conflicts=frozenset(name for name, table in known.items() if table.conflicts is not None),
    )


def _plan_and_keys(
    mapping: MappingFile,
    known: Mapping[str, StagedTable],
    target: Dataset,
    engine: Engine,
    options: Options,
    pool: Executor,
) -> tuple[Plan, Settled]:
    """The plan, and whose every record is: side by side, as few files have a conflict to plan for."""
    settling = pool.submit(settled, known, mapping, engine, options.allow)
    if engine.workers == 1:
        settling.result()
    plan = _plan(mapping, known, target, engine, options)
    whose = settling.result()
    return (_plan(mapping, whose.staged, target, engine, options) if whose.conflicts else plan), whose


def _begin_to_write(
    pool: Executor,
    packages: Mapping[str, package.Tables],
    folder: Path | None,
    target: Dataset,
    options: Options,
    stop: Event,
) -> list[Future[package.Settled]]:
    """Write the formats while the books are closed: the folder is hidden, and gone where they stay open."""
    if folder is None:
        return []
    rest = (target, options.template, options.allow, stop)
    return [
        pool.submit(package.write_tables, packages, folder, form, *rest)
        for form in dict.fromkeys(options.formats)
    ]


def _decided(options: Options, overlay: Overlay | None) -> dict[str, Any] | None:
    """The overlay as the manifest names it: its files, without their folders, and what they decide."""
    if overlay is None:
        return None
    codes = {name: dict(codes) for name, codes in overlay.lookups.items()}
    return {
        "files": [{"file": Path(path).name, "sha256": publish.sha256(path)} for path in options.overlays],
        "codes": codes,
        "decided": sum(map(len, codes.values())),
    }


def _identified(idb: Idb, overlay: Overlay | None, path: Path, options: Options) -> Identification:
    """What the file is. A table of the data set that is only linked to ends the run, unless it is allowed."""
    links = idb.linked_tables
    try:
        found = identify({name: idb.columns(name) for name in idb.tables}, overlay, options.source)
    except SourceError as error:
        if error.code == "unknown-dataset":
            require_no_links(links, None, overlay, path.name)
        raise
    if ALLOW_LINKED not in options.allow:
        require_no_links(links, load_dataset(found.dataset), overlay, path.name)
    return found


def _read(path: Path, digest: str, problems: Sequence[Any], unread: list[dict[str, Any]]) -> dict[str, Any]:
    """The input as the manifest names it; what could not be read is part of it."""
    facts: dict[str, Any] = {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}
    if problems:
        facts["problems"] = [{"where": problem.where, "message": problem.message} for problem in problems]
    if unread:
        facts["not_read"] = unread
    return facts


def _not_read(idb: Idb, found: Identification, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """What of the file nobody reads: ``links``, tables of the data set with their names here; attachments.

    ``rows`` and ``values`` are how many; null where nobody can tell.
    """
    lines: list[dict[str, Any]] = [
        {
            "table": name,
            "name": own,
            "why": "a link to another file: its rows and values are not counted",
            "rows": None,
            "values": None,
        }
        for name, own in links.items()
    ]
    canonical = {table.source: table.canonical for table in found.tables}
    for (table, column), count in idb.complex_values().items():
        if count != 0:
            why = "attachments, or several values in one cell, are counted and not read"
            name = canonical.get(table) or table
            place = {"table": name, "name": table, "column": column, "known": bool(canonical.get(table))}
            lines.append({**place, "why": why, "rows": 0, "values": count})
    return lines


def _require(mapping: MappingFile, missing: Iterable[str], path: Path, damaged: bool) -> None:
    lost = "it may be lost, as the file is damaged: idbmigrate inspect --salvage lists the contradictions"
    other = "idbmigrate inspect lists the tables; --overlay binds a table of another name"
    for name in missing:
        rule = mapping.sources.get(name)
        if rule is not None and rule.required:
            raise SourceError(
                f"the file has no table {name}, and {mapping.name} cannot do without it",
                code="missing-table",
                where=path.name,
                hint=lost if damaged else other,
            )


def _get_ready(target: Dataset, options: Options) -> None:
    """Load what rules and reports need."""
    if not options.check:
        return
    from idbmigrate.checks import list_packs, load_pack, run  # noqa: F401

    if target.name in list_packs():
        load_pack(target.name)
    package.get_ready()


def _checked(
    tables: Mapping[str, pa.Table], target: Dataset, origins: Origins, options: Options
) -> Outcome | None:
    if not options.check:
        return None
    from idbmigrate.checks import Context, check, list_packs

    if target.name not in list_packs():  # a pack only where rules are public
        return None
    return check(tables, target, Context(references=origins))
