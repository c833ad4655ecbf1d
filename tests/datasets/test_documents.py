"""Every kind of document names file, line and path of what is wrong in it, and the near name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from idbmigrate.checks import load as rules
from idbmigrate.datasets import load_overlay
from idbmigrate.datasets.build import build
from idbmigrate.documents import yaml as yamlio
from idbmigrate.documents.node import Node
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping.load import load_mapping
from idbmigrate.measures import load as measures
from idbmigrate.periods import windows

PACK = """
dataset: small
version: 1
sources: {S: somewhere}
code_lists:
  yes_no:
    source: S
    codes: {Y: yes}
tables:
  Person:
    columns:
      ID: {format: max an20, source: S}
      FLAG:
        format: an1
        codes: yes_no
"""
MAPPING = """
mapping: small
version: 1.0.0
source: iapt-1.5
target: iapt-2.1
include: [part.yaml]
"""
PART = """
lookups:
  gender:
    unknown: reject
    rows:
      - from: 1
        to: 1
        confidence: confirmed
tables:
  IDS001MPI:
    from: Person
    where:
      - name: born
        keep: {present: DOB}
        reason: asked for
    fields:
      Gender: {lookup: gender, of: GENDER}
"""
OVERLAY = """
dataset: iapt-1.5
tables:
  Person:
    from: Clients
    columns:
      LPTID: Number
lookups:
  gender:
    1: 2
"""
RULES = """
pack: small
title: Small
lists: {genders: [1, 2]}
rules:
  IDS001MPI:
    - code: X1
      effect: record
      kind: code
      confidence: proposed
      check:
        all:
          - is:
              column: Gender
              in: genders
"""
CALENDAR = """
sources: {S: {title: t, where: w}}
calendars:
  - data_sets: [iapt-2.1]
    source: S
    windows:
      - opens: 2022-05-16
        closes: 2022-05-27
"""


def pack(path: Path, _: pytest.MonkeyPatch) -> None:
    raw, marks = yamlio.load_marked(path)
    build(raw, str(path), marks)


def mapping(path: Path, _: pytest.MonkeyPatch) -> None:
    top = path.with_name("top.yaml")
    top.write_text(MAPPING, encoding="utf-8")
    path.rename(path.with_name("part.yaml"))
    load_mapping(top)


def calendar(path: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(windows, "PACK", path)
    windows._calendars.__wrapped__()


def rule_pack(path: Path, _: pytest.MonkeyPatch) -> None:
    rules.read_pack(Node.load(path, "rules-invalid"))


def definitions(path: Path, _: pytest.MonkeyPatch) -> None:
    measures.definitions(Node.load(path, "measures-invalid"))


def readings(path: Path, _: pytest.MonkeyPatch) -> None:
    [*map(measures.reading, Node.load(path, "measures-invalid")["readings"].entries())]


DEFINITIONS = (measures.PACKS / "definitions.yaml").read_text(encoding="utf-8")
READINGS = (measures.PACKS / "readings.yaml").read_text(encoding="utf-8")
KINDS: dict[str, tuple[str, Callable[[Path, pytest.MonkeyPatch], object]]] = {
    "pack": (PACK, pack),
    "mapping": (PART, mapping),
    "overlay": (OVERLAY, lambda path, _: load_overlay(path)),
    "rules": (RULES, rule_pack),
    "definitions": (DEFINITIONS, definitions),
    "readings": (READINGS, readings),
    "calendar": (CALENDAR, calendar),
}
#: kind, what stands there, what stands there instead, path of the error, hint
MISSPELT = [
    ("pack", "format: an1", "formt: an1", "$.tables.Person.columns.FLAG.formt", "format"),
    ("pack", "codes: yes_no", "codes: yes_now", "$.tables.Person.columns.FLAG.codes", "yes_no"),
    ("mapping", "reason: asked", "reson: asked", "$.tables.IDS001MPI.where[0].reson", "reason"),
    ("mapping", "confidence:", "confidnce:", "$.lookups.gender.rows[0].confidnce", "confidence"),
    ("mapping", "lookup: gender,", "lokup: gender,", "$.tables.IDS001MPI.fields.Gender", "lookup"),
    ("overlay", "columns:", "colums:", "$.tables.Person.colums", "columns"),
    ("overlay", "dataset: iapt-1.5", "dataset: iapt-15", "$.dataset", "iapt-1.5"),
    ("rules", "column: Gender", "colum: Gender", "$.rules.IDS001MPI[0].check.all[0].is.colum", "column"),
    ("rules", "in: genders", "in: gender", "$.rules.IDS001MPI[0].check.all[0].is.in", "genders"),
    ("rules", "kind: code", "kind: cod", "$.rules.IDS001MPI[0].kind", "code"),
    ("definitions", "case: agora_case", "case: agora_cas", "$.disorders[0].case", "agora_case"),
    ("definitions", "tool: agora", "tol: agora", "$.disorders[0].tol", "tool"),
    ("readings", "diagnosis: {code:", "diagnosis: {cod:", "$.readings[0].diagnosis.cod", "code"),
    ("calendar", "closes:", "closses:", "$.calendars[0].windows[0].closses", "closes"),
]
WRONG_TYPE = [
    ("pack", "format: an1", "format: [an1]", "$.tables.Person.columns.FLAG.format"),
    ("mapping", "name: born", "name: {born: yes}", "$.tables.IDS001MPI.where[0].name"),
    ("overlay", "LPTID: Number", "LPTID: [Number]", "$.tables.Person.columns.LPTID"),
    ("rules", "column: Gender", "column: [Gender]", "$.rules.IDS001MPI[0].check.all[0].is.column"),
    ("definitions", "diagnosis: F400", "diagnosis: [F400]", "$.disorders[0].diagnosis"),
    ("readings", "data_sets: [iapt-1.0, iapt-1.0-pbr]", "data_sets: x", "$.readings[0].data_sets"),
    ("calendar", "opens: 2022-05-16", "opens: [2022]", "$.calendars[0].windows[0].opens"),
]
MISSING = [
    ("pack", "dataset: small\n", "", "$", "dataset"),
    ("mapping", "        reason: asked for\n", "", "$.tables.IDS001MPI.where[0]", "reason"),
    ("rules", "      effect: record\n", "", "$.rules.IDS001MPI[0]", "effect"),
    ("definitions", "tool: agora, ", "", "$.disorders[0]", "tool"),
    ("readings", "data_sets: [iapt-1.0, iapt-1.0-pbr]\n    note:", "note:", "$.readings[0]", "data_sets"),
    ("calendar", "        closes: 2022-05-27\n", "", "$.calendars[0].windows[0]", "closes"),
]
TWICE = [
    ("pack", "        format: an1\n", "$.tables.Person.columns.FLAG.format"),
    ("mapping", "        reason: asked for\n", "$.tables.IDS001MPI.where[0].reason"),
    ("overlay", "      LPTID: Number\n", "$.tables.Person.columns.LPTID"),
    ("rules", "              in: genders\n", "$.rules.IDS001MPI[0].check.all[0].is.in"),
    ("definitions", "    confidence: confirmed\n", "$.measures[0].confidence"),
    ("readings", "    diagnosis: {code: PROVDIAG}\n", "$.readings[0].diagnosis"),
    ("calendar", "        closes: 2022-05-27\n", "$.calendars[0].windows[0].closes"),
]


def refused(
    kind: str, old: str, new: str, tmp_path: Path, patch: pytest.MonkeyPatch
) -> tuple[DescriptionError, str]:
    """The error of a document changed in one place, and the line of that place as ``:LINE (``."""
    text, load = KINDS[kind]
    before, found, after = text.partition(old)
    assert found, old
    path = tmp_path / "small.yaml"
    path.write_text(before + new + after, encoding="utf-8")
    with pytest.raises(DescriptionError) as caught:
        load(path, patch)
    assert re.search(r"(small|part)\.yaml:\d+ \(\$", caught.value.where), caught.value.where
    return caught.value, f":{before.count(chr(10)) + 1} ("


@pytest.mark.parametrize("kind", KINDS)
def test_the_documents_are_good_as_they_stand(kind, tmp_path, monkeypatch):
    path = tmp_path / "small.yaml"
    path.write_text(KINDS[kind][0], encoding="utf-8")
    KINDS[kind][1](path, monkeypatch)


@pytest.mark.parametrize(("kind", "old", "new", "place", "near"), MISSPELT)
def test_a_misspelt_name(kind, old, new, place, near, tmp_path, monkeypatch):
    error, line = refused(kind, old, new, tmp_path, monkeypatch)
    assert error.where.endswith(f"({place})") and line in error.where
    assert error.hint.startswith("did you mean ") and near in re.split(r"[ ?]", error.hint)


@pytest.mark.parametrize(("kind", "old", "new", "place"), WRONG_TYPE)
def test_a_wrong_type(kind, old, new, place, tmp_path, monkeypatch):
    error, line = refused(kind, old, new, tmp_path, monkeypatch)
    assert error.where.endswith(f"({place})") and line in error.where and "is expected" in error.message


@pytest.mark.parametrize(("kind", "old", "new", "place", "name"), MISSING)
def test_a_missing_key(kind, old, new, place, name, tmp_path, monkeypatch):
    error, _ = refused(kind, old, new, tmp_path, monkeypatch)
    assert error.where.endswith(f"({place})") and error.message == f"{name!r} is missing"


@pytest.mark.parametrize(("kind", "line", "place"), TWICE)
def test_a_key_that_stands_twice(kind, line, place, tmp_path, monkeypatch):
    error, _ = refused(kind, line, line + line, tmp_path, monkeypatch)
    assert error.code == "yaml-syntax" and "twice" in error.message
    assert error.where.endswith(f"({place})")
