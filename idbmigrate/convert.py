"""The main job, top to bottom: a legacy Access file becomes the tables of a current data set.

    read -> identify -> stage -> compile -> run -> close the books -> check -> publish
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from idbmigrate import package, periods
from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.datasets import Dataset, identify, load_dataset
from idbmigrate.engine import open_engine
from idbmigrate.engine.execute import execute
from idbmigrate.engine.parameters import month_bounds, resolve
from idbmigrate.errors import SourceError, UsageError
from idbmigrate.exporters import publish
from idbmigrate.ledger import keep_books
from idbmigrate.mapping.load import find_mapping, load_mapping, with_overlay
from idbmigrate.mapping.model import CONFIDENCE
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.readers import open_idb
from idbmigrate.run import Run
from idbmigrate.stage import StagedTable, stage
from idbmigrate.trace import Origins

if TYPE_CHECKING:
    from idbmigrate.checks import Outcome

Progress = Callable[[str], None]


def convert(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    to: str,
    out: str | os.PathLike[str] | None = None,
    formats: Iterable[str] = ("csv",),
    *,
    source: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, str] | None = None,
    period: str | None = None,
    split: str | None = None,
    overlay: Any = None,
    accept: str = "inferred",
    template: str | None = None,
    allow: Iterable[str] = (),
    share: bool = False,
    password: str | None = None,
    salvage: bool = False,
    overwrite: bool = False,
    progress: Progress = lambda message: None,
) -> Any:
    """Convert a file, or several, and publish the output folder ``out`` whole or not at all.

    Gives a :class:`idbmigrate.run.Run`, for a list of files a :class:`idbmigrate.batch.Batch` with a run
    and a folder for each. Without ``out`` nothing is written. ``allow`` names the
    differences that ``template`` may have. ``share`` makes reports that
    name no record and no small count. ``salvage`` reads what can be read of a damaged file and lists
    in the manifest what cannot. Raises errors of :mod:`idbmigrate.errors`;
    ``books-open`` where a row or value would be lost.
    """
    options = _Options(to, tuple(formats), source, mapping, dict(parameters or {}), period, split, overlay,
                       accept, template, share, password, salvage)  # fmt: skip
    options.allow = tuple(allow)
    paths = [Path(path)] if isinstance(path, (str, os.PathLike)) else [Path(item) for item in path]
    place = publish.Folder(out, overwrite=overwrite, sources=paths) if out is not None else nullcontext()
    with place as folder:
        if isinstance(path, (str, os.PathLike)):
            result: Any = _one(paths[0], folder, options, progress)
        else:
            from idbmigrate.batch import many

            result = many(paths, folder, lambda item, where: _one(item, where, options, progress))
    result.out = str(out) if out is not None else None
    return result


class _Options:
    def __init__(self, to, formats, source, mapping, parameters, period, split, overlay, accept, template,
                 share, password, salvage):  # fmt: skip
        self.to, self.formats, self.source, self.mapping = to, formats, source, mapping
        self.parameters, self.period, self.split, self.overlay = parameters, period, split, overlay
        self.accept, self.template, self.share, self.password = accept, template, share, password
        self.salvage = salvage
        for name, value, allowed in (
            ("accept", accept, CONFIDENCE),
            ("split", split, (None, "month")),
            *(("format", item, package.FORMATS) for item in formats),
        ):
            if value not in allowed:
                choices = ", ".join(item for item in allowed if item)
                raise UsageError(f"{name} {value!r} is not one of {choices}", code="bad-option")
        if period is not None:
            month_bounds(period)
        if period and split:
            raise UsageError("either a period or a split, not both", code="bad-option")
        if load_dataset(to).role != "target":
            raise UsageError(f"{to} is not a target", code="bad-option", hint="idbmigrate dataset list")


def _one(path: Path, folder: Path | None, options: _Options, progress: Progress) -> Run:
    progress(f"reading {path.name}")
    overlay = _overlay(options.overlay)
    with open_idb(path, password=options.password, salvage=options.salvage) as idb:
        found = identify({name: idb.columns(name) for name in idb.tables}, overlay, options.source)
        dataset, target = load_dataset(found.dataset), load_dataset(options.to)
        mapping = load_mapping(options.mapping or find_mapping(dataset.name, target.name))
        mapping = with_overlay(mapping, overlay) if overlay is not None else mapping
        staged = stage(idb, found, dataset)
        problems = [{"where": problem.where, "message": problem.message} for problem in idb.problems]
    _require(mapping, found.missing_tables, path)

    engine = open_engine()
    try:
        known = {name: table for name, table in staged.items() if table.name}
        given = resolve(mapping, options.parameters, known, engine, options.period)
        plan = compile_mapping(
            mapping,
            {name: frozenset(table.raw.column_names) for name, table in known.items()},
            target,
            parameters=given,
            accept=options.accept,
            days={name: table.days for name, table in known.items()},
        )
        done = execute(plan, staged, engine, target, progress)
        packages: dict[str, dict[str, pa.Table]] = {}
        if options.period:
            done.results = periods.only_month(done.results, target, options.period)
        if options.split:
            done.results, packages = _months(done.results, mapping, plan, known, engine, target, options)
        progress("closing the books")
        books = keep_books(staged, done, mapping)
        books.close()
    finally:
        engine.close()
    tables = {name: _rows(done.results, target, name) for name in target.tables}
    run = Run(
        input={"file": path.name, "bytes": path.stat().st_size, "sha256": publish.sha256(path),
               **({"problems": problems} if problems else {})},
        identification=found,
        mapping=mapping,
        plan=plan,
        staged=staged,
        tables=tables,
        books=books,
        period=options.period,
        packages=packages,
    )
    progress("checking and writing")
    with ThreadPoolExecutor(1) as pool:  # rules and writers both leave Python for most of their time
        checking = pool.submit(_checked, tables, target, Origins(done, staged))
        if folder is not None:
            package.write_tables(run, folder, options.formats, target, options.template, options.allow)
        run.outcome = checking.result()
    if folder is not None:
        package.write_account(run, folder, dataset, target, options.share)
    return run


def _overlay(overlay: Any) -> Any:
    if overlay is None:
        return None
    from idbmigrate.datasets import load_overlay

    return load_overlay(*([overlay] if isinstance(overlay, (str, os.PathLike)) else overlay))


def _require(mapping: MappingFile, missing: Iterable[str], path: Path) -> None:
    for name in missing:
        rule = mapping.sources.get(name)
        if rule is not None and rule.required:
            raise SourceError(
                f"the file has no table {name}, and {mapping.name} cannot do without it",
                code="missing-table",
                where=path.name,
                hint="idbmigrate inspect lists the tables; --overlay binds a table of another name",
            )


def _rows(results, target: Dataset, name: str) -> pa.Table:
    if name in results:
        return results[name].rows(target.tables[name])
    return pa.table({column: pa.array([], pa.string()) for column in target.tables[name].columns})


def _months(
    results, mapping: MappingFile, plan, staged: Mapping[str, StagedTable], engine, target: Dataset,
    options: _Options,
):
    """Results that belong to at least one month, and the tables of each month with a header of its own."""
    tables = {name: result.rows(target.tables[name]) for name, result in results.items()}
    headers = {n for n, spec in target.tables.items() if spec.period and spec.period.kind == "header"}
    seen = {name: [] for name in tables}
    packages = {}
    for month in periods.months(tables, target):
        masks = periods.belonging(tables, target, month)
        given = resolve(mapping, options.parameters, staged, engine, month)
        made = {
            name: periods.closed(table.filter(pa.array(masks[name])), target.tables[name], month)
            for name, table in tables.items()
        }
        for name in headers & set(made):
            only = mapping.with_tables({name: mapping.tables[name]})
            header = compile_mapping(
                only, {n: frozenset(t.raw.column_names) for n, t in staged.items()}, target,
                parameters=given, accept=plan.accept,
            )  # fmt: skip
            made[name] = execute(header, {}, engine, target).results[name].rows(target.tables[name])
        packages[month] = {name: made.get(name, _rows({}, target, name)) for name in target.tables}
        for name, mask in masks.items():
            seen[name].append(mask)
    kept = {
        name: result.only(np.logical_or.reduce(seen[name]), periods.OUTSIDE) if seen[name] else result
        for name, result in results.items()
    }
    return kept, packages


def _checked(tables: Mapping[str, pa.Table], target: Dataset, origins: Origins) -> Outcome | None:
    from idbmigrate.checks import Context, check, list_packs

    if target.name not in list_packs():  # no rules of this data set are public
        return None
    return check(tables, target, Context(references=origins))
