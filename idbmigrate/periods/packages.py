"""One package a reporting month, each with a header of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.datasets import Dataset
from idbmigrate.execution.parameters import resolve
from idbmigrate.execution.run import Execution, execute
from idbmigrate.mapping.model import Mapping as MappingFile
from idbmigrate.periods import month as periods
from idbmigrate.staging.dictionary import plain
from idbmigrate.staging.tables import StagedTable

Package = dict[str, pa.Table]


def split(
    run: Execution,
    mapping: MappingFile,
    staged: Mapping[str, StagedTable],
    target: Dataset,
    given: Mapping[str, str],
) -> dict[str, Package]:
    """The tables of each month, and in ``run`` no row that belongs to none.

    ``given`` are the parameters that the user set: a header is made anew for each month.
    """
    tables = {name: plain(result.rows(target.tables[name])) for name, result in run.results.items()}
    seen: dict[str, list[np.ndarray]] = {name: [] for name in tables}
    packages: dict[str, Package] = {}
    for month in periods.months(tables, target):
        masks = periods.belonging(tables, target, month)
        package = {
            name: periods.closed(table.filter(pa.array(masks[name])), target.tables[name], month)
            for name, table in tables.items()
        }
        parameters = resolve(mapping, given, staged, run.engine, month)
        for name in _headers(target) & set(package):
            only = mapping.with_tables({name: mapping.tables[name]})
            plan = compile_mapping(
                only, {}, target, parameters=parameters, accept=run.plan.accept, rules=run.plan.rules
            )
            package[name] = plain(rows(execute(plan, {}, run.engine, target), target)[name])
        packages[month] = {name: package.get(name, _empty(target, name)) for name in target.tables}
        for name, mask in masks.items():
            seen[name].append(mask)
    run.results = {
        name: result.only(np.logical_or.reduce(seen[name]), periods.OUTSIDE) if seen[name] else result
        for name, result in run.results.items()
    }
    return packages


def rows(run: Execution, target: Dataset) -> Package:
    """Published rows of every table of the target, in its order; a table that nothing fills is empty."""
    return {
        name: run.results[name].rows(spec) if name in run.results else _empty(target, name)
        for name, spec in target.tables.items()
    }


def _empty(target: Dataset, name: str) -> pa.Table:
    return pa.table({column: pa.array([], pa.string()) for column in target.tables[name].columns})


def _headers(target: Dataset) -> set[str]:
    return {name for name, spec in target.tables.items() if spec.is_header}
