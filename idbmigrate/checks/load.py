"""Read a rule pack: YAML in, typed and checked rules out.

A pack may say only what is listed here; anything else is refused with the place where it stands.
``packs/NAME.json``, where it stands beside the YAML with the right digest, is the same data in a shape
that loads faster. ``described`` adds the rules that follow from the description of the data set
(:mod:`idbmigrate.checks.described`), of which a written rule of the same code takes the place.
``extends: NAME`` takes over the written rules of another pack for the tables and columns that the data
set has, its lists and its sources; ``restate: inferred`` makes none of them surer than that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from idbmigrate.checks.described import MANDATORY, OTHER, described_rules
from idbmigrate.checks.load_types import check_reader
from idbmigrate.checks.model import KINDS, REASONS, Measure, Rule, RulePack
from idbmigrate.checks.vodim import TESTS
from idbmigrate.datasets import Dataset, load_dataset
from idbmigrate.datasets.model import weakest
from idbmigrate.documents.digest import digest
from idbmigrate.documents.node import Document, Node
from idbmigrate.documents.records import Key, dict_of, flag, list_of, maybe, one_of, record, text, values_of
from idbmigrate.errors import UsageError, nearest
from idbmigrate.words import CONFIDENCE, EFFECTS

PACKS = Path(__file__).parent / "packs"
_CODE = "rules-invalid"


def list_packs() -> list[str]:
    """Names of the data sets that have a rule pack."""
    return sorted(path.stem for path in PACKS.glob("*.yaml"))


@cache
def load_pack(name: str) -> RulePack:
    """The rule pack of a data set.

    Raises ``UsageError`` where there is none, ``DescriptionError`` (``rules-invalid``) where it is not
    what a pack may be.
    """
    path = PACKS / f"{name}.yaml"
    if name not in list_packs():
        message = f"there is no rule pack for {name}"
        raise UsageError(message, code="unknown-name", hint=nearest(name, list_packs()))
    fast = path.with_suffix(".json")
    if fast.is_file():
        compiled = json.loads(fast.read_text(encoding="utf-8"))
        if compiled["sha256"] == digest(path):
            return read_pack(Node(compiled["data"], Document(fast.name, _CODE, {})))
    return read_pack(Node.load(path, _CODE, path.name))


def compile_pack(name: str) -> str:
    """Text of the compiled pack, which is read first."""
    path = PACKS / f"{name}.yaml"
    top = Node.load(path, _CODE, path.name)
    read_pack(top)
    compiled = {"sha256": digest(path), "data": top.data}
    return json.dumps(compiled, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_pack(top: Node) -> RulePack:
    """The rules of a document."""
    extends = top.get("extends")
    base = load_pack(extends.known(list_packs(), "rule pack")) if extends is not None else None
    lists: dict[str, tuple[str, ...]] = dict(base.lists) if base is not None else {}
    texts = partial(_texts, lists)
    for name, node in (top.get("lists") or Node({}, top.document)).items():
        lists[name] = texts(node)
    check = check_reader(texts)
    rule = values_of(
        {
            "code": text,
            "effect": one_of(EFFECTS),
            "draft": maybe(one_of(EFFECTS)),
            "kind": one_of(KINDS),
            "check": maybe(check),
            "columns": maybe(texts, ()),
            "because": maybe(one_of(REASONS)),
            "note": maybe(text),
            "source": maybe(texts, ()),
            "confidence": one_of(CONFIDENCE),
            "own": maybe(flag, False),
        },
    )
    measure = record(
        _measure,
        {
            "item": text,
            "column": Key(_column, field="place"),
            "other": maybe(texts, ()),
            "default": maybe(texts, ()),
            "valid": maybe(one_of(("codes", *TESTS)), "codes"),
            "before": maybe(_column),
            "confidence": maybe(one_of(CONFIDENCE), "proposed"),
        },
    )
    defaults = top.get("defaults")
    read = record(
        partial(_pack, top, base),
        {
            "pack": Key(text, field="name"),
            "title": text,
            "floor": maybe(text),
            "note": maybe(text, ""),
            "sources": maybe(dict_of(text), {}),
            "defaults": maybe(dict_of(lambda node: node.data)),
            "header": maybe(dict_of(text), {}),
            "lists": maybe(dict_of(texts), {}),
            "rules": maybe(dict_of(list_of(partial(_rule, rule, defaults.data if defaults else {}))), {}),
            "measures": maybe(list_of(measure), ()),
            "extends": maybe(text, field=""),
            "restate": maybe(one_of(CONFIDENCE), "confirmed"),
            "described": maybe(values_of(dict.fromkeys((MANDATORY, OTHER), one_of(EFFECTS)))),
        },
    )
    return read(top)


def _pack(
    top: Node,
    base: RulePack | None,
    rules: dict[str, tuple[Rule, ...]],
    lists: dict[str, tuple[str, ...]],
    sources: dict[str, str],
    restate: str,
    described: dict[str, str] | None,
    defaults: object,
    **values: Any,
) -> RulePack:
    written: dict[str, Rule] = {}
    for table, found in rules.items():
        for number, rule in enumerate(found):
            if rule.code in written:
                raise top["rules"][table][number].error(f"the code {rule.code} stands twice")
            written[rule.code] = rule
    under: dict[str, Rule] = {}
    if described is not None or base is not None:
        dataset = load_dataset(values["name"])
        under = {rule.code: rule for rule in described_rules(dataset, described)} if described else {}
        if base is not None:
            written = _taken(base.written, dataset, restate) | written
            lists, sources = {**base.lists, **lists}, {**base.sources, **sources}
        sources = {**dataset.sources, **sources}
    every = tuple((under | written).values())
    return RulePack(rules=every, written=written, lists=lists, sources=sources, **values)


def _taken(rules: Mapping[str, Rule], dataset: Dataset, restate: str) -> dict[str, Rule]:
    """The rules of another pack for what the data set has, none surer than ``restate`` says."""
    return {
        code: replace(rule, confidence=weakest(rule.confidence, restate))
        for code, rule in rules.items()
        if rule.table is None
        or (rule.table in dataset.tables and dataset.tables[rule.table].columns.keys() >= set(rule.columns))
    }


def _rule(read: Any, defaults: Any, node: Node) -> Rule:
    """One rule of a table, or of the whole file."""
    own = {key: child.data for key, child in node.items()}
    values = read(Node({**defaults, **own}, node.document, node.path))
    check, because = values["check"], values["because"]
    if (check is None) == (because is None):
        raise node.error("a rule has either a check or a reason why there is none")
    values["columns"] = values["columns"] or (check.columns() if check else ())
    table = str(node.path[-2])
    return Rule(table=None if table == "file" else table, published=not values.pop("own"), **values)


def _measure(place: tuple[str, str], **values: Any) -> Measure:
    return Measure(table=place[0], column=place[1], **values)


def _texts(lists: dict[str, tuple[str, ...]], node: Node) -> tuple[str, ...]:
    """A list of texts, or the name of one of the pack's lists."""
    return lists[node.known(lists, "list")] if node.is_text else node.texts()


def _column(node: Node) -> tuple[str, str]:
    table, _, column = node.text().partition(".")
    if not (table and column):
        raise node.error("written as Table.Column")
    return table, column
