"""What a page of a sound file holds up: which rows depend on which pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from idbmigrate.access import format as fmt
from idbmigrate.access import open_database
from idbmigrate.access.read.usagemap import owned_pages


@dataclass
class Sound:
    """A table as the undamaged file has it.

    ``needs``: pages without which nothing of the table can be had, those of its ``definition`` and its
    usage map; ``own``: its data pages; ``wide``: rows that also lie elsewhere (moved, or with a long value);
    ``usage_map``: page of the usage map and where on it its row begins.
    """

    content: pa.Table
    ids: np.ndarray
    needs: set[int]
    definition: set[int]
    own: set[int]
    wide: np.ndarray
    usage_map: tuple[int, int]


class SoundFile:
    """A small Access file, its tables, and the pages that hold its catalogue and long values."""

    def __init__(self, path: Path):
        self.bytes = path.read_bytes()
        self.suffix = path.suffix
        with open_database(path) as database:
            pages = database._pages
            self.page_size, self.page_count = pages.page_size, pages.page_count
            self.tables = {name: self._table(database, name) for name in database.tables}
            heads = pages.view.bytes[: self.page_count * self.page_size].reshape(-1, self.page_size)
            owners = np.ascontiguousarray(heads[:, 4:8]).view("<u4").reshape(-1)
            long_values = (heads[:, 0] == fmt.PAGE_DATA) & (owners == fmt.LONG_VALUE_OWNER)
            self.long_values = set(np.flatnonzero(long_values).tolist())
            catalogue = self._table(database, "MSysObjects")
            self.catalogue = catalogue.needs | catalogue.own | {0}

    @staticmethod
    def _table(database, name: str) -> Sound:
        definition = database.definition(name)
        content, ids = database.read_with_ids(name)
        own = set(owned_pages(database._pages, definition.usage_map, database._damage, name).tolist())
        needs = {*definition.pages, definition.usage_map >> 8, *_map_pages(database, definition)}
        wide = database.moved_rows(name, ids) if len(ids) else np.zeros(0, bool)
        for column in database.columns(name):
            if column.code in (fmt.MEMO, fmt.OLE):
                wide |= content.column(column.name).is_valid().to_numpy()
        place = definition.usage_map >> 8, _map_start(database, definition)
        return Sound(content, ids, needs, set(definition.pages), own, wide, place)

    def unharmed(self, table: Sound, harmed: set[int]) -> np.ndarray:
        """Which rows of a table depend on none of the harmed pages (bool)."""
        if harmed & (self.catalogue | table.needs):
            return np.zeros(len(table.ids), bool)
        fine = ~np.isin(table.ids >> 8, list(harmed))
        if harmed & (self.long_values | table.own):
            fine &= ~table.wide
        return fine


def _map_start(database, definition) -> int:
    """Where on its page the usage map's row begins."""
    page = database._pages.page(definition.usage_map >> 8)
    at = database._pages.layout.slots_at + 2 * (definition.usage_map & 0xFF)
    return int.from_bytes(page[at : at + 2].tobytes(), "little") & fmt.ROW_OFFSET


def _map_pages(database, definition) -> set[int]:
    """Pages of a usage map of the second kind."""
    page = database._pages.page(definition.usage_map >> 8)
    start = _map_start(database, definition)
    if page[start] == 0:
        return set()
    numbers = np.frombuffer(page[start + 1 : start + 69].tobytes(), "<u4")
    return {int(number) for number in numbers if number}
