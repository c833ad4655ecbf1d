"""Monthly packages: what ``--split month`` writes for a month is what ``--period`` gives for it."""

from __future__ import annotations

import json

import pytest

import idbmigrate

MONTHS = ["2016-04", "2016-09", "2017-03"]


@pytest.fixture(scope="module")
def split(sample_idb, tmp_path_factory):
    out = tmp_path_factory.mktemp("split") / "out"
    source = sample_idb / "iapt-1.5.mdb"
    return out, idbmigrate.convert(source, to="iapt-2.1", out=out, formats=["csv"], split="month")


@pytest.mark.parametrize("month", MONTHS)
def test_a_package_is_what_the_period_gives(split, month, sample_idb, tmp_path):
    out, run = split
    alone = idbmigrate.convert(
        sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=tmp_path / "out", formats=["csv"], period=month
    )
    for name, table in alone.tables.items():
        assert run.packages[month][name].equals(table), name
        package, single = (folder / "csv" / f"{name}.csv" for folder in (out / month, tmp_path / "out"))
        assert package.read_bytes() == single.read_bytes()


def test_every_month_has_a_package_and_every_dated_row_lies_in_one(split):
    out, run = split
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [*sorted(run.packages), "rejects"]
    contacts = [table["IDS201CareContact"].num_rows for table in run.packages.values()]
    assert sum(contacts) == run.tables["IDS201CareContact"].num_rows
    assert json.loads((out / "manifest.json").read_text())["months"] == sorted(run.packages)
