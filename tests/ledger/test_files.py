"""The books of whole files, held to what another library read in them, and places held to the bytes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

import idbmigrate
from idbmigrate.access import open_database
from idbmigrate.ledger import rejects as parted
from idbmigrate.ledger.rejects import rejects
from idbmigrate.mapping.load import list_mappings
from tests.corpus.truth import TruthTable, load_truth

SHARED = Path(os.environ.get("IDBMIGRATE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
TRUTH = ".truth.jsonl"
FILES = sorted(path.with_name(path.name.replace(TRUTH, "")) for path in (SHARED / "idb").glob(f"*{TRUTH}"))
TARGETS = sorted({name.partition("-to-")[2] for name in list_mappings()})
PAGE = 4096


def access_file(stem: Path) -> Path:
    named = [stem.with_name(stem.name + end) for end in (".mdb", ".accdb")]
    return next(path for path in named if path.is_file())


def test_there_are_outside_files(shared_dir):
    """Says why nothing ran where the outside files are absent."""
    assert len(FILES) == 6 and len(TARGETS) == 4


@pytest.mark.parametrize("stem", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("target", TARGETS)
def test_every_value_of_a_file_is_carried_or_in_the_residue_once(stem, target, monkeypatch):
    monkeypatch.setattr(parted, "MANY", 100)  # several parts a column
    path = access_file(stem)
    run = idbmigrate.convert(path, to=target, period="2016-09" if "messy" in stem.name else None)
    truth = load_truth(stem.with_name(stem.name + TRUTH))
    by_source = {table.source_name: label for label, table in run.staged.items() if not table_absent(table)}
    assert set(by_source) == set(truth)

    incoming = {(line["table"], line["column"]): line for line in run.ledger}
    for line in run.ledger:
        assert line["in"] == line["carried"] + line["rejected"] + line["dropped"]
    left = rejects(run.books, run.staged)
    values = [row for name, t in left.items() if name not in ("rows", "reasons") for row in t.to_pylist()]
    counted = Counter((row["table"], row["row"], row["column"]) for row in values)
    assert not [place for place, count in counted.items() if count > 1]
    per_column = Counter((row["table"], row["column"]) for row in values)

    with open_database(path) as database:
        for source, label in by_source.items():
            staged = run.staged[label]
            table = truth[source]
            names = {shown: canonical for canonical, shown in staged.source_columns.items()}
            for index, (shown, _, _) in enumerate(table.columns):
                line = incoming[label, names[shown]]
                assert line["in"] == sum(row[index] is not None for row in table.rows)
                assert per_column[label, shown] == line["rejected"] + line["dropped"]
            assert incoming[label, None]["in"] == len(table.rows)
            _places_lead_back(path, database, source, table, [row for row in values if row["table"] == label])


def table_absent(table) -> bool:
    return table.raw.num_rows == 0 and not table.columns


def _places_lead_back(path: Path, database, source: str, truth: TruthTable, left: list[dict]) -> None:
    """A reference ``page:slot`` names the record that holds the value, for the truth and in the bytes."""
    _, ids = database.read_with_ids(source)
    at = {f"{place >> 8}:{place & 255}": number for number, place in enumerate(ids.tolist())}
    columns = {name: index for index, (name, _, _) in enumerate(truth.columns)}
    for row in left:
        cell = truth.rows[at[row["row"]]][columns[row["column"]]]
        assert cell is not None
        if isinstance(cell, str) and cell.startswith("s:"):
            assert row["value"] == cell[2:]
    kinds = {name: kind for name, kind, _ in truth.columns}
    texts = [row for row in left if row["value"].isascii() and kinds[row["column"]] == "TEXT"]
    for row in texts[:: max(1, len(texts) // 50)]:
        record = _record(path, *map(int, row["row"].split(":")))
        codes = (row["value"].encode("ascii"), row["value"].encode("utf-16-le"))
        assert record is None or any(code in record for code in codes)


def _record(path: Path, page: int, slot: int) -> bytes | None:
    """Bytes of a record, by the layout of data pages; none where it has moved to another page."""
    with open(path, "rb") as file:
        file.seek(page * PAGE)
        data = file.read(PAGE)
    assert data[0] == 1
    entry = int.from_bytes(data[14 + 2 * slot : 16 + 2 * slot], "little")
    if entry & 0x4000:
        return None
    end = PAGE if slot == 0 else int.from_bytes(data[12 + 2 * slot : 14 + 2 * slot], "little") & 0x1FFF
    return data[entry & 0x1FFF : end]
