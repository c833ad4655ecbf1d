"""The tables of the documentation page, made from the packs themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from idbmigrate.datasets import list_datasets
from idbmigrate.measures.load import load_definitions, load_reading
from idbmigrate.measures.model import Condition, Definitions, Reading

_WORDS = {"at_least": "at least", "at_most": "at most", "below": "below", "from_day": "on or after"}


def page() -> str:
    """Every measure, threshold, code, fact and reading with its source and confidence, as Markdown."""
    found = load_definitions()
    return "\n".join([*_measures(found), *_stated(found), *_facts(found), *_readings(found), *_ends(found)])


def _measures(found: Definitions) -> Iterator[str]:
    yield from ("## Measures", "", found.note, "")
    rows = [
        (
            f"`{each.name}`",
            each.title.removeprefix("... "),
            _within(each.within),
            in_words(each.when, found),
            each.month,
            each.source,
            each.confidence,
            each.note or "",
        )
        for each in found.measures.values()
    ]
    header = ("measure", "counts", "of", "where", "month by", "source", "confidence", "note")
    yield from _table(header, rows)


def _within(name: str | None) -> str:
    return f"`{name}`" if name else ""


def in_words(condition: Condition, found: Definitions) -> str:
    """A condition as a person would say it."""
    if condition.kind in ("all", "any", "none"):
        word = " and " if condition.kind == "all" else " or "
        said = word.join(in_words(part, found) for part in condition.parts)
        return f"not ({said})" if condition.kind == "none" else f"({said})" if word == " or " else said
    if condition.kind == "measure":
        return f"counted in `{condition.name}`"
    if condition.kind == "present":
        return f"{condition.name} is known"
    return f"{condition.name} {_WORDS[condition.kind]} {found.thresholds[condition.limit].value}"


def _stated(found: Definitions) -> Iterator[str]:
    yield from ("## Thresholds and codes", "")
    rows = [(f"`{n}`", e.value, e.says, e.source, e.confidence) for n, e in found.thresholds.items()]
    rows += [(f"`{n}`", ", ".join(e.values), e.says, e.source, e.confidence) for n, e in found.codes.items()]
    yield from _table(("name", "value", "says", "source", "confidence"), rows)


def _facts(found: Definitions) -> Iterator[str]:
    yield from ("## Facts that conditions name", "")
    rows = [(f"`{each.name}`", each.relation, each.says) for each in found.facts.values()]
    yield from _table(("fact", "of", "what it is"), rows)


def _readings(found: Definitions) -> Iterator[str]:
    yield from ("## Where they stand in each data set", "")
    seen: list[Reading] = []
    for name in list_datasets():
        reading = load_reading(name)
        if reading is not None and reading not in seen:
            seen.append(reading)
            yield from _reading(reading)


def _reading(reading: Reading) -> Iterator[str]:
    yield from (f"### {', '.join(reading.data_sets)}", "")
    if reading.nothing:
        yield from (f"No measure: {reading.nothing}.", "")
        return
    if reading.note:
        yield from (reading.note, "")
    rows = [
        (
            role,
            item,
            ", ".join(value.values())
            if isinstance(value, dict)
            else ", ".join(value)
            if isinstance(value, (list, tuple))
            else value,
        )
        for role, items in reading.roles.items()
        for item, value in items.items()
    ]
    yield from _table(("what", "item", "table, column or codes"), rows)
    if reading.lacks:
        yield from _table(("fact it cannot give", "why"), list(reading.lacks.items()))


def _ends(found: Definitions) -> Iterator[str]:
    yield from ("## Left out", "")
    yield from _table(("measure", "why"), list(found.left_out.items()))
    yield from ("## Sources", "")
    yield from _table(("short", "title", "where"), [(n, *both) for n, both in found.sources.items()])


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""
