"""What the queries are not asked for the books has nothing to say."""

from __future__ import annotations

import pytest

from idbmigrate import convert
from idbmigrate.compile.plan import REJECT
from idbmigrate.ledger import row_reasons as verdicts


def reasons(path, period):
    books = convert(path, to="iapt-2.1", check=False, period=period).books
    return {
        (account.table, account.column, row): account.names[reason]
        for account in (*books.rows, *books.values)
        for row, reason in zip(account.uncarried.tolist(), account.reasons.tolist(), strict=True)
    }


@pytest.mark.parametrize(("name", "period"), [("iapt-1.5", None), ("iapt-1.5-messy", "2016-09")])
def test_asking_for_more_gives_no_other_reason(name, period, sample_idb, monkeypatch):
    path = sample_idb / f"{name}.mdb"
    as_it_is = reasons(path, period)
    answer, asked = verdicts._Question.answer, []

    def answer_everything(question):
        query = question.result.query
        fields = [field for branch in query.branches for field in branch.fields]
        everything = {REJECT, *query.published, *(field.misfit for field in fields)}
        everything |= {contribution.why for field in fields for contribution in field.contributions}
        asked.append((len(question.columns), len(everything - {None})))
        question.columns |= everything - {None}
        for wanted in question.rows.values():
            wanted[:] = True
        answer(question)

    monkeypatch.setattr(verdicts._Question, "answer", answer_everything)
    assert reasons(path, period) == as_it_is
    few, many = (sum(counts) for counts in zip(*asked, strict=True))
    assert few < many
