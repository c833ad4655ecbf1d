"""The packs that come with the package: sound, compiled, and true to the facts they were made from."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from idbmigrate.datasets import list_datasets, load, load_dataset
from idbmigrate.datasets.compile import compiled
from idbmigrate.datasets.model import weakest
from idbmigrate.errors import UsageError
from idbmigrate.words import CONFIDENCE


def test_the_names_of_the_contract():
    sources = {"iapt-1.0", "iapt-1.0-pbr", "iapt-1.5", "iapt-ltc-1.5.4"}
    targets = {"iapt-2.1", "mhsds-6.0", "mhsds-5.0", "ea-iapt-1.0"}
    assert set(list_datasets()) == sources | targets
    assert (set(list_datasets("source")), set(list_datasets("target"))) == (sources, targets)
    for name in list_datasets():
        assert load_dataset(name).name == name
        assert load_dataset(name).role == ("source" if name in sources else "target")


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(UsageError) as caught:
        load_dataset("iapt-1.6")
    assert caught.value.code == "unknown-name"
    assert "iapt-1.5" in caught.value.hint


@pytest.mark.parametrize("name", list_datasets())
def test_the_compiled_form_is_that_of_the_yaml(name):
    assert (load.PACKS / f"{name}.json").read_text(encoding="utf-8") == compiled(name), "run: make packs"


def test_a_changed_pack_is_read_from_its_yaml(tmp_path, monkeypatch):
    for path in load.PACKS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for changed in ("iapt-1.5.yaml", "iapt-1.0.json"):
        text = (tmp_path / changed).read_text(encoding="utf-8")
        (tmp_path / changed).write_text(text.replace("Patients", "People"), encoding="utf-8")
    (tmp_path / "iapt-1.5.json").rename(tmp_path / "gone")
    monkeypatch.setattr(load, "PACKS", tmp_path)
    for name in ("iapt-1.5", "iapt-1.0", "iapt-ltc-1.5.4"):  # itself, and two that extend it
        assert load.load_dataset.__wrapped__(name).tables["Person"].title == "People"


def test_line_ends_of_a_checkout_do_not_matter(tmp_path, monkeypatch):
    for path in load.PACKS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(load, "PACKS", tmp_path)
    monkeypatch.setattr(load, "read_pack", None)
    assert load.load_dataset.__wrapped__("iapt-1.5").name == "iapt-1.5"


@pytest.mark.parametrize("name", list_datasets())
def test_every_fact_has_a_confidence_and_a_source(name):
    dataset = load_dataset(name)
    assert dataset.sources
    for table in dataset.tables.values():
        assert table.confidence in CONFIDENCE
        for column in table.columns.values():
            assert column.source, f"{table.name}.{column.name} names no source"
            assert "format" in column.confidences
            if codes := dataset.codes_of(column):  # no column is surer of its codes than their list is
                assert weakest(codes.confidence, column.confidences["codes"]) == column.confidences["codes"]
            re.compile(column.format.pattern or "")
    for codes in dataset.code_lists.values():
        assert codes.codes and codes.source, codes.name


def test_the_employment_table_is_a_proposal_throughout():
    (table,) = load_dataset("ea-iapt-1.0").tables.values()
    assert table.confidence == "proposed"
    assert {column.confidence for column in table.columns.values()} == {"proposed"}
    assert not any(column.mandatory for column in table.columns.values())


def test_no_requirement_of_a_legacy_column_is_more_than_a_proposal():
    for name in ("iapt-1.0", "iapt-1.0-pbr", "iapt-1.5", "iapt-ltc-1.5.4"):
        for table in load_dataset(name).tables.values():
            for column in table.columns.values():
                assert not column.mandatory
                assert column.confidences.get("requirement", "proposed") == "proposed"


def test_versions_share_what_is_the_same_and_differ_where_they_do():
    old, new, pilot = (load_dataset(name) for name in ("iapt-1.0", "iapt-1.5", "iapt-1.0-pbr"))
    assert list(old.tables) == ["Person", "Disability", "Referral", "Appointment"]
    appointment = list(old.tables["Appointment"].columns)
    assert appointment[appointment.index("GAD7SCORE") + 1] == "WSASSCORE"
    assert "WSASWSCORE" not in appointment
    assert old.tables["Appointment"].columns["THERTYPE1"].codes == "therapy_type_v10"
    assert new.tables["Appointment"].columns["THERTYPE1"].codes == "therapy_type_v15"
    assert old.tables["Person"].columns["GENDER"].confidence == "inferred"
    assert new.tables["Person"].columns["GENDER"].confidence == "confirmed"
    extra = pilot.tables["Referral"].columns["CARECLUSTER"]
    assert (extra.confidence, extra.expected) == ("proposed", False)
    assert extra.format == new.tables["Referral"].columns["CARECLUSTER"].format


# -- against the facts -----------------------------------------------------------------------------

LEGACY = {
    "iapt-1.0": "iapt_v1_0",
    "iapt-1.5": "iapt_v1_5",
    "iapt-ltc-1.5.4": "iapt_ltc_mus_pilot_1_5_4",
    "ea-iapt-1.0": "ea_in_iapt_pilot_2017",
}


@pytest.fixture(scope="module")
def facts(shared_dir):
    def read(name):
        with (shared_dir / "spec" / f"{name}.yaml").open("rb") as file:
            return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    return read


#: A proposed name of the facts -> the one that the centre's own code has.
CENTRES_OWN = {"BIRTHDATE": "DOB"}


@pytest.mark.parametrize(
    "table", ["PERSON", "DISABILITY", "REFERRAL", "WAITINGTIMES", "TREATMENTS", "ASSESSMENTS"]
)
def test_the_v15_pack_has_the_centres_names_and_order(shared_dir, table):
    text = (shared_dir / "spec" / "iapt_legacy_names.md").read_text(encoding="utf-8")
    line = next(each for each in text.splitlines() if f"| REP_{table} |" in each)
    wanted = [name for part in line.split("|")[2].split(",") for name in _numbered(part.strip())]
    spec = next(t for t in load_dataset("iapt-1.5").tables.values() if t.aliases.get(f"REP_{table}"))
    assert spec.aliases[f"REP_{table}"] == "inferred"
    assert [name for name in spec.columns if name in wanted] == wanted


def _numbered(name: str) -> list[str]:
    """``TREATMENT1-5`` are five columns."""
    stem, dash, last = name.partition("-")
    return [f"{stem[:-1]}{n}" for n in range(int(stem[-1]), int(last) + 1)] if dash else [name]


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_packs_have_every_table_column_and_code_of_the_facts(facts, name):
    spec = facts("iapt_legacy")
    dataset = load_dataset(name)
    for table, known in spec["datasets"][LEGACY[name]]["tables"].items():
        columns = dataset.tables[table].columns
        names = [CENTRES_OWN.get(column["name"], column["name"]) for column in known["columns"]]
        assert sorted(columns) == sorted(names)
        for name, column in zip(names, known["columns"], strict=True):
            own = columns[name]
            seen = {*(column.get("name_variants_seen") or []), *(column.get("name_variants_proposed") or [])}
            assert {n.casefold() for n in seen} <= {n.casefold() for n in (own.name, *own.aliases)}
            lists = column.get("codes_ref")
            if lists and lists != "icd10_problem_descriptor":  # groups of a report, not the column's codes
                assert set(spec["code_lists"][lists]["codes"]) <= set(dataset.code_lists[own.codes].codes)


def test_the_v2_pack_has_every_table_column_key_code_and_requirement_of_the_facts(facts):
    spec = facts("iapt_v2")
    dataset = load_dataset("iapt-2.1")
    known = spec["versions"]["2.1"]["tables"]
    assert list(dataset.tables) == list(known)
    for name, table in known.items():
        own = dataset.tables[name]
        assert own.parent == table["parent"]
        assert list(own.columns) == [column["name"] for column in table["columns"]]
        for column in table["columns"]:
            mine = own.columns[column["name"]]
            assert (mine.uid, mine.item, mine.requirement) == (
                column["uid"],
                column["data_item"],
                column["requirement"],
            )
            words = column["attribute_confidence"]
            assert mine.confidences["format"] == words["format"].split()[0]
            assert mine.confidences["requirement"] == words["requirement"].split()[0]
            if isinstance(column["codes"], dict):
                assert set(dataset.codes_of(mine).codes) == set(column["codes"])
            key = column["key"] or ""
            assert (mine.name in own.primary_key) == (key == "PK")
            link = ".".join(own.foreign_keys.get(mine.name, ()))
            assert link == key.removeprefix("FK -> " if key.startswith("FK") else "PK")
        for group in own.unique:
            assert "+".join(group) in table["unique"] or name == "IDS205InternetTherLog"
    tools = {(a["tool"], a["item"], a["concept"]) for a in spec["snomed"]["assessments"]}
    assert {(a.tool, a.item, a.concept) for a in dataset.assessments} == tools


def test_compiled_packs_hold_text_only():
    for name in list_datasets():
        stored = json.loads((load.PACKS / f"{name}.json").read_bytes())

        def texts(value):
            if isinstance(value, dict):
                return all(texts(v) for v in value.values())
            return all(texts(v) for v in value) if isinstance(value, list) else isinstance(value, str | None)

        assert texts(stored["data"])


@pytest.mark.parametrize(("name", "version"), [("mhsds-6.0", "v6.0"), ("mhsds-5.0", "v5.0")])
def test_the_mental_health_packs_have_every_table_column_key_and_code_of_the_facts(facts, name, version):
    known = facts("mhsds")["versions"][version]["tables"]
    dataset = load_dataset(name)
    assert list(dataset.tables) == list(known)
    for table, facts_of in known.items():
        own = dataset.tables[table]
        assert list(own.columns) == [column["name"] for column in facts_of["columns"]]
        for column in facts_of["columns"]:
            mine = own.columns[column["name"]]
            assert (mine.uid, mine.item) == (column["uid"], column["data_item"])
            assert mine.mandatory == (column["requirement"] == "M")
            if isinstance(column.get("codes"), list):
                codes, listed = set(dataset.codes_of(mine).codes), {str(code) for code in column["codes"]}
                # the facts list what v5.0 counts as valid, and say that these are counted as other
                assert listed <= codes <= listed | ({"98", "Z01", "Z02"} if version == "v5.0" else set())
            kind, _, link = (column.get("key") or "").partition(" ")
            assert (mine.name in own.primary_key) == (kind == "PK")
            assert own.foreign_keys.get(mine.name) == (tuple(link.split(".")) if kind == "FK" else None)
        for rule in facts_of.get("unique_rules") or []:
            assert tuple(rule["fields"]) in own.unique or rule["code"] in own.note


def test_the_mental_health_pack_lists_the_scales_that_may_be_sent(facts):
    overlap = facts("mhsds")["assessment_overlap"]
    dataset = load_dataset("mhsds-6.0")
    assert [a.concept for a in dataset.assessments] == [scale["code"] for scale in overlap["mhsds_v6_scales"]]
    refused = {s["code"] for s in overlap["iapt_scales"] if s["mhsds_v6_jan2024"] != "accepted"}
    assert {c.concept for c in dataset.concepts["iapt_assessments_not_listed"]} == refused
    assert not refused & {a.concept for a in dataset.assessments}


def test_what_a_data_set_leaves_unknown_is_told():
    from click.testing import CliRunner

    from idbmigrate.cli.dataset import command

    assert "6.0.7" in (load_dataset("mhsds-6.0").unknown or "")
    shown = CliRunner().invoke(command, ["show", "mhsds-6.0"])
    assert "not known: MHSDS v6.0.7" in shown.output
    assert "not known" not in CliRunner().invoke(command, ["show", "iapt-2.1"]).output
