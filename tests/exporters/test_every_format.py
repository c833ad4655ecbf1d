"""Each format of the list is offered, written and read back."""

from __future__ import annotations

import pytest

import idbmigrate
from idbmigrate.cli.convert import command
from idbmigrate.datasets import load_dataset
from idbmigrate.exporters import FORMATS, exporter
from idbmigrate.exporters.read_back import read_output


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back(name, sample_idb, tmp_path):
    out = tmp_path / "out"
    run = idbmigrate.convert(sample_idb / "iapt-1.5.mdb", to="iapt-2.1", out=out, formats=[name])
    assert [path.name for path in out.iterdir() if path.name in FORMATS] == [name]
    files = [file for file in (out / name).iterdir() if file.suffix in FORMATS[name]]
    for place in (out, out / name, *(files if len(files) == 1 else [])):
        read = read_output(place, load_dataset("iapt-2.1"))
        for table, rows in run.tables.items():
            if rows.num_rows:
                assert read[table].select(rows.column_names).to_pylist() == rows.to_pylist(), table
    if len(files) > 1:
        [(table, rows)] = read_output(out / name / f"IDS101Referral.{name}", load_dataset("iapt-2.1")).items()
        assert table == "IDS101Referral" and rows == read[table]


def test_the_list_is_what_is_offered():
    [option] = [param for param in command.params if param.name == "formats"]
    assert tuple(option.type.choices) == tuple(FORMATS)
    assert all(isinstance(exporter(name).DICTIONARIES, bool) for name in FORMATS)
