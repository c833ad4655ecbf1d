"""What a pack may say: formats, composition, and the errors that name the place."""

from __future__ import annotations

import pytest

from idbmigrate.datasets.build import build
from idbmigrate.datasets.compose import compose
from idbmigrate.datasets.formats import parse_format
from idbmigrate.documents import yaml as yamlio
from idbmigrate.errors import DescriptionError

PACK = """\
dataset: small
version: 1
title: Small
role: target
sources: {S: somewhere}
code_lists:
  yes_no:
    source: S
    codes: {Y: yes, N: no}
tables:
  Person:
    key: [ID]
    period: {open: [START, END]}
    columns:
      ID: {format: max an20, req: M, source: S}
      FLAG: {format: an1, codes: yes_no, aliases: {MARK: inferred}, source: S}
      START: {format: an10 CCYY-MM-DD, source: S}
      END: {format: an10 CCYY-MM-DD, source: S}
  Visit:
    parent: Person
    links: {PERSON: Person.ID}
    period: parent
    columns:
      PERSON: {format: max an20, source: S}
"""


def built(text):
    raw, marks = yamlio.loads_marked(text, "small.yaml")
    return build(raw, "small.yaml", marks)


def test_a_pack_becomes_what_it_says():
    dataset = built(PACK)
    person, visit = dataset.tables.values()
    assert person.primary_key == ("ID",)
    assert (person.period.kind, person.period.columns) == ("open", ("START", "END"))
    assert person.columns["FLAG"].aliases == {"MARK": "inferred"}
    assert dataset.codes_of(person.columns["FLAG"]).codes == {"Y": "yes", "N": "no"}
    assert dataset.codes_of(person.columns["ID"]) is None
    assert visit.foreign_keys == {"PERSON": ("Person", "ID")}


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("role: target", "role: aim", 4, "one of"),
        ("source: S\n    codes", "source: T\n    codes", 8, "'T'"),
        ("codes: yes_no", "codes: no_yes", 16, "'no_yes'"),
        ("format: an1,", "format: an,", 16, "'an'"),
        ("req: M", "req: X", 15, "one of"),
        ("req: M", "require: M", 15, "'require'"),
        ("key: [ID]", "key: [IT]", 11, "'IT'"),
        ("open: [START, END]", "open: [START, STOP]", 11, "'STOP'"),
        ("open: [START, END]", "opened: [START, END]", 13, "'opened'"),
        ("MARK: inferred", "MARK: sure", 16, "one of"),
        ("MARK: inferred", "start: inferred", 17, "FLAG as well as START"),
        ("parent: Person", "parent: Nobody", 19, "'Nobody'"),
        ("Person.ID", "Person.NO", 19, "Person.NO"),
        ("PERSON: {format", "PERSON X: {format", 24, "plain word"),
        ("period: parent", "period: never", 22, "one of"),
        ("title: Small", "titel: Small", 3, "'titel'"),
    ],
)
def test_a_contradiction_is_refused_with_its_line(old, new, line, word):
    assert PACK.count(old) == 1
    with pytest.raises(DescriptionError) as caught:
        built(PACK.replace(old, new))
    assert caught.value.code == "dataset-invalid"
    assert word in caught.value.message
    assert caught.value.where.startswith(f"small.yaml:{line} ($")  # the place itself, or the table it is in


@pytest.mark.parametrize(
    ("notation", "kind", "lengths", "fits", "does_not"),
    [
        ("an2", "text", (2, 2), "", ""),
        ("max an20", "text", (0, 20), "", ""),
        ("min an3 max an6", "text", (3, 6), "", ""),
        ("an3, an5 or an6", "text", (3, 6), "RX1 RX123 RX1234", "RX RX12"),
        ("n10", "integer", (10, 10), "0123456789", "123 01234567890 012345678x"),
        ("max n3", "integer", (1, 3), "0 45 999", "1000 -1 x"),
        ("min n6 max n18", "integer", (6, 18), "720433000", "12345 1234567890123456789"),
        ("max n1.max n2", "decimal", (3, 4), "1.5 4.25", "4 12.5 1.234 1."),
        ("an10 CCYY-MM-DD", "date", (10, 10), "2014-07-01", "2014-13-01 01/07/2014 2014-07-32"),
        ("an8 HH:MM:SS", "time", (8, 8), "23:59:59", "24:00:00 9:30:00 12:60:00"),
        ("an7 YYYY-MM", "month", (7, 7), "2014-07", "2014/07 2014-00"),
        ("an19 YYYY-MM-DDThh:mm:ss", "timestamp", (19, 19), "2022-05-01T09:30:00", "2022-05-01"),
        ("number", "integer", (None, None), "0 -12 3400", "1.5 x"),
    ],
)
def test_format_notations(notation, kind, lengths, fits, does_not):
    import re

    found = parse_format(notation)
    assert (found.kind, (found.min_length, found.max_length)) == (kind, lengths)
    assert all(re.fullmatch(found.pattern, value) for value in fits.split())
    assert not any(re.fullmatch(found.pattern, value) for value in does_not.split())


@pytest.mark.parametrize("notation", ["", "an", "an0", "max 20", "an2 ", "an3 or", "min an3", "AN2"])
def test_other_notations_are_refused(notation):
    with pytest.raises(ValueError):
        parse_format(notation)


def test_a_kind_overrides_the_notation():
    assert parse_format("n10", "text").kind == "text"
    assert parse_format("max an3", "integer").pattern == "[0-9]{1,3}"


def composed(text, base=PACK):
    raw = compose(yamlio.loads(text, "other.yaml"), lambda name: yamlio.loads(base, name), "other.yaml")
    return build(raw, "other.yaml")


def test_a_pack_may_extend_another():
    dataset = composed(
        """
        dataset: other
        extends: small
        without: [Visit]
        restate: {confidence: inferred}
        code_lists: {one: {source: S, codes: {1: one}}}
        tables:
          Person:
            without: [END]
            period: all
            columns:
              ID: {codes: one, req: ~}
              NEW: {format: an1, after: ID, source: S, confidence: proposed}
              AGAIN: {like: small, format: max an9}
          More: {columns: {ID: {format: an1, source: S}}}
        """.replace("AGAIN", "FLAG")
    )
    person = dataset.tables["Person"]
    assert (dataset.name, dataset.title) == ("other", "Small")
    assert list(dataset.tables) == ["Person", "More"]
    assert list(person.columns) == ["ID", "NEW", "FLAG", "START"]
    assert (person.columns["ID"].codes, person.columns["ID"].requirement) == ("one", None)
    words = [column.confidence for column in person.columns.values()]
    assert words == ["inferred", "proposed", "confirmed", "inferred"]
    assert person.columns["FLAG"].format.max_length == 9


@pytest.mark.parametrize("change", ["without: [Nothing]", "tables: {Person: {without: [NOTHING]}}"])
def test_what_is_not_there_cannot_be_left_out(change):
    with pytest.raises(DescriptionError, match="cannot be left out"):
        composed(f"dataset: other\nextends: small\n{change}\n")
