"""The road of one source, top to bottom: a legacy Access file becomes the tables of a current data set.

read -> identify -> stage -> compile -> run -> close the books -> check -> publish
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pyarrow as pa

from idbmigrate.compile.optimise import HOIST
from idbmigrate.concurrency import workers
from idbmigrate.conversion import output as package
from idbmigrate.conversion.options import Options, Progress
from idbmigrate.conversion.pseudonymous import pseudonymised_packages
from idbmigrate.conversion.source import Source, overlay_facts, read_file, require_tables
from idbmigrate.datasets import Dataset, Overlay, load_dataset, load_overlay
from idbmigrate.engine import Engine, open_engine
from idbmigrate.execution.belonging import Settled, settled
from idbmigrate.execution.planning import plan_for, rules_for
from idbmigrate.execution.run import Execution, execute
from idbmigrate.ledger.books import keep_books
from idbmigrate.ledger.lineage import Origins
from idbmigrate.ledger.proof import prove
from idbmigrate.mapping.load import find_mapping, load_mapping, with_overlay
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.periods import month as periods
from idbmigrate.periods import packages as months
from idbmigrate.result.run import Run
from idbmigrate.result.summary import NotOfType
from idbmigrate.staging.tables import StagedTable

if TYPE_CHECKING:
    from idbmigrate.checks import Outcome
    from idbmigrate.compile.plan import Plan

#: Threads beside the main one, for work that mostly leaves Python.
_BESIDE = 5


#: Reads what a run is about, beside other work of the pool.
Read = Callable[["Overlay | None", Executor], Source]


def convert_file(
    path: Path, folder: Path | None, options: Options, progress: Progress, *, keep_execution: bool = False
) -> Run:
    """Convert one file; what is written goes into ``folder``, which is there and empty.

    With ``keep_execution`` the run keeps what its queries gave, so that it can be explained.
    """
    progress(f"reading {path}")
    run, done = _converted(partial(read_file, path, options), folder, options, progress)
    if keep_execution:
        run.execution = done
    return run


def convert_source(read: Read, folder: Path | None, options: Options, progress: Progress) -> Run:
    """Convert what ``read`` gives: the road from staged tables on, wherever these are from."""
    return _converted(read, folder, options, progress)[0]


def _converted(
    read: Read, folder: Path | None, options: Options, progress: Progress
) -> tuple[Run, Execution]:
    overlay = load_overlay(*options.overlays) if options.overlays else None
    decided = overlay_facts(options, overlay)
    with workers(_BESIDE) as pool, _stop_on_error() as stop:
        opening = pool.submit(open_engine)
        given = read(overlay, pool)
        found, staged, unread = given.found, dict(given.staged), given.unread
        source, target = load_dataset(found.dataset), load_dataset(options.to)
        mapping = load_mapping(options.mapping or find_mapping(source.name, target.name))
        mapping = with_overlay(mapping, overlay) if overlay is not None else mapping
        require_tables(mapping, found.missing_tables, given.name, damaged="problems" in given.facts)

        with _closed_beside(opening.result(), pool) as engine:
            known = {name: table for name, table in staged.items() if table.name}
            plan, whose = _plan_and_keys(mapping, known, target, engine, options, pool)
            known = whose.staged
            staged.update(known)
            done = execute(plan, staged, engine, target, progress, partial(_get_ready, target, options))
            if options.period:
                done.results = periods.only_month(
                    done.results, target, options.period, given.name, options.allow
                )
            split = options.split is not None
            packages = months.split(done, mapping, known, target, options.parameters) if split else {}
            tables = months.rows(done, target)
            checking = pool.submit(_checked, tables, target, Origins(done, staged), options)
            outgoing, pseudonyms = packages or {"": tables}, None
            if options.pseudonymise is not None:
                outgoing, pseudonyms = pseudonymised_packages(
                    outgoing, target, known, source, options.pseudonymise
                )
            not_of_type: list[NotOfType] = []
            writing = _begin_to_write(pool, outgoing, folder, target, options, stop, not_of_type)
            proving = pool.submit(prove, done, tables, staged, source, target, whose.allowed)
            progress("closing the books")
            books = keep_books(staged, done, mapping)
            books.add_unread(unread, staged)
            proof = proving.result()
            proof.hold()
            books.close()
            done.sources.clear()

        run = Run(
            given.facts,
            found,
            mapping,
            plan,
            staged,
            tables,
            books,
            proof,
            None,
            options.period,
            packages,
            whose,
        )
        run.overlay, run.allow, run.salvage = decided, options.allow, options.salvage
        run.pseudonyms = pseudonyms
        run.not_of_type = not_of_type if "analysis" in options.formats else None
        if folder is not None and pseudonyms is None:
            progress("writing")
            writing.append(pool.submit(package.write_rejects, run, folder))
        progress("checking")
        run.outcome = checking.result()
        if folder is not None:
            check = options.check
            reports = package.write_reports(run, folder, source, target, options.share) if check else {}
            package.write_account(run, folder, ChainMap(reports, *(each.result() for each in writing)))
    return run, done


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


def _plan_and_keys(
    mapping: MappingFile,
    known: Mapping[str, StagedTable],
    target: Dataset,
    engine: Engine,
    options: Options,
    pool: Executor,
) -> tuple[Plan, Settled]:
    """The plan, and whose every record is: side by side, as few files have a conflict to plan for."""
    hoists = HOIST in rules_for(engine, options.optimise)

    def made(staged: Mapping[str, StagedTable]) -> Plan:
        return plan_for(
            mapping,
            staged,
            target,
            engine,
            parameters=options.parameters,
            accept=options.accept,
            period=options.period,
            optimise=options.optimise,
        )

    settling = pool.submit(settled, known, mapping, engine, options.allow, hoists)
    if engine.workers == 1:
        settling.result()
    plan = made(known)
    whose = settling.result()
    return (made(whose.staged) if whose.conflicts else plan), whose


def _begin_to_write(
    pool: Executor,
    packages: Mapping[str, package.Tables],
    folder: Path | None,
    target: Dataset,
    options: Options,
    stop: Event,
    not_of_type: list[NotOfType],
) -> list[Future[package.Digests]]:
    """Write the formats while the books are closed: the folder is hidden, and gone where they stay open."""
    if folder is None:
        return []
    rest = (target, options.template, options.of_template, stop, not_of_type)
    return [
        pool.submit(package.write_tables, packages, folder, format, *rest)
        for format in dict.fromkeys(options.formats)
    ]


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
