"""The files of a small archive, made once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.archive.making import changed, tables_of, write

MONTHS = ("2016-05", "2016-06")


@pytest.fixture(scope="session")
def inbox(tmp_path_factory) -> Path:
    """A folder as people keep it: two providers and months, primary, refresh, copies, zips, a broken file."""
    folder = tmp_path_factory.mktemp("inbox")
    may, june = (tables_of(month, "RX1") for month in MONTHS)
    write(folder / "RX1/2016/May primary.mdb", may)
    write(folder / "RX1/2016/May refresh.mdb", changed(may), naming="rep")
    write(folder / "RX1/2016/June_primary.mdb", june)
    write(folder / "compacted/june.mdb", june, shuffle=1)
    write(folder / "RY2/IAPT_2016-06_primary.accdb", tables_of("2016-06", "RY2", seed=2))
    copy = (folder / "RX1/2016/May primary.mdb").read_bytes()
    (folder / "old").mkdir()
    (folder / "old/copy of may.mdb").write_bytes(copy)
    inner = folder / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(folder / "RX1/2016/June_primary.mdb", "again/june.mdb")
    with zipfile.ZipFile(folder / "sent.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(inner, "deep/inner.zip")
        packed.writestr(
            "2016/05/only-here.mdb", write(folder / "x.mdb", tables_of("2016-05", "RY2", 2)).read_bytes()
        )
        packed.writestr("readme.txt", "no database")
    inner.unlink()
    (folder / "x.mdb").unlink()
    (folder / "RX1/2016/July_primary.mdb").write_bytes(copy[: len(copy) // 3])
    (folder / "notes.txt").write_text("no database", encoding="utf-8")
    (folder / "May.laccdb").write_text("a lock of Access", encoding="utf-8")
    return folder
