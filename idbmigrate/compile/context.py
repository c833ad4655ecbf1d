"""What the parts of a query need to know of everything around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from idbmigrate.compile import plan
from idbmigrate.compile.hoist import Hoisting
from idbmigrate.compile.optimise import RULES
from idbmigrate.datasets.model import TableSpec
from idbmigrate.mapping import model as m


@dataclass(frozen=True)
class CompileContext:
    """What a table query needs to know of the rest.

    ``made`` maps the target tables that are made before this one to all their columns, helpers included;
    ``keyed`` are the source tables that have a digest of their natural key, ``targets`` the tables of the
    target data set, ``identities`` the fields of those made before that identify their source row.
    ``hoisting`` collects values that hang on one column of a source table. ``conflicts`` are the source
    tables of which rows may have a conflict. ``rules`` are those that make the query quicker, ``empty`` the
    source tables that are known to have no row.
    """

    mapping: m.Mapping
    spec: TableSpec
    sources: Mapping[str, frozenset[str]]
    days: Mapping[str, frozenset[str]]
    made: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, str]
    accept: str
    keyed: frozenset[str]
    targets: Mapping[str, TableSpec]
    hoisting: Hoisting
    identities: Mapping[str, plan.Identities]
    conflicts: Collection[str] = ()
    rules: frozenset[str] = RULES
    empty: Collection[str] = ()

    def primary_key(self, table: str) -> tuple[str, ...]:
        """The primary key of a target table, empty where it has none or there is no such table."""
        return self.targets[table].primary_key if table in self.targets else ()

    def columns_of(self, join: m.Join) -> Collection[str]:
        """Columns of the table that is joined."""
        return self.made[join.table] if join.target else self.sources[join.table]
