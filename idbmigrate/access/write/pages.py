"""Pages of an Access file that is being written: the page store and the usage maps.

A Jet 4 or ACE file is a row of 4096-byte pages. New pages are only ever added at the end, in large
runs; pages that exist are changed in place. Which pages belong to whom is said by *usage maps*,
69-byte rows on data pages of their own:

* inline (kind 0): first page of the window (uint32), then 512 bits, one a page;
* reference (kind 1): 17 page numbers (uint32), each of a bitmap page (type 5) of 32,736 bits.

Source of the layouts: files made by Access itself and by independent libraries, compared byte by byte.
"""

from __future__ import annotations

import os
import struct

import numpy as np

from idbmigrate.errors import OutputError

PAGE = 4096
#: Access refuses files beyond 2 GB; so do we, before the first page too many.
MAX_PAGES = 2**31 // PAGE
DATA_HEADER = 14
#: the owner field of pages that hold long values instead of rows of a table
LONG_VALUE_OWNER = int.from_bytes(b"LVAL", "little")
_INLINE_BITS = 512
_BITMAP_BITS = (PAGE - 4) * 8
_MAP_SIZE = 69


class PageStore:
    """The pages of one file, opened for reading and writing.

    ``count`` is the number of pages, ``initial`` what it was when the file was opened; every method
    takes or gives whole pages. Raises :class:`OutputError` ``size-limit`` rather than let the file
    pass 2 GB.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._file = open(self.path, "r+b", buffering=0)  # noqa: SIM115 - closed by close()
        self.count = os.fstat(self._file.fileno()).st_size // PAGE
        self.initial = self.count

    def read(self, page: int) -> bytearray:
        """One page. Raises OutputError ``template-mismatch`` for a page the file does not have."""
        if not 0 <= page < self.count:
            raise OutputError(f"page {page} does not exist", code="template-mismatch", where=self.path)
        self._file.seek(page * PAGE)
        return bytearray(self._file.read(PAGE))

    def write(self, page: int, data: bytes | bytearray) -> None:
        """Replace one page, or put one at the end."""
        self._file.seek(page * PAGE)
        self._write_all(data)

    def reserve(self, pages: int) -> int:
        """Take ``pages`` new page numbers at the end of the file; gives the first of them."""
        if self.count + pages > MAX_PAGES:
            raise OutputError(
                f"the file would need {self.count + pages:,} pages, and Access allows {MAX_PAGES:,} (2 GB)",
                code="size-limit",
                where=os.path.basename(self.path),
                hint="write one file per reporting month (--split month) or fewer patients",
            )
        first, self.count = self.count, self.count + pages
        return first

    def append(self, pages: np.ndarray) -> int:
        """Put an array of shape (n, 4096) uint8 at the end; gives the number of its first page."""
        first = self.reserve(len(pages))
        self._file.seek(first * PAGE)
        self._write_all(np.ascontiguousarray(pages).data.cast("B"))
        return first

    def _write_all(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while len(view):
            view = view[self._file.write(view) :]

    def sync(self) -> None:
        """Ask the operating system to have everything on disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def row_span(page: bytes | bytearray, row: int) -> tuple[int, int]:
    """Start and end of a row's bytes on a data page (flags of the slot taken off)."""
    (rows,) = struct.unpack_from("<H", page, 12)
    if not row < rows <= (PAGE - DATA_HEADER) // 2:
        raise OutputError(f"row {row} is not on its page", code="template-mismatch")
    start = struct.unpack_from("<H", page, DATA_HEADER + 2 * row)[0] & 0x1FFF
    end = PAGE if row == 0 else struct.unpack_from("<H", page, DATA_HEADER + 2 * row - 2)[0] & 0x1FFF
    if not DATA_HEADER <= start <= end <= PAGE:
        raise OutputError(f"row {row} lies outside its page", code="template-mismatch")
    return start, end


class UsageMap:
    """One usage map: the set of pages that a table, an index or a long-value column owns or can fill.

    ``pages`` is read on first use; :meth:`add` and :meth:`replace` change it in memory; :meth:`flush`
    writes it back, turning an inline map into a reference map when the pages lie too far apart.
    """

    def __init__(self, store: PageStore, page: int, row: int):
        self._store, self._page, self._row = store, page, row
        self._bitmaps: dict[int, int] = {}
        self._reference = False
        self._pages: np.ndarray | None = None
        self._changed = False

    @property
    def pages(self) -> np.ndarray:
        """Page numbers in the map, ascending, int64."""
        if self._pages is None:
            self._pages = self._load()
        return self._pages

    def add(self, pages: np.ndarray) -> None:
        if len(pages):
            self.replace(np.union1d(self.pages, pages))

    def replace(self, pages: np.ndarray) -> None:
        self.pages  # noqa: B018 - learn the kind of map and its bitmap pages first
        self._pages, self._changed = np.asarray(pages, np.int64), True

    def _load(self) -> np.ndarray:
        page = self._store.read(self._page)
        start, end = row_span(page, self._row)
        row = bytes(page[start:end])
        if len(row) < 5 or row[0] > 1:
            raise OutputError("a usage map cannot be read", code="template-mismatch", where=self._store.path)
        if row[0] == 0:
            (first,) = struct.unpack_from("<I", row, 1)
            return first + _set_bits(row[5:])
        self._reference = True
        found = []
        for part, (number,) in enumerate(struct.iter_unpack("<I", row[1 : 1 + (len(row) - 1) // 4 * 4])):
            if number:
                self._bitmaps[part] = number
                found.append(part * _BITMAP_BITS + _set_bits(self._store.read(number)[4:]))
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def flush(self) -> None:
        """Write the map back where it came from."""
        if not self._changed:
            return
        page = self._store.read(self._page)
        start, end = row_span(page, self._row)
        row = bytearray(end - start)
        if not self._reference and _fits_inline(self.pages, (len(row) - 5) * 8):
            first = _window(self.pages)
            struct.pack_into("<BI", row, 0, 0, first)
            row[5:] = _bits(self.pages - first, len(row) - 5)
        else:
            self._flush_reference(row)
        page[start:end] = row
        self._store.write(self._page, page)
        self._changed = False

    def _flush_reference(self, row: bytearray) -> None:
        self._reference = True
        row[0] = 1
        parts = self.pages // _BITMAP_BITS
        for part in sorted({*parts.tolist(), *self._bitmaps}):
            if 5 + 4 * part > len(row):
                raise OutputError(
                    "a usage map cannot reach that far", code="size-limit", where=self._store.path
                )
            if part not in self._bitmaps:
                self._bitmaps[part] = self._store.reserve(1)
            bits = _bits(self.pages[parts == part] - part * _BITMAP_BITS, PAGE - 4)
            self._store.write(self._bitmaps[part], b"\x05\x01\x00\x00" + bits)
            struct.pack_into("<I", row, 1 + 4 * part, self._bitmaps[part])


def _set_bits(bitmap: bytes | bytearray) -> np.ndarray:
    return np.flatnonzero(np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little"))


def _bits(numbers: np.ndarray, size: int) -> bytes:
    flags = np.zeros(size * 8, np.uint8)
    flags[numbers] = 1
    return np.packbits(flags, bitorder="little").tobytes()


def _window(pages: np.ndarray) -> int:
    """First page of an inline window: 0 while that reaches, else as late as needed, whole bytes."""
    return 0 if not len(pages) or pages[-1] < _INLINE_BITS else int(pages[0]) // 8 * 8


def _fits_inline(pages: np.ndarray, bits: int) -> bool:
    return not len(pages) or int(pages[-1]) - _window(pages) < bits


def empty_map() -> bytes:
    """The row of a usage map without pages."""
    return bytes(_MAP_SIZE)


def release_beyond(store: PageStore) -> None:
    """Bring the file's free-page map (page 1, row 0) up to date with the pages added at the end.

    Pages added are in use, every page beyond the end is free; the inline window is moved in steps
    of its own width, as Access moves it (pages free before the window are then no longer offered).
    """
    page = store.read(1)
    start, end = row_span(page, 0)
    if page[start] != 0:
        _release_in_reference(store, bytes(page[start:end]))
        return
    (old,) = struct.unpack_from("<I", page, start + 1)
    bits = (end - start - 5) * 8
    first = store.count // bits * bits
    free = np.zeros(bits, np.uint8)
    if first == old:
        free |= np.unpackbits(np.frombuffer(bytes(page[start + 5 : end]), np.uint8), bitorder="little")
    free[max(0, store.initial - first) : store.count - first] = 0
    free[store.count - first :] = 1
    struct.pack_into("<BI", page, start, 0, first)
    page[start + 5 : end] = np.packbits(free, bitorder="little").tobytes()
    store.write(1, page)


def _release_in_reference(store: PageStore, row: bytes) -> None:
    for part, (number,) in enumerate(struct.iter_unpack("<I", row[1 : 1 + (len(row) - 1) // 4 * 4])):
        low, high = store.initial - part * _BITMAP_BITS, store.count - part * _BITMAP_BITS
        if number and high > 0 and low < _BITMAP_BITS:
            bitmap = store.read(number)
            free = np.unpackbits(np.frombuffer(bytes(bitmap[4:]), np.uint8), bitorder="little").copy()
            free[max(0, low) : high] = 0
            bitmap[4:] = np.packbits(free, bitorder="little").tobytes()
            store.write(number, bitmap)
