"""Small tables drawn as text, as the tests of a mapping use them.

    LPTID | GENDER
    P1    | 1
    'P2 ' |

The first line names the columns. An empty cell is a missing value; quotes keep blanks and bars.
"""

from __future__ import annotations

import re
from textwrap import dedent

import pyarrow as pa

from idbmigrate.documents.node import Document, Node
from idbmigrate.mapping.model import DrawnTable

_CELL = re.compile(r"\s*('(?:[^']|'')*'|\"[^\"]*\"|[^|'\"][^|]*|)\s*(\||\Z)")


def cells(line: str) -> list[str | None]:
    """Cells of one drawn line; raises ``ValueError`` where a quote is not closed."""
    found: list[str | None] = []
    position = 0
    while True:
        match = _CELL.match(line, position)
        if not match:
            raise ValueError("a quote is not closed, or text stands behind it")
        text = match[1].rstrip()
        if text[:1] in ("'", '"'):
            found.append(text[1:-1].replace("''", "'"))
        else:
            found.append(text or None)
        if match[2] != "|":
            return found
        position = match.end()


def drawn_table(node: Node) -> DrawnTable:
    """The table drawn at ``node``; the word ``none`` alone is a table without rows."""
    text = node.text()
    if text.strip() == "none":
        return DrawnTable((), (), node.place)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")]
    if not lines:
        raise node.error("a drawn table needs a line of column names")
    try:
        drawn = [cells(line) for line in lines]
    except ValueError as error:
        raise node.error(str(error)) from None
    head, rows = drawn[0], drawn[1:]
    if None in head or len(set(head)) != len(head):
        raise node.error("column names must be there and differ from each other")
    for row in rows:
        if len(row) != len(head):
            raise node.error(f"a row has {len(row)} cells where {len(head)} columns are drawn")
    return DrawnTable(tuple(head), tuple(tuple(row) for row in rows), node.place)  # type: ignore[arg-type]


def as_table(drawn: DrawnTable) -> pa.Table:
    """A drawn table as columns of text."""
    cells = {name: [row[place] for row in drawn.rows] for place, name in enumerate(drawn.columns)}
    return pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})


def draw(text: str) -> pa.Table:
    """A table drawn as text, as columns of text; raises DescriptionError (``mapping-invalid``)."""
    return as_table(drawn_table(Node(dedent(text), Document("drawn table", "mapping-invalid", {}))))
