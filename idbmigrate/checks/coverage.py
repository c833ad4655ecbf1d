"""How many of the published rules are checked, and for each that is not, why."""

from __future__ import annotations

from collections import Counter
from typing import Any

from idbmigrate.checks.check_types import CheckType
from idbmigrate.checks.compared_types import Compared
from idbmigrate.checks.model import REASONS, Rule, RulePack
from idbmigrate.checks.operands import OUTSIDE

#: Operands that only the submission portal knows: without them a rule is not run.
_PORTAL = ("submission.time", "submission.day", "portal.provider", "portal.sender")


def coverage(pack: RulePack) -> dict[str, Any]:
    """Give the coverage as plain data.

    ``published``, ``checked`` (of these ``with_portal`` only when portal values are given), ``own`` (rules of
    this project), ``not_checked`` by reason, and ``rules`` with one line for each.
    """
    published = [rule for rule in pack.rules if rule.published]
    reasons = Counter(rule.because or "" for rule in pack.rules if rule.check is None)
    return {
        "pack": pack.name,
        "title": pack.title,
        "floor": pack.floor,
        "note": pack.note,
        "published": len(published),
        "checked": sum(rule.check is not None for rule in published),
        "with_portal": sum(bool(needs(rule)) for rule in published),
        "own": sum(rule.check is not None for rule in pack.rules if not rule.published),
        "not_checked": [
            {"because": because, "why": REASONS[because], "rules": count}
            for because, count in reasons.most_common()
        ],
        "rules": [line(rule) for rule in pack.rules],
    }


def line(rule: Rule) -> dict[str, Any]:
    """One rule in plain data."""
    state = "not-checked" if rule.check is None else "with-portal" if needs(rule) else "checked"
    return {
        "code": rule.code,
        "effect": rule.effect,
        "draft_effect": rule.draft,
        "kind": rule.kind,
        "table": rule.table,
        "columns": list(rule.columns),
        "state": state,
        "because": rule.because,
        "fails_when": rule.meaning if rule.check is not None else None,
        "note": rule.note,
        "published": rule.published,
        "confidence": rule.confidence,
        "source": list(rule.source),
    }


def needs(rule: Rule) -> list[str]:
    """The values of the submission portal that a rule compares with, in words."""
    return [OUTSIDE[name] for name in _PORTAL if name in _operands(rule.check)]


def _operands(check: CheckType | None) -> set[str]:
    if isinstance(check, Compared):
        return {check.than.text}
    return {name for part in getattr(check, "parts", ()) for name in _operands(part)}
