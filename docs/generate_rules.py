"""Rewrite ``docs/rules/``: a page for each family of rules, and a list of all rules for each data set.

``python docs/generate_rules.py`` rewrites the pages, ``--check`` only says which are out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from idbmigrate.checks import KINDS, REASONS, list_packs, load_pack
from idbmigrate.checks.coverage import coverage, needs
from idbmigrate.checks.model import Rule, RulePack

FOLDER = Path(__file__).resolve().parent / "rules"

#: family -> what it is about, for people who have to act on it
ABOUT = {
    "structure": (
        "The tables that a submission cannot do without, the header, and the shape of the file. They "
        "reject the whole file. Names of tables and columns are compared; types and sizes of the "
        "Access file are not, as they are not in the tables."
    ),
    "blank": (
        "A value is missing that the centre demands (the record is rejected) or expects (a warning). "
        "White space alone counts as blank here, as the centre trims; all other rules see a value in it, "
        "as they do at the centre. No other family says anything about a value that is not there."
    ),
    "format": (
        "The text does not have the shape of its column: length, digits only, a date that exists, a "
        "time of day, a timestamp with its offset. Dates before 1890 count as badly written, as they "
        "do at the centre."
    ),
    "code": (
        "The value is not among the national codes of its column. The lists stand in the data set "
        "description (`idbmigrate dataset show`). Most of these are warnings; a few reject the "
        "record."
    ),
    "value": (
        "Check digits and clinical codes. An NHS number has ten digits and a check digit modulo 11, and "
        "does not read the same backwards. A SNOMED CT concept has 6 to 18 digits, partition 00 or 10 and a "
        "Verhoeff check digit; an expression is `concept:attribute=concept` of at most 56 characters, with "
        "the attribute 408730004 or 363589002. An ICD-10 code has four to six characters. Each "
        "distinct value is looked at once. The look-ups of organisations in national tables are not "
        "done; a rule of this project looks at the shape."
    ),
    "score": (
        "Assessment scores: the concept must be one that the centre accepts, the text of the score "
        "must have the shape of its assessment (or the record is rejected), and its value should lie "
        "in the range (or there is a warning). A score that is badly written, and so in no range, is out "
        "of range as a consequence (`follows`). The list stands in the data set description."
    ),
    "relation": (
        "Parents and children. A record whose parent is missing or was itself rejected falls; so does "
        "a patient who is left without a valid registration or referral. Findings that only follow "
        "from others are marked, and counted on one line."
    ),
    "uniqueness": (
        "More than one record where there may be one. All of the records are named. A column "
        "without any value keeps a record out of the comparison, except where the list says otherwise."
    ),
    "period": (
        "Dates against the reporting period that was chosen in the portal, or else that of the header."
    ),
    "order": (
        "Dates against each other and against a life. Dates are compared only where both are real dates. A "
        "registration that ends is followed by a valid one of another practice."
    ),
    "cross-field": "Values of one record that contradict each other, or of which one calls for another.",
    "portal": (
        "The header against what the submission portal holds: provider, sender, period, time of "
        "upload. They are run where the values are given (`--provider`, `--sender`, `--period`, "
        "`--submitted`)."
    ),
    "reference": (
        "Look-ups in national tables that change daily: organisations, practices, sites, postcodes. "
        "None of them is done here."
    ),
}


def pages() -> dict[str, str]:
    """Name of each page -> its text."""
    packs = [load_pack(name) for name in list_packs()]
    made = {f"{pack.name}.md": _pack_page(pack) for pack in packs}
    return made | {f"{kind}.md": _family_page(kind, packs) for kind in KINDS}


def _family_page(kind: str, packs: list[RulePack]) -> str:
    lines = [f"# Rules: {KINDS[kind]}", "", *_wrapped(ABOUT[kind]), ""]
    for pack in packs:
        if not pack.published:  # four packs that are mostly one: their own pages have them
            continue
        rules = [rule for rule in pack.rules if rule.kind == kind]
        if rules:
            lines += [f"## {pack.title}", "", *_table(rules), ""]
    return "\n".join(lines).rstrip() + "\n"


def _pack_page(pack: RulePack) -> str:
    found = coverage(pack)
    lines = [f"# All rules of {pack.title}", "", *_wrapped(" ".join(pack.note.split())), ""]
    lines += [
        f"{found['published']} published rules, {found['checked']} of them checked "
        f"({found['with_portal']} only where portal values are given); {found['own']} rules of this project."
        if pack.published
        else f"No rule of it was published. {found['own']} checks are made of what is public.",
        "",
        "| not checked because | rules | |",
        "| --- | --- | --- |",
        *(f"| {each['because']} | {each['rules']} | {each['why']} |" for each in found["not_checked"]),
        "",
    ]
    for table in dict.fromkeys(rule.table for rule in pack.rules):
        rules = [rule for rule in pack.rules if rule.table == table]
        lines += [f"## {table or 'The whole file'}", "", *_table(rules, sources=not pack.published), ""]
    lines += ["## Sources", "", *(f"- {tag}: {' '.join(text.split())}" for tag, text in pack.sources.items())]
    return "\n".join(lines).rstrip() + "\n"


def _table(rules: list[Rule], sources: bool = False) -> list[str]:
    head = ["rule", "effect", "fails when", "confidence", *(["sources"] if sources else [])]
    rows = [
        [
            rule.code,
            _effect(rule),
            _cell(rule),
            rule.confidence,
            *([" ".join(rule.source)] if sources else []),
        ]
        for rule in rules
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _effect(rule: Rule) -> str:
    return f"{rule.effect} ({rule.draft} in the draft code)" if rule.draft else rule.effect


def _cell(rule: Rule) -> str:
    if rule.check is None:
        columns = f"{', '.join(rule.columns)}: " if rule.columns else ""
        text = f"{columns}*not checked: {REASONS[rule.because]}*"
    else:
        text = rule.meaning + (" *(with portal values)*" if needs(rule) else "")
    note = f" ({rule.note.rstrip('.')})" if rule.note else ""
    return (text + note).replace("|", "\\|").replace("\n", " ")


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, 105)


def main() -> int:
    """Write or check the pages; give the exit code."""
    made = pages()
    old = (
        {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
        if FOLDER.is_dir()
        else {}
    )
    stale = sorted(name for name in made.keys() | old.keys() if made.get(name) != old.get(name))
    if "--check" in sys.argv:
        for name in stale:
            print(f"out of date: docs/rules/{name}; run python docs/generate_rules.py", file=sys.stderr)
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name in old.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
