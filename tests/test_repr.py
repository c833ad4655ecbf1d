"""No object of a finished run shows a value of a record when it is printed."""

from __future__ import annotations

import idbmigrate


def test_objects_of_a_run_show_names_and_counts_alone(sample_idb, tmp_path):
    file = sample_idb / "iapt-1.5.mdb"
    with idbmigrate.open_idb(file) as idb:
        shown = [repr(idb)]
    batch = idbmigrate.convert([file], to="iapt-2.1", out=tmp_path / "out", split="month")
    [run] = batch.runs.values()
    shown += [repr(each) for each in (batch, run, run.books, run.staged, run.outcome, run.proof, run.plan)]
    shown += [
        repr(each) for each in (run.identification, run.mapping.sources, run.books.rows, run.books.values)
    ]
    person = run.staged["Person"].raw
    secret = {
        str(value)
        for name in ("LPTID", "NHSNO", "POSTCODE", "BIRTHDATE")
        for value in person[name].to_pylist()
        if value is not None and len(str(value)) > 5
    }
    assert len(secret) > 100
    for text in shown:
        assert not any(value in text for value in secret)
    for each in (batch, run, run.books, run.outcome, *run.staged.values()):
        assert len(repr(each)) < 200
