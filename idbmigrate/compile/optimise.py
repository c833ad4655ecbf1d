"""What makes a plan quicker and changes no result: small rules, each of which can be left out.

A plan without them is complete: its queries give every published column by themselves, and are what
``mapping show --sql --no-optimise`` prints. With them a query leaves out what the run can take over by the
number of a row, or asks once for each text of a column. The rules, in the order in which they are used:

``hoist``
    An expression over one column of the source row is evaluated once for each text that occurs in it
    (:mod:`idbmigrate.compile.hoist`).

    before: ``SELECT CASE a.PHQ9_SCORE WHEN '0' THEN ... END AS PersScore FROM rows_Appointment AS a``
    after: ``SELECT a."PHQ9_SCORE.3" AS PersScore FROM rows_Appointment AS a``

``same-row-join``
    A target table that is made from the same source row is joined by the number of that row, and no longer
    by the identifier that is a digest of it.

    before: ``LEFT JOIN target_IDS201CareContact AS contact ON contact.CareContactId = <digest of a>``
    after: ``LEFT JOIN target_IDS201CareContact AS contact ON contact._row = a._row``

``same-row-parent``
    A parent made from the same source row is looked for by the number of that row, once both tables are made;
    so neither waits for the other.

    before: ``WHERE CareContactId IN (SELECT CareContactId FROM target_IDS201CareContact)``
    after: nothing in the query; :func:`idbmigrate.execution.pass_through.with_same_row_parents`

``parent-key``
    Of a parent row that is joined the query gives the number, and the run takes its key.

    before: ``SELECT activity.CareActId AS CareActId``
    after: ``SELECT activity._place_there AS _there_CareActId``

``pass-through``
    A column that every branch takes as it is, from the source row or as a text of the mapping, is taken by
    the row's number.

    before: ``SELECT a.LPTID AS LocalPatientId, a._row AS _row``
    after: ``SELECT a._row AS _row``

``empty-branch``
    A branch over a source table without a row gives none, so it is left out; the last one stays.

    before: ``SELECT ... FROM rows_Appointment UNION ALL SELECT ... FROM rows_EmploymentAdviser``
    after: ``SELECT ... FROM rows_Appointment``
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from idbmigrate.compile import plan

if TYPE_CHECKING:
    from idbmigrate.compile.branches import MadeBranch

HOIST = "hoist"
SAME_ROW_JOIN = "same-row-join"
SAME_ROW_PARENT = "same-row-parent"
PARENT_KEY = "parent-key"
PASS_THROUGH = "pass-through"
EMPTY_BRANCH = "empty-branch"

#: All rules, and none of them: what ``compile_mapping`` takes.
RULES = frozenset({HOIST, SAME_ROW_JOIN, SAME_ROW_PARENT, PARENT_KEY, PASS_THROUGH, EMPTY_BRANCH})
NO_RULES: frozenset[str] = frozenset()


def with_rows(branches: list[MadeBranch], empty: Collection[str]) -> list[MadeBranch]:
    """The branches that may give a row; all of them where none can."""
    return [branch for branch in branches if branch.source not in empty] or branches


def source_row_identities(branches: Iterable[MadeBranch]) -> plan.Identities:
    """Fields that in every branch are the identifier of the source row (for ``same-row-...``)."""
    made = [
        {(f.name, (branch.source, *f.identity)) for f in branch.fields if branch.source and f.identity}
        for branch in branches
    ]
    return dict(set.intersection(*made))


def pass_through(
    branches: list[MadeBranch], names: Iterable[str]
) -> dict[str, tuple[tuple[plan.PassThrough, ...], ...]]:
    """What every branch takes as it is, of the fields of these names."""
    found = {}
    for name in names:
        made = {
            column.name
            for branch in branches
            for column in branch.outputs
            if column.name not in branch.pass_through
        }
        if name not in made:
            nothing = [(plan.PassThrough(),) * max(1, len(branch.items)) for branch in branches]
            taken = zip(branches, nothing, strict=True)
            found[name] = tuple(branch.pass_through.get(name, none) for branch, none in taken)
    return found


def parent_keys(
    foreign_keys: Mapping[str, tuple[str, str]], branches: list[MadeBranch]
) -> dict[str, tuple[str, str]]:
    """Fields that in every branch are the primary key of a joined row of their parent table."""
    told = set.intersection(*({column.name for column in branch.outputs} for branch in branches))
    return {column: parent for column, parent in foreign_keys.items() if plan.there(column) in told}
