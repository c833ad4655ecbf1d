"""Runs the tests that stand inside mapping files, on every engine.

A test runs the target tables that it can tell anything about, and no others: those that it draws, with
their parents and the tables they join; where it draws ``rejects``, every table that reads one of the drawn
source tables, and the books of the run must then close. What was compiled is kept from test to test, and
from mutant to mutant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import pyarrow as pa

from idbmigrate.compile.belonging import ordered
from idbmigrate.compile.compiler import compile_mapping, hoisted_values, needed_tables, ordered_tables
from idbmigrate.compile.context import CompileContext
from idbmigrate.compile.hoist import Hoisting
from idbmigrate.compile.keys import keyed_tables, natural_key_query
from idbmigrate.compile.optimise import NO_RULES, RULES
from idbmigrate.compile.plan import NaturalKeyQuery, Plan, TableQuery
from idbmigrate.compile.tables import compile_table
from idbmigrate.datasets import load_dataset
from idbmigrate.datasets.model import Dataset
from idbmigrate.engine import ENGINES, Engine
from idbmigrate.engine.remember import RememberingEngine, remembered
from idbmigrate.errors import DescriptionError, IdbmigrateError
from idbmigrate.execution.parameters import resolve
from idbmigrate.mapping import model as m
from idbmigrate.mapping.drawn import as_table
from idbmigrate.mapping.lint import Complaint, lint
from idbmigrate.mapping.load import load_mapping
from idbmigrate.mapping.tree import parameters_of, sources_of
from idbmigrate.mapping_tests.expected import reject_faults, table_faults
from idbmigrate.mapping_tests.mutate import Mutant
from idbmigrate.mapping_tests.run_mapping import run_staged
from idbmigrate.staging.tables import StagedTable, staged_texts
from idbmigrate.words import StatedConfidence


@dataclass(frozen=True)
class TestResult:
    """What became of one test on one engine; ``faults`` is empty where it passed."""

    test: m.MappingTest
    engine: str
    faults: tuple[str, ...]


@dataclass
class MappingTests:
    """Runs tests of one mapping: a context manager, since it keeps its engines open."""

    mapping: m.Mapping
    source: Dataset
    target: Dataset
    _engines: dict[str, Engine] = field(default_factory=dict, repr=False)
    _staged: dict[str, StagedTable] = field(default_factory=dict, repr=False)
    _drawn: dict[int, tuple[m.MappingTest, dict[str, StagedTable]]] = field(default_factory=dict, repr=False)
    _queries: dict[tuple[Any, ...], TableQuery] = field(default_factory=dict, repr=False)
    _natural_keys: dict[str, NaturalKeyQuery] = field(default_factory=dict, repr=False)
    _preparation: Hoisting = field(default_factory=Hoisting, repr=False)

    def __post_init__(self) -> None:
        mapping = self.mapping
        self._columns = {name: frozenset(spec.columns) for name, spec in self.source.tables.items()}
        self._order = ordered_tables(mapping, self.target)
        self._reads = {name: sources_of(table) for name, table in mapping.tables.items()}
        self._parameters = {name: parameters_of(table) for name, table in mapping.tables.items()}
        self._keyed = keyed_tables(mapping)
        self._conflicts = frozenset(rule.table for rule in ordered(mapping.sources))
        if not self._staged:
            self._natural_keys |= {
                n: self._natural_key(rule) for n, rule in mapping.sources.items() if rule.natural_key
            }
            self._staged |= {
                name: staged_texts(name, pa.table({}), spec.columns)
                for name, spec in self.source.tables.items()
            }

    def __enter__(self) -> MappingTests:
        return self

    def __exit__(self, *exc: object) -> None:
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def run(
        self, engines: Iterable[str] = ENGINES, tests: Iterable[m.MappingTest] | None = None
    ) -> list[TestResult]:
        """One verdict a test and engine, in the order of the file."""
        chosen = self.mapping.tests if tests is None else tests
        return [self.result(test, engine) for test in chosen for engine in engines]

    def result(self, test: m.MappingTest, engine_name: str) -> TestResult:
        """What becomes of one test on one engine."""
        try:
            faults = self._faults(test, self._engine(engine_name))
        except IdbmigrateError as error:
            faults = [str(error)]
        return TestResult(test, engine_name, tuple(faults))

    def tables_of(self, test: m.MappingTest) -> list[str]:
        """Target tables that a test runs, in the order in which they are made."""
        wanted = set(test.target)
        if test.rejects is not None:
            wanted |= {name for name, reads in self._reads.items() if reads & set(test.source)}
        needed = needed_tables(self.mapping, self.target, wanted & set(self.mapping.tables))
        return [name for name in self._order if name in needed]

    def of_mutant(self, mutant: Mutant) -> MappingTests:
        """MappingTests of a mutant; what was compiled for the tables that it leaves as they are is shared."""
        kept = {key: query for key, query in self._queries.items() if key[0] not in mutant.tables}
        return MappingTests(
            mutant.mapping,
            self.source,
            self.target,
            self._engines,
            self._staged,
            self._drawn,
            kept,
            self._natural_keys,
            self._preparation,
        )

    def unnoticed(
        self, found: Iterable[Mutant], engine: str, tests: Iterable[m.MappingTest]
    ) -> Iterator[Mutant]:
        """Those of the mutants that no test notices. The tests must pass on the mapping as it is."""
        concerned = [(test, set(self.tables_of(test))) for test in tests]
        for mutant in found:
            mutated = self.of_mutant(mutant)
            own = [pair for pair in concerned if pair[1] & mutant.tables and mutant.concerns(pair[0])]
            own.sort(key=lambda pair: (not mutant.tables & set(pair[0].target), len(pair[1])))
            if not any(mutated.result(test, engine).faults for test, _ in own):
                yield mutant

    def _faults(self, test: m.MappingTest, engine: Engine) -> list[str]:
        run = run_staged(
            self.mapping, self.target, self._tables(test), engine, partial(self._plan, test, engine)
        )
        faults = table_faults(test, run.tables)
        if test.rejects is not None and not faults:
            run.books.close()
            faults += reject_faults(test.rejects, run.rejected())
        return faults

    # -- what a test needs, made once -----------------------------------------------------------

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            self._engines[name] = RememberingEngine(name)
        return self._engines[name]

    def _tables(self, test: m.MappingTest) -> dict[str, StagedTable]:
        if id(test) not in self._drawn:  # the test is kept with its tables, or its id could be another's
            tables = {
                name: staged_texts(name, as_table(drawn), self.source.tables[name].columns)
                for name, drawn in test.source.items()
                if name in self.source.tables
            }
            self._drawn[id(test)] = test, tables
        return {**self._staged, **self._drawn[id(test)][1]}

    def _given(
        self, names: Iterable[str], test: m.MappingTest, staged: Mapping[str, StagedTable], engine: Engine
    ) -> dict[str, str]:
        """Values of the parameters that these tables use; the others need not be computed."""
        known = self.mapping.parameters
        waiting = [word for name in names for word in self._parameters[name]]
        waiting += [word for word in test.parameters if word not in known]  # refused by resolve
        used: set[str] = set()
        while waiting:
            word = waiting.pop()
            if word not in used:
                used.add(word)
                waiting += _named_parameters(known[word].default) if word in known else []
        fewer = replace(self.mapping, parameters={word: known[word] for word in known if word in used})
        return resolve(fewer, {w: t for w, t in test.parameters.items() if w in used}, staged, engine)

    def _plan(self, test: m.MappingTest, engine: Engine, staged: Mapping[str, StagedTable]) -> Plan:
        names, accept = self.tables_of(test), test.accept or "inferred"
        given = self._given(names, test, staged, engine)
        made: dict[str, TableQuery] = {}
        for name in names:
            made[name] = self._query(name, given, accept, made)
        mapping, queries = self.mapping, tuple(made.values())
        natural_keys = tuple(self._natural_keys.values())
        values = hoisted_values(self._preparation, queries)
        return Plan(
            mapping.name,
            mapping.source,
            mapping.target,
            accept,
            dict(given),
            natural_keys,
            queries,
            values,
            conflicts=self._conflicts,
            rules=RULES,
        )

    def _query(
        self, name: str, given: Mapping[str, str], accept: StatedConfidence, made: Mapping[str, TableQuery]
    ) -> TableQuery:
        own = tuple(sorted((word, given[word]) for word in self._parameters[name] if word in given))
        near = needed_tables(self.mapping, self.target, [name]) & made.keys()
        identities = {table: made[table].identities for table in sorted(near)}
        parents = tuple((table, *identity) for table in identities for identity in identities[table].items())
        key = (name, own, accept, parents)
        if key not in self._queries:
            columns = {table: (*query.published, *query.helpers) for table, query in made.items()}
            context = CompileContext(
                self.mapping,
                self.target.tables[name],
                self._columns,
                {},
                columns,
                given,
                accept,
                self._keyed,
                self.target.tables,
                self._preparation,
                identities,
                self._conflicts,
            )
            query = compile_table(self.mapping.tables[name], context)
            self._queries[key] = replace(
                query,
                query=remembered(query.query),
                rankings=tuple((rule, remembered(ranking)) for rule, ranking in query.rankings),
                explain=cache(lambda rows, columns: remembered(query.explain(rows, columns))),
            )
        return self._queries[key]

    def _natural_key(self, rule: m.SourceRule) -> NaturalKeyQuery:
        columns, keyed = self._columns[rule.table], rule.table in self._keyed
        found = natural_key_query(rule, columns, frozenset(), self._preparation, keyed=keyed)
        keys = remembered(found.keys) if found.keys is not None else None
        return replace(found, shared=remembered(found.shared), numbers=remembered(found.numbers), keys=keys)


def _named_parameters(default: Any) -> list[str]:
    """Parameters that a default is computed from."""
    if default is None:
        return []
    kind, operand = default
    if kind == "parameter":
        return [operand]
    return _named_parameters(operand) if kind in ("month_start", "month_end") else []


# -- compiling without data ----------------------------------------------------------------------------


def compiled(
    mapping: m.Mapping,
    source: Dataset,
    target: Dataset,
    parameters: Mapping[str, str] | None = None,
    accept: StatedConfidence = "proposed",
    optimise: bool = True,
    conflicts: frozenset[str] = frozenset(),
) -> Plan:
    """The plan of a mapping over the columns of its source data set, for reading rather than running.

    ``conflicts`` are the source tables of which a row may contradict another record.
    A parameter that is not given has its default where that is a text, else its first choice, else its
    name in angle brackets. Raises what the compiler raises.
    """
    given = {**{name: _placeholder(spec) for name, spec in mapping.parameters.items()}, **(parameters or {})}
    columns = {name: frozenset(spec.columns) for name, spec in source.tables.items()}
    rules = RULES if optimise else NO_RULES
    return compile_mapping(
        mapping, columns, target, parameters=given, accept=accept, rules=rules, conflicts=conflicts
    )


def _placeholder(spec: m.ParameterSpec) -> str:
    if spec.default is not None and spec.default[0] == "text":
        return str(spec.default[1])
    return spec.one_of[0] if spec.one_of else f"<{spec.name}>"


def complaints(name: str) -> list[Complaint]:
    """Everything that is wrong with the mapping of that name or in that file, whether it loads or not."""
    try:
        mapping = load_mapping(name)
        source, target = load_dataset(mapping.source), load_dataset(mapping.target)
    except DescriptionError as error:
        return [_complaint(error)]
    found = lint(mapping, source, target)
    try:
        compiled(mapping, source, target)
    except DescriptionError as error:
        found.append(_complaint(error))
    return found


def _complaint(error: DescriptionError) -> Complaint:
    """An error as a complaint; one about a whole file has no line."""
    place = error.place if isinstance(error.place, m.Place) else m.Place(error.where or "", 0, "$")
    return Complaint(error.message, place)
