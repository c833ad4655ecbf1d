"""Damaged files: an error, a list of what is lost, or the truth; never anything else.

Files of real shape are mutated: bits flipped, cut off, pages zeroed, swapped, pointed elsewhere. Rows
that depend on no harmed page must come out as they were; the file has no checksums, so a harmed page
may change a value, but never hang, crash, or take memory out of proportion.
"""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idbmigrate.access import open_database
from idbmigrate.errors import SourceError, UsageError
from tests.hostile.damage import SoundFile

_SETTINGS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=["iapt-1.5-messy.mdb", "iapt-1.5.accdb"])
def sound(request, root):
    path = root / "sample_idb" / request.param
    if not path.is_file():
        pytest.skip(f"sample_idb has no {request.param}")
    return SoundFile(path)


@st.composite
def mutations(draw):
    """A list of (kind, place in 0..1, detail in 0..1, byte)."""
    kind = st.sampled_from(["bit", "word", "zero", "noise", "swap", "copy", "cut", "next", "map"])
    share = st.floats(0, 1, exclude_max=True)
    return draw(st.lists(st.tuples(kind, share, share, st.integers(0, 255)), min_size=1, max_size=4))


def mutate(sound: SoundFile, changes) -> tuple[bytes, set[int]]:
    """The mutated file and the numbers of its harmed pages."""
    content, size, count = bytearray(sound.bytes), sound.page_size, sound.page_count
    harmed: set[int] = set()
    for kind, place, detail, byte in changes:
        page, at = int(place * count), int(detail * size)
        if kind == "map":
            maps = [table.usage_map for table in sound.tables.values()]
            page, at, kind = *maps[int(place * len(maps))], "bit"
            at += 5 + int(detail * 64)
        start = page * size
        if kind == "cut":
            end = start + at
            harmed |= set(range(end // size, count))
            content = content[:end] if end else content[:1]
            continue
        if start + size > len(content):
            continue
        harmed.add(page)
        if kind == "bit":
            content[start + at] ^= 1 << (byte & 7)
        elif kind == "word":
            struct.pack_into("<H", content, start + min(at, size - 2), byte * 257)
        elif kind == "zero":
            content[start : start + size] = bytes(size)
        elif kind == "noise":
            content[start : start + size] = bytes((byte + 167 * i) & 255 for i in range(size))
        elif kind == "next":  # the fourth to seventh byte: the next page of a chain, or the owner
            struct.pack_into("<I", content, start + 4, int(detail * count))
        else:
            other = int(detail * count)
            if (other + 1) * size <= len(content):
                ours, theirs = content[start : start + size], content[other * size : (other + 1) * size]
                content[start : start + size] = theirs
                if kind == "swap":
                    content[other * size : (other + 1) * size] = ours
                    harmed.add(other)
    return bytes(content), harmed


@_SETTINGS
@given(changes=mutations())
def test_salvage_gives_every_row_that_no_harmed_page_holds(sound, tmp_path, changes):
    content, harmed = mutate(sound, changes)
    path = tmp_path / f"harmed{sound.suffix}"
    path.write_bytes(content)
    try:
        database = open_database(path, salvage=True)
    except SourceError:
        assert harmed & sound.catalogue
        return
    with database:
        for name, table in sound.tables.items():
            try:
                found, ids = database.read_with_ids(name)
            except (SourceError, UsageError):
                assert not sound.unharmed(table, harmed).any()
                continue
            check(sound, table, harmed, found, ids)
            lost = set(table.ids.tolist()) - set(ids.tolist())
            assert not lost or database.problems or same_row_parents(found, table.content)


def same_row_parents(one, other):
    """Whether nothing but the places differ, as where two pages of one table have changed theirs."""
    return sorted(map(repr, one.to_pylist())) == sorted(map(repr, other.to_pylist()))


def read_if_possible(database, name):
    if name in database.tables:
        try:
            database.read(name)
        except SourceError as error:
            assert error.code in ("damaged", "truncated")


@_SETTINGS
@given(changes=mutations())
def test_without_salvage_it_is_an_error_or_all_unharmed_rows_are_right(sound, tmp_path, changes):
    content, harmed = mutate(sound, changes)
    path = tmp_path / f"harmed{sound.suffix}"
    path.write_bytes(content)
    try:
        with open_database(path) as database:
            read = {name: database.read_with_ids(name) for name in database.tables}
    except SourceError as error:
        assert error.where and error.code in (
            "damaged",
            "truncated",
            "not-access",
            "unsupported-version",
            "password-needed",
            "empty-file",
        )
        return
    for name, (found, ids) in read.items():
        table = sound.tables.get(name)
        if table is None:
            assert harmed & sound.catalogue
            continue
        check(sound, table, harmed, found, ids)


def check(sound, table, harmed, found, ids):
    """Unharmed rows are there and right, and no row is made up from pages that were not touched.

    A harmed definition may have become that of another table; no row is unharmed then, and the columns
    are the other's.
    """
    fine = sound.unharmed(table, harmed)
    where = np.flatnonzero(np.isin(ids, table.ids[fine]))
    assert ids[where].tolist() == table.ids[fine].tolist()
    defined = not harmed & (sound.catalogue | table.definition)
    if defined or fine.any():
        assert found.take(where).equals(table.content.take(np.flatnonzero(fine)))
    if defined:
        made_up = ids[~np.isin(ids, table.ids)]
        assert set((made_up >> 8).tolist()) <= harmed


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.77, 0.999])
def test_a_truncated_file_says_so(sound, share, tmp_path):
    path = tmp_path / f"cut{sound.suffix}"
    path.write_bytes(sound.bytes[: int(len(sound.bytes) * share)])
    with pytest.raises(SourceError) as caught, open_database(path) as database:
        for name in database.tables:
            database.read(name)
    assert caught.value.code in ("truncated", "damaged")


def test_memory_stays_in_proportion_to_the_file(sound, tmp_path):
    """Absurd counts everywhere: 0xFF over the heads of all pages."""
    content = bytearray(sound.bytes)
    for page in range(sound.page_count):
        if page not in sound.catalogue:
            content[page * sound.page_size + 8 : page * sound.page_size + 64] = b"\xff" * 56
    path = tmp_path / f"absurd{sound.suffix}"
    path.write_bytes(content)
    tracemalloc.start()
    with open_database(path, salvage=True) as database:
        for name in database.tables:
            read_if_possible(database, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(sound.bytes)
