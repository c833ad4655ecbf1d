"""What the centre would do with a submission.

A rejected record takes with it whatever cannot stand without it: children lose their parent, a patient
that has lost the last registration or the last referral is refused too, and so on until nothing
changes. Published rules decide, and of this project's those that do not only warn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from idbmigrate.checks import many_rows
from idbmigrate.checks.findings import Hits
from idbmigrate.checks.joined_types import Child, Continued, Parent, WholeFile
from idbmigrate.checks.model import SubmissionResult
from idbmigrate.words import SubmissionOutcome

if TYPE_CHECKING:
    from idbmigrate.checks.model import Rule, RulePack
    from idbmigrate.checks.plan import Plan
    from idbmigrate.checks.relations import Relations

#: Forms that need to know which rows are valid.
AFTERWARDS = (Continued, Parent, Child, WholeFile)
_REJECTING = ("record", "group")
#: How the result begins where the rules of the centre are not public.
NOT_PUBLIC = "what the centre would do is not public; by the checks of this project"
ForeignKeys = Mapping[str, tuple[str, str]]
_NONE = np.zeros(0, dtype=np.int64)


class Submission:
    """Which rows stay valid: ``valid`` is a bool a row for each table, made false rule by rule.

    Rules whose codes are in ``not_run`` have no say.
    """

    def __init__(
        self,
        pack: RulePack,
        relations: Relations,
        plans: Mapping[str, Plan],
        given: Mapping[str, set[str]],
        not_run: Collection[str] = (),
    ):
        self.pack, self.relations, self.plans, self.given = pack, relations, plans, given
        self.not_run = not_run
        self.valid = {name: np.ones(relations.rows(name), dtype=bool) for name in relations.tables}

    def add_consequences(self, hits: Mapping[str, Hits]) -> dict[str, Hits]:
        """Add what follows from row findings.

        Registrations that nothing valid follows, then relations, until nothing changes, then the whole file.
        """
        hits = dict(hits)
        for each in hits.values():
            self._reject(each.rule, each.rows)
        hits |= self._not_continued()
        links = [
            (rule, rule.check)
            for rule in self.pack.rules
            if isinstance(rule.check, (Parent, Child)) and rule.code not in self.not_run
        ]
        alone = {
            rule.code: self._fails(rule.table or "", check, np.ones_like(self.valid[check.table]))
            for rule, check in links
        }
        failing, known = dict(alone), {name: len(mask) for name, mask in self.valid.items()}
        changed = True
        while changed:
            left = self._left()
            for rule, check in links:
                if left[check.table] != known[check.table]:  # rows are only ever lost
                    failing[rule.code] = self._fails(rule.table or "", check, self.valid[check.table])
            for rule, _ in links:
                self._reject(rule, np.flatnonzero(failing[rule.code]))
            known, changed = left, left != self._left()
        for rule, _ in links:
            rows = np.flatnonzero(failing[rule.code])
            if len(rows):
                hits[rule.code] = Hits(rule, rows, ~alone[rule.code][rows])
        for rule in self.pack.rules:
            if isinstance(rule.check, WholeFile) and self._whole(rule.check):
                hits[rule.code] = Hits(rule, _NONE, _NONE.astype(bool))
                if rule.effect in _REJECTING:
                    self.valid[rule.check.table][:] = False
        return hits

    def result(self, hits: Mapping[str, Hits]) -> SubmissionResult:
        """The submission result in plain data: ``outcome``, the codes that decided it, rows by table."""
        counting = [each.rule for each in hits.values()]
        file_codes = sorted(rule.code for rule in counting if rule.effect == "file")
        rejecting = sorted(rule.code for rule in counting if rule.effect in _REJECTING)
        rows = {name: len(mask) for name, mask in self.valid.items()}
        rejected = {name: int(len(mask) - mask.sum()) for name, mask in self.valid.items()}
        total = sum(rejected.values())
        outcome: SubmissionOutcome = "rejected" if file_codes else "accepted-in-part" if total else "accepted"
        return {
            "outcome": outcome,
            "file_codes": file_codes,
            "rejecting_codes": rejecting,
            "rows": rows,
            "rejected": rejected,
            "rejected_total": total,
            "words": _words(outcome, total, sum(rows.values()), file_codes, self.pack.published),
        }

    def _not_continued(self) -> dict[str, Hits]:
        """Hits of rules on registrations that end and are not followed by a valid one at another practice."""
        hits = {}
        for rule in self.pack.rules:
            check, table = rule.check, rule.table or ""
            if isinstance(check, Continued):
                per, start, end, by = (self.relations.column(table, name) for name in check.order())
                fails = many_rows.not_continued(per, start, end, by, self.valid[table], check.same_day)
                rows = np.flatnonzero(fails)
                if len(rows):
                    hits[rule.code] = Hits(rule, rows, np.zeros(len(rows), bool))
        return hits

    def _left(self) -> dict[str, int]:
        return {name: int(mask.sum()) for name, mask in self.valid.items()}

    def _reject(self, rule: Rule, rows: np.ndarray) -> None:
        if rule.effect in _REJECTING and rule.table:
            self.valid[rule.table][rows] = False

    def _fails(self, table: str, check: Parent | Child, valid: np.ndarray) -> np.ndarray:
        """Rows of a table that a relation refuses, given which rows of the other table are valid.

        A row without a key is the business of the rules for blank values, as at the centre.
        """
        keys = self.relations.dataset.tables
        names = self.relations.column(table, check.column)
        named = names.values.given[names.at]
        if isinstance(check, Parent):
            foreign, primary = keys[table].foreign_keys, keys[check.table].primary_key
            link = self.relations.link(
                table, check.column, *_key(foreign, check.column, check.table, primary)
            )
            return named & ~link.has_parent(valid)
        child_column = _child_column(keys[check.table].foreign_keys, table, check.column)
        link = self.relations.link(check.table, child_column, table, check.column)
        fails = named & ~link.has_child(valid)
        if check.where is not None:
            plan = self.plans[table]
            fails &= plan.mask(check.where.sql(plan))
        return fails

    def _whole(self, check: WholeFile) -> bool:
        if check.aspect == "structure":
            return self._structure_differs()
        mask = self.valid[check.table]
        return {
            "empty": len(mask) == 0,
            "repeated_header": len(mask) > 1,
            "header_invalid": len(mask) > 0 and not (len(mask) == 1 and mask[0]),
            "nothing_left": len(mask) > 0 and not mask.any(),
        }[check.aspect]

    def _structure_differs(self) -> bool:
        wanted = {name: set(spec.columns) for name, spec in self.relations.dataset.tables.items()}
        return self.given != wanted


def _key(foreign: ForeignKeys, column: str, table: str, primary: tuple[str, ...]) -> tuple[str, str]:
    target, key = foreign.get(column, (table, None))
    if target != table or key is None:
        return table, primary[0] if primary else column
    return target, key


def _child_column(foreign: ForeignKeys, table: str, column: str) -> str:
    for name, (target, key) in foreign.items():
        if (target, key) == (table, column):
            return name
    return column


def _words(outcome: str, rejected: int, rows: int, codes: list[str], published: bool) -> str:
    if not published:
        return f"{NOT_PUBLIC} {rejected:,} of the {rows:,} records would be rejected"
    if outcome == "rejected":
        return f"the file would be rejected as a whole ({', '.join(codes)})"
    if outcome == "accepted-in-part":
        return f"the file would be accepted without {rejected:,} of its {rows:,} records"
    return f"the file would be accepted with all of its {rows:,} records"
