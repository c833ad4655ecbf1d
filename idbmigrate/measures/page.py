"""The tables of the documentation page, made from the packs themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from idbmigrate.datasets import list_datasets
from idbmigrate.measures.load import load_definitions, load_reading
from idbmigrate.measures.model import Condition, Definitions, Measure, Rate, Reading

_WORDS = {
    "at_least": "at least",
    "at_most": "at most",
    "above": "above",
    "below": "below",
    "from_day": "on or after",
}

_DISORDERS = (
    "Each takes the place of GAD-7 where the provisional diagnosis, cleaned as the centre cleans it, begins"
    " with the code, the first score is at caseness and a last score exists."
)


def page() -> str:
    """Every measure, threshold, code, fact and reading with its source and confidence, as Markdown."""
    found = load_definitions()
    return "\n".join([*_measures(found), *_stated(found), *_facts(found), *_readings(found), *_ends(found)])


def _measures(found: Definitions) -> Iterator[str]:
    yield from ("## Measures", "", found.note, "")
    rows = [
        (f"`{each.name}`", each.title.removeprefix("... "), _within(each.within), each.confidence)
        for each in found.measures.values()
    ]
    yield from _table(("measure", "counts", "of", "definition"), rows)
    for each in found.measures.values():
        month = f"by {each.month}" + (", which may be any earlier day" if each.stock else "")
        yield from _section(each, {"Where": _where(each, found), "Month": month})
    yield from ("## Rates", "")
    rows = [(f"`{each.name}`", each.title, f"`{each.part}`", f"`{each.of}`") for each in found.rates.values()]
    yield from _table(("rate", "is", "part", "of"), rows)
    for rate in found.rates.values():
        yield from _section(rate, {"Counts": f"`{rate.part}` of `{rate.of}`"})


def _where(measure: Measure, found: Definitions) -> str:
    within = f"counted in `{measure.within}` and " if measure.within else ""
    return within + in_words(measure.when, found)


def _section(each: Measure | Rate, facts: Mapping[str, str]) -> Iterator[str]:
    """What is known of a measure or a rate: its text, where it is from, and what is not published."""
    yield from (f"### `{each.name}`", "", each.says, "")
    known = {
        **facts,
        "Source": f"{each.source} ({each.confidence})",
        "Note": each.note,
        "Not published": getattr(each, "unpublished", None),
    }
    yield from (f"- **{name}:** {text}" for name, text in known.items() if text)
    yield ""


def _within(name: str | None) -> str:
    return f"`{name}`" if name else ""


def in_words(condition: Condition, found: Definitions) -> str:
    """A condition as a person would say it."""
    if condition.kind in ("all", "any", "none"):
        word = " and " if condition.kind == "all" else " or "
        stated = word.join(in_words(part, found) for part in condition.parts)
        return f"not ({stated})" if condition.kind == "none" else f"({stated})" if word == " or " else stated
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
    yield from ("## Measures of disorders", "", _DISORDERS, "")
    rows = [
        (each.diagnosis, each.says, f"`{each.case}`", each.source, each.confidence)
        for each in found.disorders
    ]
    yield from _table(("diagnosis begins with", "measure", "caseness", "source", "confidence"), rows)


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
