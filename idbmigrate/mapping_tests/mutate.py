"""Mutants of a mapping: the same mapping with one thing changed that a test ought to notice.

A mutant that no test notices shows a place of the mapping that could be wrong without anybody knowing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from idbmigrate.mapping import model as m
from idbmigrate.mapping import wording
from idbmigrate.mapping.tree import Way, changed, lookups_of, parts, sources_of

#: What becomes of an unlisted code instead.
_OTHER_POLICY = {"reject": "null", "null": "keep", "keep": "null", "default": "keep"}


@dataclass(frozen=True)
class Mutant:
    """One change: in words, where, the mapping with it, and the target tables that it concerns.

    ``codes`` are the source codes that it concerns; empty where it concerns any.
    """

    change: str
    place: m.Place
    tables: frozenset[str]
    mapping: m.Mapping
    codes: frozenset[str] = frozenset()

    def concerns(self, test: m.MappingTest) -> bool:
        """Whether a test draws one of the codes, in whatever form; a test that does not cannot notice."""
        if not self.codes:
            return True
        cells = {cell for drawn in test.source.values() for row in drawn.rows for cell in row if cell}
        bare = [_bare(code) for code in self.codes]
        return any(code in _bare(cell) for cell in cells for code in bare)


def mutants(mapping: m.Mapping) -> list[Mutant]:
    """All mutants of a mapping, in the order of its tables and lookups."""
    found: list[Mutant] = []
    for name, table in mapping.tables.items():
        for change, place, new in _of_table(table):
            found.append(Mutant(f"{name}: {change}", place, frozenset({name}), _with_table(mapping, new)))
    read = {name for table in mapping.tables.values() for name in sources_of(table)}
    read |= {parent.table for name in read & {*mapping.sources} for parent in mapping.sources[name].parents}
    for name, rule in mapping.sources.items():
        if name not in read:
            continue  # its records reach no target table
        for change, place, changed_rule in _of_source(rule):
            mutated = replace(mapping, sources={**mapping.sources, name: changed_rule})
            found.append(Mutant(f"{name}: {change}", place, frozenset(mapping.tables), mutated))
    for lookup in mapping.lookups.values():
        users = frozenset(name for name, table in mapping.tables.items() if lookup.name in lookups_of(table))
        for change, place, other, codes in _of_lookup(lookup, _guarded(mapping, lookup.name)):
            mutated = replace(mapping, lookups={**mapping.lookups, lookup.name: other})
            found.append(Mutant(f"lookup {lookup.name}: {change}", place, users, mutated, codes))
    return found


def sample(found: Sequence[Mutant], most: int | None, seed: int) -> list[Mutant]:
    """At most that many of the mutants, the same for the same seed, in their order."""
    if most is None or len(found) <= most:
        return list(found)
    chosen = random.Random(seed).sample(range(len(found)), most)
    return [found[number] for number in sorted(chosen)]


def _with_table(mapping: m.Mapping, table: m.TableMap) -> m.Mapping:
    return mapping.with_tables({**mapping.tables, table.name: table})


def _of_source(rule: m.SourceRule) -> Iterator[tuple[str, m.Place, m.SourceRule]]:
    """What a source table says of whose records it holds, without one part of it."""
    if rule.within:
        yield f"its key is unique without {rule.within}", rule.place, replace(rule, within=None)
    for number, item in enumerate(rule.agree):
        fewer = replace(rule, agree=_without(rule.agree, number))
        yield f"without the conflict {item.conflict}", item.place, fewer
    for number, parent in enumerate(rule.parents):
        rest = _without(rule.parents, number)
        yield f"without the parent {parent.table}", parent.place, replace(rule, parents=rest)
        for place, agreed in enumerate(parent.agree):
            some = replace(parent, agree=_without(parent.agree, place))
            parents = (*rule.parents[:number], some, *rule.parents[number + 1 :])
            yield f"without the conflict {agreed.conflict}", agreed.place, replace(rule, parents=parents)


Change = tuple[str, m.Place, m.TableMap]


def _of_table(table: m.TableMap) -> Iterator[Change]:
    for way, node in parts(table):
        if "tells" in way:
            continue  # decides how a value is booked, never what a target row holds
        if isinstance(node, m.Branch):
            yield from _of_branch(table, way, node)
        elif isinstance(node, m.FirstOf) and len(node.choices) > 1:
            for number, choice in enumerate(node.choices):
                fewer = m.FirstOf(node.place, _without(node.choices, number))
                yield f"without the choice {wording.value(choice)}", choice.place, changed(table, way, fewer)
        elif isinstance(node, m.Cases):
            yield from _of_cases(table, way, node)
        elif isinstance(node, m.Combined) and len(node.conditions) > 1:
            for number, part in enumerate(node.conditions):
                shorter = replace(node, conditions=_without(node.conditions, number))
                yield (
                    f"without the condition that {wording.condition(part)}",
                    part.place,
                    changed(table, way, shorter),
                )
        elif isinstance(node, m.Compared) and isinstance(node.operand, tuple) and len(node.operand) > 1:
            for number, text in enumerate(node.operand):
                rest = replace(node, operand=_without(node.operand, number))
                change = f'without "{text}" in the condition on {wording.value(node.value)}'
                yield change, node.place, changed(table, way, rest)
    for number, rule in enumerate(table.one_per):
        yield from _of_one_per(table, number, rule)


def _of_one_per(table: m.TableMap, place: int, rule: m.OnePer) -> Iterator[Change]:
    rest = _without(table.one_per, place)
    yield f"without one_per {rule.rule}", rule.place, replace(table, one_per=rest)
    for number, preference in enumerate(rule.prefer):
        fewer = replace(rule, prefer=_without(rule.prefer, number))
        change = f"{rule.rule} without the preference for {preference.how} {preference.field}"
        yield change, rule.place, replace(table, one_per=(*rest[:place], fewer, *rest[place:]))


def _of_branch(table: m.TableMap, way: Way, branch: m.Branch) -> Iterator[Change]:
    rows = f"{branch.rows}: " if len(table.branches) > 1 else ""

    def new(**changes: object) -> m.TableMap:
        return changed(table, way, replace(branch, **changes))  # type: ignore[arg-type]

    for number, rule in enumerate(branch.where):
        yield f"{rows}without the filter {rule.name}", rule.place, new(where=_without(branch.where, number))
        negated = replace(rule, keep=_negated(rule.keep))
        yield (
            f"{rows}the filter {rule.name} negated",
            rule.place,
            new(where=_put(branch.where, number, negated)),
        )
    for number, item in enumerate(branch.fields):
        if not item.helper:
            yield f"{rows}{item.name} not filled", item.place, new(fields=_without(branch.fields, number))
    yield from ((f"{rows}{change}", place, new(fields=fields)) for change, place, fields in _swaps(branch))
    for number, join in enumerate(branch.joins):
        for key in range(len(join.on)):
            shifted = replace(join, on=_put(join.on, key, (join.on[key][0], _other(branch, join.on[key][1]))))
            change = f"{rows}the join {join.alias} along another key"
            yield change, join.place, new(joins=_put(branch.joins, number, shifted))
    for number, repeated in enumerate(branch.each):
        yield (
            f"{rows}without the item {repeated['column']}",
            branch.place,
            new(each=_without(branch.each, number)),
        )
    yield from ((f"{rows}{change}", branch.place, new(each=each)) for change, each in _item_swaps(branch))


def _swaps(branch: m.Branch) -> Iterator[tuple[str, m.Place, tuple[m.Field, ...]]]:
    """Neighbouring fields with each other's value."""
    published = [number for number, item in enumerate(branch.fields) if not item.helper]
    for one, other in zip(published[::2], published[1::2], strict=False):
        first, second = branch.fields[one], branch.fields[other]
        if first.value != second.value:
            fields = _put(branch.fields, one, replace(first, value=second.value))
            fields = _put(fields, other, replace(second, value=first.value))
            yield f"{first.name} and {second.name} swapped", first.place, fields


def _item_swaps(branch: m.Branch) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Neighbouring items with each other's properties, concept for concept."""
    for one in range(0, len(branch.each) - 1, 2):
        first, second = branch.each[one], branch.each[one + 1]
        swapped = _put(branch.each, one, {**second, "column": first["column"]})
        swapped = _put(swapped, one + 1, {**first, "column": second["column"]})
        if swapped[one] != first:
            yield f"the items {first['column']} and {second['column']} swapped", swapped


def _of_cases(table: m.TableMap, way: Way, node: m.Cases) -> Iterator[Change]:
    for number, (test, result) in enumerate(node.cases):
        negated = replace(node, cases=_put(node.cases, number, (_negated(test), result)))
        shown = wording.condition(test)
        yield f"the condition that {shown} negated", test.place, changed(table, way, negated)
        always = m.Present(test.place, m.Constant(test.place, "x"), True)
        dropped = replace(node, cases=_put(node.cases, number, (always, result)))
        yield f"without the condition that {shown}", test.place, changed(table, way, dropped)
    if node.otherwise is not None:
        change = f"without otherwise {wording.value(node.otherwise)}"
        yield change, node.otherwise.place, changed(table, way, replace(node, otherwise=None))


def _guarded(mapping: m.Mapping, lookup: str) -> bool:
    """Whether filters let only codes through that the lookup lists: its policy then decides nothing."""
    return all(
        any(
            isinstance(rule.keep, m.Known) and (rule.keep.lookup, rule.keep.of) == (lookup, node.of)
            for rule in branch.where
        )
        for table in mapping.tables.values()
        for branch in table.branches
        for _, node in parts(branch.fields)
        if isinstance(node, m.LookedUp) and node.lookup == lookup
    )


def _of_lookup(lookup: m.Lookup, guarded: bool) -> Iterator[tuple[str, m.Place, m.Lookup, frozenset[str]]]:
    if not guarded:
        policy = _OTHER_POLICY[lookup.unknown]
        other = replace(lookup, unknown=policy, default=None)
        yield f"unknown: {policy} instead of {lookup.unknown}", lookup.place, other, frozenset()
    rows = list(lookup.rows)
    number = 0
    while number < len(rows) and len(rows) > 1:
        second = number + 1 if number + 1 < len(rows) else 0
        one, two = rows[number], rows[second]
        if one.to != two.to:
            swapped = _put(lookup.rows, number, replace(one, to=two.to))
            swapped = _put(swapped, second, replace(two, to=one.to))
            new, codes = replace(lookup, rows=swapped), frozenset({one.code, two.code})
            yield f"codes {one.code} and {two.code} swapped", one.place, new, codes
            number += 2
        else:
            number += 1


# -- small changes --------------------------------------------------------------------------------


def _bare(text: str) -> str:
    return text.strip().upper().lstrip("0")


def _negated(condition: m.Condition) -> m.Condition:
    return m.Combined(condition.place, "none", (condition,))


def _without(items: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return items[:number] + items[number + 1 :]


def _put(items: tuple[Any, ...], number: int, new: object) -> tuple[Any, ...]:
    return (*items[:number], new, *items[number + 1 :])


def _other(branch: m.Branch, key: m.Expression) -> m.Expression:
    """A column of the row that is not the key; a text that no key holds where there is none."""
    for item in branch.fields:
        for node in m.references(item.value):
            if not node.alias and not node.helper and node != key and branch.source:
                return node
    return m.Constant(key.place, "-")
