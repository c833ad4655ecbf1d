"""Indexes: keys as Access makes them, trees that split as they grow, uniqueness and nulls."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

from idbmigrate.access import open_database
from idbmigrate.access.write import index as trees
from idbmigrate.access.write.sortorder import sort_keys
from idbmigrate.access.write.writer import DatabaseWriter, NewColumn, NewIndex, create_database
from idbmigrate.errors import OutputError
from tests.writer import everything
from tests.writer.trees import check, expected_entries, tables_with_indexes

FORMATS = ["mdb", "accdb"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (9, 9), (4000, 4)])
def test_every_kind_of_key_in_trees_that_split(format, rows, parts, tmp_path):
    path, table = tmp_path / f"x.{format}", everything.table(rows)
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", everything.COLUMNS, everything.INDEXES)
    for part in range(parts):  # each time on top of what is there
        step = -(-rows // parts)
        with DatabaseWriter(path) as writer:
            writer.append("T", table.slice(part * step, step))
        pages = check(path, "T")
    assert rows < 1000 or min(pages.values()) > 4


def test_trees_of_three_levels(tmp_path):
    path, rows = tmp_path / "x.mdb", 12_000
    text = pa.array([f"{n * 7919 % rows:05d}" + "abcdefghij" * 20 for n in range(rows)])
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("A", "TEXT", 255)], [NewIndex("a", ("A",), unique=True)])
        writer.append("T", pa.table({"A": text}))
    assert check(path, "T")["a"] > 600


def test_rows_of_our_catalogue_are_in_its_indexes(tmp_path):
    path = tmp_path / "x.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        for name in ("Zebra", "apple", "Ärger", "under_score", "with-hyphen", "O'Neill", "1st"):
            writer.create_table(name, [NewColumn("A", "LONG")])
    for table in ("MSysObjects", "MSysACEs"):
        check(path, table)


@pytest.mark.parametrize("version", ["V2000", "V2003", "V2007"])
def test_keys_are_those_that_access_made(version, shared_dir, tmp_path):
    """Every index of the outside files that we would maintain has exactly the entries that we would write."""
    compared = refused = 0
    for source in sorted((shared_dir / "corpus" / version).glob("*db")):
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        writer = DatabaseWriter(path)
        names = {writer.layout(name).number: name for name in writer.tables}
        writer.abandon()
        with open_database(path) as db:
            for store, layout in tables_with_indexes(path):
                if layout.number not in names:
                    continue
                rows, ids = db.read_with_ids(names[layout.number])
                for index in layout.indexes:
                    try:
                        expected = expected_entries(layout, index, rows, ids)
                    except OutputError:
                        refused += 1
                        continue
                    assert sorted(expected) == sorted(trees.read(store, index)[0].to_pylist()), (
                        source.name,
                        index,
                    )
                    compared += 1
    assert compared >= 20 and refused < compared / 2


def test_text_weighs_as_in_the_catalogue_of_access_2010(shared_dir, tmp_path):
    path = tmp_path / "x.accdb"
    shutil.copyfile(shared_dir / "idb" / "iapt-1.5-textdates.accdb", path)
    writer = DatabaseWriter(path)
    store, layout = next(found for found in tables_with_indexes(path) if found[1].number == 2)
    index = next(i for i in layout.indexes if len(i.columns) == 2)
    stored = [entry[5:-4] for entry in trees.read(store, index)[0].to_pylist()]
    names = pa.array([entry.name for entry in writer._objects])
    writer.abandon()
    made = [b"\x7f" + key for key in sort_keys(names, (1033, 1), "Name").to_pylist()]
    assert sorted(made) == sorted(stored)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RX1/123", "0e8a 0ea6 0d19 0735 0d19 0d1a 0d1b 01 00"),
        ("12.345", "0d19 0d1a 0733 0d1b 0d1c 0d1d 01 00"),
        ("a+b", "0e02 0803 0e09 01 00"),
        ("café", "0e0a 0e02 0e23 0e21 01 02 02 02 0e 00"),
        ("æ", "0e02 0e21 01 00"),
        ("a\x01", "0e02 01 01 01 01 800b 06 03 00"),
        ("½", "0d18 01 d6 00"),
    ],
)
def test_keys_of_signs_in_general_2010(text, key):
    assert sort_keys(pa.array([text]), (1033, 1), "x")[0].as_py() == bytes.fromhex(key)


@pytest.mark.parametrize(
    ("text", "older", "newer"),
    [
        ("O’N", "64 2b38 62 01 00", "0e7c 077a 0e70 01 00"),
        ("Šá", "6b 4a 01 14 0e 00", "0e91 0e02 01 14 0e 00"),
        ("a–b", "4a 4c 01 01 01 01 800b 06 89 00", "0e02 0e09 01 01 01 01 800b 06 89 00"),
        ("—", "01 01 01 01 8007 06 8b 00", "01 01 01 01 8007 06 90 00"),
        ("œ€", "6451 35a1 01 00", "0e7c0e21 07a9 01 00"),
        ("a\0\u200fb", "4a 4c 01 00", "0e02 0e09 01 00"),
    ],
)
def test_keys_of_what_windows_1252_has_beyond_one_byte(text, older, newer):
    for version, key in enumerate((older, newer)):
        assert sort_keys(pa.array([text]), (1033, version), "x")[0].as_py() == bytes.fromhex(key)


@pytest.mark.parametrize("version", [0, 1])
def test_every_character_of_windows_1252_has_a_key_beside_any_other(version):
    known = bytes(range(1, 256)).decode("cp1252", "ignore")
    signs = [sign for sign in known if not version or sign not in "Üü"]
    draw = np.random.default_rng(version)
    texts = pa.array(["".join(draw.choice(signs, 12)) + "x" for _ in range(400)])
    wanted = [key_of(text, version) for text in texts.to_pylist()]
    assert sort_keys(texts, (1033, version), "x").to_pylist() == wanted


def key_of(text: str, version: int) -> bytes:
    """The key of a text, put together character by character from the keys of single ones."""
    weights, accents, places = b"", [], b""
    for sign in text:
        own = b"\x07" if (sign, version) == (" ", 0) else b"\x07\x02" if sign == " " else None
        if own is None:
            key = sort_keys(pa.array([sign]), (1033, version), "x")[0].as_py()
            if key.startswith(b"\x01\x01\x01\x01\x80\x07"):
                places += (0x8007 + 4 * len(accents)).to_bytes(2, "big") + key[6:-1]
                continue
            own, _, accent = key[:-1].partition(b"\x01")
            if not own:
                continue
        weights += own
        accents.append(accent[0] if sign != " " and accent else 2)
    while accents and accents[-1] == 2:
        accents.pop()
    return weights + b"\x01" + bytes(accents) + (b"\x01\x01\x01" + places if places else b"") + b"\x00"


def test_characters_of_one_byte_that_have_no_key_in_general_2010():
    refused = []
    for code in range(256):
        try:
            sort_keys(pa.array([chr(code)]), (1033, 1), "x")
        except OutputError:
            refused.append(chr(code))
    assert refused == ["Ü", "ü"]


@pytest.mark.parametrize("order", [(1033, 0), (1033, 1)])
@pytest.mark.parametrize(
    ("text", "told"), [("abЖ", "row 2, character 3, U\\+0416"), ("a😀", "row 2, character 2, U\\+1F600")]
)
def test_a_character_without_a_weight_is_named_with_its_place(order, text, told):
    with pytest.raises(OutputError, match=told) as caught:
        sort_keys(pa.array(["fine", text, text]), order, "T.A")
    assert caught.value.code == "index-unsupported" and text not in str(caught.value)


def test_a_new_table_has_the_sort_order_of_its_file(shared_dir, tmp_path):
    path = tmp_path / "x.accdb"
    shutil.copyfile(shared_dir / "idb" / "iapt-1.5-textdates.accdb", path)
    with DatabaseWriter(path) as writer:
        writer.create_table("New", [NewColumn("A", "TEXT", 20)], [NewIndex("ByA", ("A",))])
        writer.append("New", pa.table({"A": ["RX1/123", "12.345", "k"]}))
        assert [column.sort_order for column in writer.layout("New").columns] == [(1033, 1)]
    store, layout = next(found for found in tables_with_indexes(path) if len(found[1].columns) == 1)
    stored = trees.read(store, layout.indexes[0])[0].to_pylist()
    expected = sort_keys(pa.array(["RX1/123", "12.345", "k"]), (1033, 1), "A").to_pylist()
    assert [entry[1:-4] for entry in stored] == sorted(expected)


def test_general_2010_orders_letters_and_digits():
    words = ["1", "12", "2", "a", "ab", "B", "k", "K9", "z", "Z_1"]
    keys = sort_keys(pa.array(words), (1033, 1), "x").to_pylist()
    assert (
        keys == sorted(keys)
        and sort_keys(pa.array(["ZEBRA "]), (1033, 1), "x")[0]
        == sort_keys(pa.array(["zebra"]), (1033, 1), "x")[0]
    )


@pytest.mark.parametrize(
    ("order", "text"), [((1033, 0), "Łódź"), ((1033, 0), "日"), ((1033, 1), "日"), ((1033, 1), "Müller")]
)
def test_characters_without_a_known_weight_are_refused(order, text):
    with pytest.raises(OutputError) as caught:
        sort_keys(pa.array(["fine", text]), order, "T.C")
    assert caught.value.code == "index-unsupported" and text not in str(caught.value)


def indexed(tmp_path, index: NewIndex, values: pa.Array):
    path = tmp_path / "x.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("C", "TEXT", 20), NewColumn("N", "LONG")], [index])
        writer.append("T", pa.table({"C": values, "N": pa.array(range(len(values)), pa.int32())}))
    return path


@pytest.mark.parametrize("values", [["a", "b", "A"], ["a", "a "]])
def test_unique_means_unique_as_access_compares(values, tmp_path):
    with pytest.raises(OutputError) as caught:
        indexed(tmp_path, NewIndex("only once", ("C",), unique=True), pa.array(values))
    assert caught.value.code == "value-does-not-fit" and "only once" in caught.value.message


def test_nulls_may_repeat_in_a_unique_index_but_not_in_a_primary_key(tmp_path):
    path = indexed(tmp_path, NewIndex("u", ("C",), unique=True), pa.array([None, "a", None]))
    check(path, "T")
    with pytest.raises(OutputError) as caught:
        indexed(tmp_path, NewIndex("k", ("C",), primary=True), pa.array(["a", None]))
    assert caught.value.code == "value-does-not-fit" and "row 2" in caught.value.message


def test_long_values_and_dates_of_an_index_that_cannot_be_kept_are_refused_by_name(tmp_path):
    path = tmp_path / "x.mdb"
    create_database(path)
    with DatabaseWriter(path) as writer:
        writer.create_table("T", [NewColumn("C", "NUMERIC")], [NewIndex("by decimal", ("C",))])
        with pytest.raises(OutputError) as caught:
            writer.require_indexes("T")
    assert caught.value.code == "index-unsupported" and "by decimal" in caught.value.message


def test_random_keys_pack_as_tightly_as_their_prefixes_allow():
    """Pages cut at random keys hold what fits, and never more."""
    rng = np.random.Generator(np.random.PCG64(3))
    for stem in (b"", b"\x7fshared prefix"):
        keys = sorted(stem + bytes(rng.integers(0, 4, rng.integers(3, 40), np.uint8)) for _ in range(3000))
        ends, data = trees.flat(pa.array([key + bytes(4) for key in keys], pa.binary()))
        cuts = trees._cuts(ends, data)
        assert [b for _, b, _ in cuts][:-1] == [a for a, _, _ in cuts][1:] and cuts[-1][1] == 3000
        for (a, b, shared), following in zip(cuts, [*cuts[1:], None]):
            assert ends[b] - ends[a] - (b - a - 1) * shared <= trees._ROOM
            assert all(key.startswith(keys[a][:shared]) for key in keys[a:b])
            if following is not None:
                with_one_more = len(np.flatnonzero(np.cumprod([x == y for x, y in zip(keys[a], keys[b])])))
                assert ends[b + 1] - ends[a] - (b - a) * min(shared, with_one_more) > trees._ROOM
