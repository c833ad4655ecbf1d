"""Read a rule pack: YAML in, typed and checked rules out.

A pack may say only what is listed here; anything else is refused with the place where it stands.
``packs/NAME.json``, where it stands beside the YAML with the right digest, is the same data in a form
that loads faster.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from idbmigrate.checks.forms import Form
from idbmigrate.checks.load_forms import FORMS
from idbmigrate.checks.model import KINDS, REASONS, Measure, Rule, RulePack
from idbmigrate.checks.vodim import TESTS
from idbmigrate.documents import yaml as yamlio
from idbmigrate.errors import DescriptionError, UsageError
from idbmigrate.words import EFFECTS

PACKS = Path(__file__).parent / "packs"

_RULE_KEYS = {
    *(
        "code",
        "effect",
        "draft",
        "kind",
        "check",
        "columns",
        "because",
        "note",
        "source",
        "confidence",
        "own",
    ),
}
_PACK_KEYS = {"pack", "title", "floor", "note", "sources", "defaults", "header", "lists", "rules", "measures"}
_MEASURE_KEYS = {"item", "column", "other", "default", "valid", "before", "confidence"}


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
        raise UsageError(
            f"there is no rule pack for {name}",
            code="unknown-name",
            hint=f"rule packs: {', '.join(list_packs())}",
        )
    return Reader(_data(path), path.name).pack()


def digest(path: Path) -> str:
    """What tells one version of a pack from another, whatever the line endings."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def compile_pack(name: str) -> str:
    """Text of the fast form of a pack, which is read first."""
    path = PACKS / f"{name}.yaml"
    data = yamlio.load(path)
    Reader(data, path.name).pack()
    return (
        json.dumps({"sha256": digest(path), "data": data}, ensure_ascii=False, separators=(",", ":")) + "\n"
    )


def _data(path: Path) -> Any:
    fast = path.with_suffix(".json")
    if fast.is_file():
        compiled = json.loads(fast.read_text(encoding="utf-8"))
        if compiled["sha256"] == digest(path):
            return compiled["data"]
    return yamlio.load(path)


class Reader:
    """One pass over the plain data of a pack."""

    def __init__(self, data: Any, name: str):
        self.data, self.name = data, name
        self.lists: dict[str, tuple[str, ...]] = {}

    def refused(self, message: str, place: str) -> DescriptionError:
        """The error that names the pack and the place in it."""
        return DescriptionError(message, code="rules-invalid", where=f"{self.name}: {place}")

    def mapping(self, data: Any, allowed: set[str], place: str) -> dict[str, Any]:
        """A mapping that holds nothing but the keys that are allowed."""
        if not isinstance(data, dict):
            raise self.refused("a mapping is expected here", place)
        for key in data:
            if key not in allowed:
                raise self.refused(
                    f"the key {key!r} is not known here; {', '.join(sorted(allowed))} are", place
                )
        return data

    def texts(self, data: Any, place: str) -> tuple[str, ...]:
        """A list of texts, or the name of one of the pack's lists."""
        if isinstance(data, str):
            if data not in self.lists:
                raise self.refused(f"there is no list {data!r}", place)
            return self.lists[data]
        if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
            raise self.refused("a list of texts is expected here", place)
        return tuple(data)

    def pack(self) -> RulePack:
        """The whole pack."""
        data = self.mapping(self.data, _PACK_KEYS, "top")
        for name, values in (data.get("lists") or {}).items():
            self.lists[name] = self.texts(values, f"lists.{name}")
        rules = [
            self.rule(entry, None if table == "file" else table, data.get("defaults") or {})
            for table, entries in (data.get("rules") or {}).items()
            for entry in entries
        ]
        seen: set[str] = set()
        for rule in rules:
            if rule.code in seen:
                raise self.refused("the code stands twice", rule.code)
            seen.add(rule.code)
        return RulePack(
            name=data["pack"],
            title=data["title"],
            floor=data.get("floor"),
            note=data.get("note") or "",
            header=data.get("header") or {},
            rules=tuple(rules),
            measures=tuple(self.measure(each) for each in data.get("measures") or ()),
            sources=data.get("sources") or {},
        )

    def rule(self, entry: Any, table: str | None, defaults: Mapping[str, Any]) -> Rule:
        """One rule of a table; ``table`` is None for a rule of the whole file."""
        place = str(entry.get("code")) if isinstance(entry, dict) else str(table)
        entry = {**defaults, **self.mapping(entry, _RULE_KEYS, place)}
        for key, allowed in (("effect", EFFECTS), ("kind", KINDS), ("draft", (None, *EFFECTS))):
            if entry.get(key) not in allowed:
                raise self.refused(f"{key} must be one of {', '.join(filter(None, allowed))}", place)
        because, check = entry.get("because"), entry.get("check")
        if (check is None) == (because is None):
            raise self.refused("a rule has either a check or a reason why there is none", place)
        if because is not None and because not in REASONS:
            raise self.refused(f"because must be one of {', '.join(REASONS)}", place)
        form = self.form(check, place) if check is not None else None
        columns = entry.get("columns")
        return Rule(
            code=place,
            effect=entry["effect"],
            kind=entry["kind"],
            table=table,
            columns=self.texts(columns, place) if columns else form.columns() if form else (),
            form=form,
            source=self.texts(entry.get("source") or [], place),
            confidence=entry["confidence"],
            because=because,
            note=entry.get("note"),
            published=entry.get("own") != "yes",
            draft=entry.get("draft"),
        )

    def measure(self, entry: Any) -> Measure:
        """One item of the valid-other-default-invalid-missing measures."""
        entry = self.mapping(entry, _MEASURE_KEYS, "measures")
        place = f"measures: {entry.get('item')}"
        table, _, column = entry["column"].partition(".")
        if entry.get("valid", "codes") not in ("codes", *TESTS):
            raise self.refused(f"valid must be codes or one of {', '.join(TESTS)}", place)
        legacy = self.text(entry.get("before") or "", place)
        legacy_table, _, legacy_column = legacy.partition(".")
        return Measure(
            item=entry["item"],
            table=table,
            column=column,
            other=self.texts(entry.get("other") or [], place),
            default=self.texts(entry.get("default") or [], place),
            valid=entry.get("valid", "codes"),
            before=(legacy_table, legacy_column) if legacy else None,
            confidence=entry.get("confidence") or "proposed",
        )

    def text(self, data: Any, place: str) -> str:
        """One text."""
        if not isinstance(data, str):
            raise self.refused("a text is expected here", place)
        return data

    def form(self, data: Any, place: str) -> Form:
        """One check form: a mapping with the form's name as its only key."""
        if not isinstance(data, dict) or len(data) != 1:
            raise self.refused("a check is a mapping with one key, the name of its form", place)
        ((name, spec),) = data.items()
        if name not in FORMS:
            raise self.refused(f"there is no form {name!r}; forms: {', '.join(sorted(FORMS))}", place)
        return FORMS[name](self, spec, f"{place}.{name}")
