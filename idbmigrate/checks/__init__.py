"""The rules of a target data set, run over its tables as the centre runs them.

``check(tables, dataset, context)`` gives findings, counts and what becomes of the submission;
``run_rules`` gives only the findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from idbmigrate.checks.load import list_packs, load_pack
from idbmigrate.checks.model import KINDS, REASONS, Context, Measure, Outcome, Rule, RulePack

if TYPE_CHECKING:
    import pyarrow as pa

    from idbmigrate.datasets import Dataset

__all__ = [
    "KINDS",
    "REASONS",
    "Context",
    "Measure",
    "Outcome",
    "Rule",
    "RulePack",
    "check",
    "list_packs",
    "load_pack",
    "run_rules",
]


def check(
    tables: Mapping[str, pa.Table],
    dataset: Dataset,
    context: Context | None = None,
    pack: RulePack | None = None,
) -> Outcome:
    """Run all rules: see :func:`idbmigrate.checks.run.check`."""
    from idbmigrate.checks.run import check as run

    return run(tables, dataset, context, pack)


def run_rules(tables: Mapping[str, pa.Table], dataset: Dataset, context: Context | None = None) -> pa.Table:
    """Run all rules and give the findings: see :func:`idbmigrate.checks.run.run_rules`."""
    return check(tables, dataset, context).findings
