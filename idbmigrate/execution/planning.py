"""The plan of a mapping over staged tables, for the engine that is to run it."""

from __future__ import annotations

from collections.abc import Mapping

from idbmigrate.compile.compiler import compile_mapping
from idbmigrate.compile.optimise import RULES
from idbmigrate.compile.plan import Plan
from idbmigrate.datasets.model import Dataset
from idbmigrate.engine import Engine
from idbmigrate.execution.parameters import resolve
from idbmigrate.mapping import model as m
from idbmigrate.staging.tables import StagedTable
from idbmigrate.words import StatedConfidence


def rules_for(engine: Engine, optimise: bool) -> frozenset[str]:
    """The rules of the optimiser that a run uses: all, or those that the engine cannot do without."""
    return RULES if optimise else engine.needs


def plan_for(
    mapping: m.Mapping,
    staged: Mapping[str, StagedTable],
    target: Dataset,
    engine: Engine,
    *,
    parameters: Mapping[str, str],
    accept: StatedConfidence,
    period: str | None,
    optimise: bool,
) -> Plan:
    """The plan of a run over these tables; raises what :func:`resolve` and :func:`compile_mapping` raise."""
    return compile_mapping(
        mapping,
        {name: frozenset(table.raw.column_names) for name, table in staged.items()},
        target,
        parameters=resolve(mapping, parameters, staged, engine, period),
        accept=accept,
        days={name: table.days for name, table in staged.items()},
        rules=rules_for(engine, optimise),
        empty=frozenset(name for name, table in staged.items() if not table.raw.num_rows),
        conflicts=frozenset(name for name, table in staged.items() if table.conflicts is not None),
    )
