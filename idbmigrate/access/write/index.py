"""B-tree indexes: read the entries of one, build its pages anew.

An index page is 480 bytes of header and up to 3616 bytes of entries, one after the other in order of
their bytes. An entry is a key, the row it stands for (page in 3 bytes, slot in 1, big-endian) and,
above the leaves, the page below (4 bytes, big-endian). The bytes that all entries of a page begin
with are written once, in the first entry. Bit ``i`` of the header's mask says that an entry ends at ``i``.

Rebuilding whole costs little beside the rows (a sort and a copy) and leaves every page full and in order;
the root keeps its page, as the table definition points to it.
"""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from idbmigrate.access.write.layout import IndexLayout
from idbmigrate.access.write.pages import PAGE, PageStore, UsageMap
from idbmigrate.access.write.values import binary_of, fixed_to_binary, flat
from idbmigrate.errors import OutputError

_ENTRIES = 480
_ROOM = PAGE - _ENTRIES
_MASK = slice(27, _ENTRIES)
_LEAF, _NODE = 4, 3
_EMPTY = pa.scalar(b"", pa.binary())


def entries_of(keys: pa.Array, page: np.ndarray, slot: np.ndarray) -> pa.Array:
    """Keys with the place of their row behind them."""
    place = (page.astype(np.int64) << 8 | slot).astype(">u4").view(np.uint8).reshape(len(page), 4)
    return pc.binary_join_element_wise(keys, fixed_to_binary(place), _EMPTY)


def read(store: PageStore, index: IndexLayout) -> tuple[pa.Array, list[int]]:
    """All entries of an index in order, and all its pages; ``template-mismatch`` when it is damaged."""
    pages: list[int] = []
    level = [index.root]
    found: list[pa.Array] = []
    while level:
        below: list[int] = []
        for number in level:
            if number in pages or len(pages) > store.count:
                raise OutputError("an index runs in a circle", code="template-mismatch", where=store.path)
            pages.append(number)
            page = store.read(number)
            if page[0] not in (_LEAF, _NODE):
                raise OutputError(
                    f"page {number} is no index page", code="template-mismatch", where=store.path
                )
            entries = _entries(page)
            if page[0] == _LEAF:
                found.append(entries)
            else:
                below += [int.from_bytes(entry[-4:], "big") for entry in entries.to_pylist()]
                (tail,) = struct.unpack_from("<I", page, 20)
                if tail and tail not in below:
                    below.append(tail)
        level = below
    return pa.concat_arrays(found), pages


def _entries(page: bytearray) -> pa.Array:
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(bytes(page[_MASK]), np.uint8), bitorder="little"))
    (shared,) = struct.unpack_from("<H", page, 24)
    if not len(ends):
        return pa.array([], pa.binary())
    sizes = np.diff(ends, prepend=0) + np.where(np.arange(len(ends)) > 0, shared, 0)
    # a key of one byte, the place of a row and, above the leaves, a page
    if int(ends[-1]) > _ROOM or shared > ends[0] or sizes.min() < (5 if page[0] == _LEAF else 9):
        raise OutputError("an index page contradicts itself", code="template-mismatch")
    stored = binary_of(np.concatenate([[0], ends]), bytes(page[_ENTRIES : _ENTRIES + int(ends[-1])]))
    if not shared:
        return stored
    prefix = pa.scalar(bytes(page[_ENTRIES : _ENTRIES + shared]), pa.binary())
    return pa.concat_arrays([stored[:1], pc.binary_join_element_wise(prefix, stored[1:], _EMPTY)])


def order(entries: pa.Array) -> pa.Array:
    """Entries in the order of their bytes."""
    return entries.take(pc.array_sort_indices(entries))


def rebuild(store: PageStore, table: int, index: IndexLayout, entries: pa.Array, pages: list[int]) -> None:
    """Write ``entries`` (in order) as the whole content of the index; ``pages`` are those it has now."""
    spare = [page for page in pages if page != index.root]
    usage = UsageMap(store, *index.usage)
    used = {index.root}

    def take() -> int:
        number = spare.pop() if spare else store.reserve(1)
        used.add(number)
        return number

    kind, ends, data = _LEAF, *flat(entries)
    while True:
        cuts = _cuts(ends, data)
        last_level = len(cuts) == 1
        numbers = [index.root] if last_level else [take() for _ in cuts]
        for place, (a, b, shared) in enumerate(cuts):
            near = (numbers[place - 1] if place else 0, numbers[place + 1] if place + 1 < len(cuts) else 0)
            store.write(numbers[place], _page(kind, table, ends[a : b + 1], data, shared, near))
        if last_level:
            break
        kind, (ends, data) = _NODE, _level_above(ends, data, [b - 1 for _, b, _ in cuts], numbers, kind)
    for number in spare:  # no longer needed: left empty, still the index's own
        used.add(number)
        store.write(number, _page(_LEAF, table, np.zeros(1, np.int64), data, 0, (0, 0)))
    usage.replace(np.array(sorted(used), np.int64))
    usage.flush()


def _level_above(
    ends: np.ndarray, data: np.ndarray, last: list[int], numbers: list[int], kind: int
) -> tuple[np.ndarray, np.ndarray]:
    """One entry a page: its last entry (without the page below), then its own number."""
    cut = 0 if kind == _LEAF else 4
    entries = [
        data[ends[i] : ends[i + 1] - cut].tobytes() + number.to_bytes(4, "big")
        for i, number in zip(last, numbers, strict=True)
    ]
    return flat(pa.array(entries, pa.binary()))


def _cuts(ends: np.ndarray, data: np.ndarray) -> list[tuple[int, int, int]]:
    """Where pages begin and end: (first entry, entry after the last, bytes shared by all of them).

    Entries are in order, so what the first and the last of a page share is shared by all between.
    """
    count, places, raw = len(ends) - 1, ends.tolist(), data.tobytes()

    def shared(first: int, after: int) -> int:
        if after - first < 2:
            return 0
        a, b = raw[places[first] : places[first + 1]], raw[places[after - 1] : places[after]]
        size = min(len(a), len(b)) - 4
        different = int.from_bytes(a[:size], "big") ^ int.from_bytes(b[:size], "big")
        return size - (different.bit_length() + 7) // 8

    def size(first: int, after: int) -> int:
        return places[after] - places[first] - (after - first - 1) * shared(first, after)

    cuts: list[tuple[int, int, int]] = []
    first = 0
    while first < count or not cuts:
        low = int(np.searchsorted(ends, places[first] + _ROOM, side="right")) - 1
        if low <= first and count:
            raise OutputError("an index key is longer than a page", code="value-does-not-fit")
        saved = shared(first, low) * (low - first)
        if saved and low < count:  # sharing makes room for more, which may share less
            high = min(count, low + 2 * (saved * (low - first) // (places[low] - places[first])) + 1)
            while high < count and size(first, high) <= _ROOM:
                high = min(count, 2 * high - first)
            while low < high:
                middle = (low + high + 1) // 2
                low, high = (middle, high) if size(first, middle) <= _ROOM else (low, middle - 1)
        cuts.append((first, low, shared(first, low)))
        first = low
    return cuts


def _page(
    kind: int, table: int, ends: np.ndarray, data: np.ndarray, shared: int, near: tuple[int, int]
) -> bytes:
    base = int(ends[0])
    size = int(ends[-1]) - base
    content = np.asarray(data[base : base + size])
    stops = ends[1:] - base
    if shared:
        keep = np.ones(size, bool)
        drop = (stops[:-1, None] + np.arange(shared)).ravel()
        keep[drop] = False
        content = content[keep]
        stops = stops - shared * np.arange(len(stops))
    bits = np.zeros((_ENTRIES - 27) * 8, np.uint8)
    bits[stops] = 1
    page = bytearray(PAGE)
    struct.pack_into("<BBHIIIIIH", page, 0, kind, 1, _ROOM - len(content), table, 0, *near, 0, shared)
    page[_MASK] = np.packbits(bits, bitorder="little").tobytes()
    page[_ENTRIES : _ENTRIES + len(content)] = content.tobytes()
    return bytes(page)


def empty_page(table: int) -> bytes:
    """The root of an index without entries."""
    return _page(_LEAF, table, np.zeros(1, np.int64), np.empty(0, np.uint8), 0, (0, 0))
