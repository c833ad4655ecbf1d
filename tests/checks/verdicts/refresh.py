"""Write the stored verdicts anew: ``python -m tests.checks.verdicts.refresh``; a change of one is explained.

They come from the oracle, never from the engine. The first line is the number of records; then a line for
each that fails: table, column, what is broken, codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .families import HEADERS, Families
from .oracle import Judge

HERE = Path(__file__).parent
TARGETS = ("iapt-2.1", "mhsds-6.0")


Name = tuple[str, str, str]


def verdicts(target: str) -> Iterator[tuple[Name, set[str]]]:
    """What the oracle says of each row of the header and of each family: table, column, change; codes."""
    families = Families(target)
    header = next(table for table in families.dataset.tables if table in HEADERS)
    judge = Judge(families.pack, families.dataset, families.good[header])
    for column, change, row in families.headers():
        yield (header, column, change), judge.codes({header: [row]})
    for family in families:
        yield (family.table, family.column, family.change), judge.codes(family.rows)


def stored(target: str) -> tuple[int, dict[Name, set[str]]]:
    """How many records there are, and the codes of those that fail, as they were written down."""
    first, *lines = (HERE / f"{target}.tsv").read_text(encoding="utf-8").splitlines()
    words = (line.split("\t") for line in lines)
    return int(first), {(table, column, change): set(codes.split()) for table, column, change, codes in words}


def write(target: str) -> None:
    """Write the verdicts of a target down."""
    found_columns = list(verdicts(target))
    lines = [f"{len(found_columns)}"]
    lines += ["\t".join((*name, " ".join(sorted(codes)))) for name, codes in found_columns if codes]
    (HERE / f"{target}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    for each in TARGETS:
        write(each)
