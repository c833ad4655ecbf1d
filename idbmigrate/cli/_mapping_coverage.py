"""Prints what a mapping covers, and takes a reviewer's workbook back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idbmigrate.cli._output import Console, write_whole
from idbmigrate.errors import OutputError


def words(console: Console, document: dict[str, Any]) -> None:
    """Totals, then every source column, code and target column."""
    console.say(console.style(f"{document['mapping']} {document['version']}: {document['title']}", "bold"))
    totals = document["totals"]
    console.table(
        [(group.replace("_", " "), *_counts(counts)) for group, counts in totals.items()],
    )
    _part(console, "Source columns")
    console.table(
        [
            (f"{row['table']}.{row['column']}", row["outcome"], ", ".join(row["into"]) or row["reason"])
            for row in document["source_columns"]
        ]
    )
    _part(console, "Codes")
    console.table(
        [
            (
                row["lookup"],
                row["code"],
                row["meaning"],
                row["to"] or row["outcome"],
                row["equivalence"],
                row["confidence"],
                row["source"],
                row["reason"] or row["note"],
            )
            for row in document["codes"]
        ],
        ["lookup", "code", "meaning", "becomes", "", "confidence", "source", "why"],
    )
    _part(console, "Target columns")
    console.table(
        [
            (
                f"{row['table']}.{row['column']}",
                row["requirement"],
                row["outcome"],
                "; ".join(row["by"]) or row["reason"],
                row["confidence"],
            )
            for row in document["target_columns"]
        ]
    )


def _counts(counts: dict[str, int]) -> list[str]:
    return [f"{word} {count:,}" for word, count in counts.items()]


def _part(console: Console, title: str) -> None:
    console.say()
    console.say(console.style(title, "bold"))


def workbook(console: Console, document: dict[str, Any], path: str) -> None:
    """Write the workbook and say what is in it."""
    from idbmigrate.mapping import review

    write_whole(Path(path), lambda place: review.write(document, place))
    open_codes = sum(row["outcome"] != "mapped" for row in document["codes"])
    console.say(f"{path}: {len(document['codes'])} codes, {open_codes} of them without a target")
    console.say(f"fill in the column '{review.DECISION}' of the sheet Codes, then:")
    console.say(f"  idbmigrate mapping apply {path} --out overlay.yaml")


def apply(console: Console, path: str, out: str, overwrite: bool) -> None:
    """Write the overlay that a reviewer's workbook asks for."""
    from idbmigrate.datasets import load_dataset
    from idbmigrate.mapping import review
    from idbmigrate.mapping.load import load_mapping

    if Path(out).exists() and not overwrite:
        hint = "give --overwrite, or another --out"
        raise OutputError("the file is there already", code="output-exists", where=out, hint=hint)
    mapping = load_mapping(review.mapping_of(Path(path)))
    found = review.decisions(Path(path), mapping, load_dataset(mapping.target))
    count = sum(len(codes) for codes in found.values())
    if found:
        text = review.overlay_text(mapping, found, Path(path).name)
        Path(out).write_text(text, encoding="utf-8", newline="\n")
    console.document({"mapping": mapping.name, "decisions": found, "overlay": out if found else None})
    if found:
        console.say(f"{out}: {count} codes decided; use it with: idbmigrate convert ... --overlay {out}")
    else:
        console.say(f"nothing is filled in in {path}; no overlay was written")
