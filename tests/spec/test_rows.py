"""Which rows a target table gets: joins, each, one_per, branches, natural keys, parents."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idbmigrate.datasets.model import ColumnSpec, Format
from idbmigrate.engine import ENGINES
from idbmigrate.errors import BooksError, DescriptionError
from tests.spec.small import TARGET, column, read, run

SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# -- joins -----------------------------------------------------------------------------------------

JOINED = """
tables:
  Out:
    from: Rows
    with: {other: {table: Others, on: {ID: A}, %s}}
    fields: {Key: KEY, Value: other.V}
retired: {Rows: {A: the key}, Others: {ID: the key}}
"""
OTHERS = """
    ID | V
    x  | 2
    x  | 1
    y  |
    y  | 3
       | 4
    z  | 5
    z  | 5
"""


@pytest.mark.parametrize(
    ("prefer", "made"),
    [
        ("", {"1": "1", "2": None, "3": None, "4": None, "5": "5", "6": "1"}),
        ("prefer: [{filled: V}]", {"1": "1", "2": "3", "3": None, "4": None, "5": "5", "6": "1"}),
        ("prefer: [{highest: V}]", {"1": "2", "2": "3", "3": None, "4": None, "5": "5", "6": "2"}),
        ("prefer: [{lowest: V}]", {"1": "1", "2": "3", "3": None, "4": None, "5": "5", "6": "1"}),
    ],
)
def test_a_join_gives_at_most_one_row(prefer, made, engine):
    source = "KEY | A\n1 | x\n2 | y\n3 |\n4 | w\n5 | z\n6 | x\n"
    outcome = run(JOINED % prefer, {"Rows": source, "Others": OTHERS}, engine)
    assert dict(column(outcome, "Out", "Key", "Value")) == made
    why = outcome.why("Others")
    carried = {value for value in made.values() if value}
    left = {"2": "#1", "1": "#2", "3": "#4"}
    assert all((left[v], "V") in why for v in set(left) - carried)
    assert all((left[v], "V") not in why for v in set(left) & carried)
    assert ("#5", "V") in why  # nothing joins a missing key


@SLOW
@given(
    keys=st.lists(st.sampled_from(["x", "y", None]), max_size=6),
    others=st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from("12")), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_a_join_never_multiplies_and_never_hangs_on_the_order_of_the_file(keys, others, order):
    def made(rows):
        source = pa.table({"KEY": [str(i) for i in range(len(keys))], "A": pa.array(keys, pa.string())})
        columns = {name: [row[i] for row in rows] for i, name in enumerate(("ID", "V"))}
        other = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        outcome = run(JOINED % "", {"Rows": source, "Others": other}, "duckdb")
        assert len(outcome.tables["Out"]) == len(keys)
        return column(outcome, "Out", "Key", "Value")

    shuffled = list(others)
    order.shuffle(shuffled)
    assert made(others) == made(shuffled)


def test_a_join_along_the_natural_key_takes_the_first_occurrence(engine):
    body = JOINED % "" + "sources: {Others: {natural_key: [ID], repeats: {rule: r, reason: again}}}\n"
    outcome = run(body, {"Rows": "KEY | A\n1 | x\n2 | z\n", "Others": OTHERS}, engine)
    assert column(outcome, "Out", "Key", "Value") == [("1", "1"), ("2", "5")]


def test_a_join_to_a_target_table_made_before(engine):
    body = """
tables:
  Out:
    from: Rows
    with: {up: {target: Parent, on: {Key: KEY}}}
    fields: {Key: KEY, Value: up.Value, Other: up._extra}
  Parent:
    from: Rows
    where: [{name: f, keep: {present: A}, reason: no A}]
    fields: {Key: KEY, Value: {upper: A}, _extra: {join: [A, A]}}
"""
    outcome = run(body, {"Rows": "KEY | A\n1 | x\n2 |\n"}, engine)
    assert column(outcome, "Out", "Key", "Value", "Other") == [("1", "X", "xx"), ("2", None, None)]


@pytest.mark.parametrize(
    "join",
    [
        "{table: Nothing, on: {ID: A}}",
        "{table: Others, on: {NOTHING: A}}",
        "{table: Others, on: {ID: NOTHING}}",
        "{table: Others, on: {ID: A}, prefer: [{highest: NOTHING}]}",
        "{target: Typed, on: {Key: A}}",
    ],
)
def test_a_join_to_what_is_not_there_is_refused(join, engine):
    body = f"tables: {{Out: {{from: Rows, with: {{o: {join}}}, fields: {{Key: KEY}}}}}}"
    with pytest.raises(DescriptionError) as raised:
        run(body, {"Rows": "KEY | A\n1 | x\n", "Others": OTHERS}, engine)
    assert raised.value.code == "mapping-invalid"
    assert "small.yaml" in raised.value.where


# -- one row to many -------------------------------------------------------------------------------


def test_each(engine):
    body = """
tables:
  Out:
    from: Rows
    each:
      - {column: A, concept: one}
      - {column: B}
      - {column: C, concept: three}
    where: [{name: no-nine, keep: {value: item.value, not_in: ['9']}, reason: 9 is none}]
    fields:
      Key: {join: [KEY, item.number]}
      Value: item.value
      Other: item.column
      Third: item.concept
"""
    outcome = run(body, {"Rows": "KEY | A | B | C\n1 | 5 | 6 |\n2 | | 9 | 5\n3 | | |\n"}, engine)
    assert column(outcome, "Out", "Key", "Value", "Other", "Third") == [
        ("11", "5", "A", "one"),
        ("12", "6", "B", None),
        ("23", "5", "C", "three"),
    ]
    why = outcome.why()
    assert why.pop(("#3", "KEY"))
    assert why == {("#2", "B"): "filter:no-nine"}
    assert [row["row"] for row in outcome.rows_left] == ["#3"]


@pytest.mark.parametrize(
    "entry", ["{column: A, value: x}", "{column: A, number: x}", "{concept: x}", "{column: Z}"]
)
def test_each_refuses(entry, engine):
    body = f"tables: {{Out: {{from: Rows, each: [{entry}], fields: {{Key: KEY, Value: item.value}}}}}}"
    with pytest.raises(DescriptionError):
        run(body, {"Rows": "KEY | A\n1 | x\n"}, engine)


# -- many rows to one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefer", "kept"),
    [
        ("", ["a1", "b", None]),
        ("prefer: [{filled: Other}]", ["a2", "b", None]),
        ("prefer: [{highest: Value}]", ["a3", "b", None]),
        ("prefer: [{filled: Other}, {highest: Value}]", ["a3", "b", None]),
    ],
)
def test_one_per(prefer, kept, engine):
    body = f"""
tables:
  Out:
    from: Rows
    fields: {{Key: A, Value: V, Other: O}}
    one_per: {{key: [Key], rule: best, reason: one only, {prefer}}}
"""
    source = "A | V | O\nk | a1 |\nk | a2 | o\nk | a3 | o\nl | b |\nm | | o\nm | | o\n"
    outcome = run(body, {"Rows": source}, engine)
    assert [value for _, value in column(outcome, "Out", "Key", "Value")] == kept
    why = outcome.why()
    assert {reason for (_, name), reason in why.items() if name == "V"} == {"one-per:best"}
    assert len(outcome.rows_left) == 3


def test_a_missing_key_is_a_key_of_its_own_for_one_per(engine):
    body = """
tables:
  Typed: {from: Rows, fields: {Key: A, Short: V}, one_per: {key: [Key], rule: r, reason: one}}
"""
    outcome = run(body, {"Rows": "A | V\n | bb\n | aa\nk | cc\n"}, engine)
    assert column(outcome, "Typed", "Key", "Short") == [(None, "aa"), ("k", "cc")]


def test_rows_that_differ_in_nothing_published_leave_no_tie_open(engine):
    """The rows of the first branch stay, then the first in the file: else books would differ between runs."""
    body = """
tables:
  Parent:
    one_per: {key: [Key], rule: r, reason: one}
    branches:
      - {rows: first, from: Rows, fields: {Key: A, Value: B, _from: {constant: first}}}
      - {rows: second, from: Rows, fields: {Key: A, Value: B, _from: {constant: second}}}
  Out:
    from: Rows
    with: {up: {target: Parent, on: {Key: A}}}
    fields: {Key: KEY, Value: up._from}
"""
    outcome = run(body, {"Rows": "KEY | A | B\n1 | k | x\n2 | k | x\n3 | l | y\n"}, engine)
    assert set(column(outcome, "Out", "Value")) == {"first"}


# -- several branches, rows from nothing, mandatory columns, parents -------------------------------


def test_branches_follow_one_another(engine):
    body = """
tables:
  Out:
    branches:
      - {rows: firsts, from: Rows, fields: {Key: KEY, Value: A}}
      - rows: seconds
        from: Rows
        where: [{name: b, keep: {present: B}, reason: no B}]
        fields: {Key: B, Other: A}
      - {rows: none, from: nothing, fields: {Key: {constant: K}, Value: {parameter: p}}}
parameters: {p: {default: v}}
"""
    outcome = run(body, {"Rows": "KEY | A | B\n1 | x | 8\n2 | y |\n"}, engine)
    assert column(outcome, "Out", "Key", "Value", "Other") == [
        ("1", "x", None),
        ("2", "y", None),
        ("8", None, "x"),
        ("K", "v", None),
    ]
    assert outcome.why() == {}  # what one branch stops and another carries is carried


def test_a_row_without_a_mandatory_value_is_rejected(engine):
    body = "tables: {Out: {from: Rows, fields: {Key: {date: KEY}, Value: A}}}"
    outcome = run(body, {"Rows": "KEY | A\n2016-06-14 | x\n | y\nnever | z\n"}, engine)
    assert column(outcome, "Out", "Value") == ["x"]
    assert outcome.why() == {
        ("#2", "A"): "blank:Key",
        ("#3", "A"): "blank:Key",
        ("#3", "KEY"): "bad-format",
    }


def test_a_row_without_its_parent_is_rejected(engine):
    body = """
tables:
  Child: {from: Rows, fields: {Key: KEY, Parent: P, Value: A}}
  Parent: {from: Parents, fields: {Key: ID, Value: V}, where: [{name: f, keep: {present: V}, reason: no V}]}
"""
    sources = {
        "Rows": "KEY | P | A\n1 | p | x\n2 | q | y\n3 | r | z\n4 | | w\n",
        "Parents": "ID | V\np | v\nr |\n",
    }
    outcome = run(body, sources, engine)
    assert column(outcome, "Child", "Key") == ["1", "4"]
    assert set(outcome.why().values()) == {"no-parent:Parent"}
    assert {row for row, _ in outcome.why()} == {"#2", "#3"}
    assert outcome.why("Parents") == {("#2", "ID"): "filter:f"}


@pytest.mark.parametrize(("longest", "named"), [(None, "long"), (20, "long"), (2, None)])
def test_the_key_of_a_joined_parent_is_taken_where_it_fits(engine, longest, named):
    """Of two parents with one value the first by key is joined; some rows join none."""
    form = Format("", "text", max_length=longest)
    child = TARGET.tables["Child"]
    child = replace(child, columns=child.columns | {"Parent": ColumnSpec("Parent", form)})
    target = replace(TARGET, tables=TARGET.tables | {"Child": child})
    body = """
tables:
  Parent: {from: Parents, fields: {Key: ID, Value: V}}
  Child:
    from: Rows
    with: {up: {target: Parent, on: {Value: P}}}
    fields: {Key: KEY, Parent: up.Key}
retired: {Rows: {P: the key}}
"""
    sources = {
        "Rows": "KEY | P\n1 | b\n2 | a\n3 | c\n4 | a\n",
        "Parents": "ID | V\nz | a\nlong | b\ny | a\n",
    }
    outcome = run(body, sources, engine, target=target)
    assert column(outcome, "Child", "Key", "Parent") == [("1", named), ("2", "y"), ("3", None), ("4", "y")]


def test_values_fit_the_format_of_their_column(engine):
    body = """
tables:
  Typed: {from: Rows, fields: {Key: K, Day: A, Clock: B, Month: C, Whole: D, Short: E, Shape: F}}
"""
    source = """
        K    | A          | B        | C       | D    | E    | F
        fits | 2016-02-29 | 23:59:59 | 2016-12 | 007  | ab   | A1
        not  | 2015-02-29 | 24:00:00 | 2016-13 | 1.0  | a    | A12
        long | 2016-2-1   | 23:59    | 2016    | 1234 | abcd | a1
        é    |            |          |         |      | éü日  |
    """
    outcome = run(body, {"Rows": source}, engine)
    rows = {row["Key"]: row for row in outcome.tables["Typed"]}
    assert list(rows["fits"].values())[1:] == ["2016-02-29", "23:59:59", "2016-12", "007", "ab", "A1"]
    assert not any(list(rows["not"].values())[1:]) and not any(list(rows["long"].values())[1:])
    assert rows["é"]["Short"] == "éü日"
    why = outcome.why()
    assert {why["#2", name] for name in "ABCDF"} == {"bad-format"}
    assert (why["#2", "E"], why["#3", "E"], why["#3", "D"]) == ("too-short", "too-long", "too-long")


# -- natural keys and identifiers ------------------------------------------------------------------

IDENTIFIED = """
sources:
  Rows: {natural_key: [A, {date: B}], repeats: {rule: again, reason: stored twice}}
tables:
  Parent:
    from: Rows
    fields: {Key: {identifier: [natural_key], prefix: C}, Value: V}
retired: {Rows: {A: the key, B: the key}}
"""
KEYED = st.lists(
    st.tuples(
        st.sampled_from(["x", "X", "", "xy", "é'\"|"]),
        st.sampled_from(["2016-06-14", "14/06/2016", "2016-02-30", ""]),
        st.sampled_from(["1", "2", ""]),
    ),
    max_size=8,
)


def identifiers(rows, engine="duckdb"):
    """(A, day of B, V) -> identifier, of the rows that are kept."""
    source = pa.table({n: pa.array([row[i] for row in rows], pa.string()) for i, n in enumerate("ABV")})
    outcome = run(IDENTIFIED, {"Rows": source}, engine)
    made = [row["Key"] for row in outcome.tables["Parent"]]
    assert len(set(made)) == len(made)
    assert all(len(key) == 20 and key[0] == "C" and key.isalnum() for key in made)
    return sorted((row["Key"], row["Value"] or "") for row in outcome.tables["Parent"])


@SLOW
@given(rows=KEYED, order=st.randoms(use_true_random=False))
def test_identifiers_do_not_depend_on_the_order_of_rows(rows, order):
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert identifiers(rows) == identifiers(shuffled)


@SLOW
@given(rows=KEYED, others=KEYED, again=st.integers(0, 7))
def test_identifiers_outlast_other_rows_and_repeats(rows, others, again):
    """Rows with other keys, and exact repeats of rows, come and go: identifiers stay."""
    strangers = [("other " + a, b, v) for a, b, v in others]
    repeated = [*rows, rows[again]] if again < len(rows) else rows
    assert set(identifiers(rows)) <= set(identifiers(strangers + repeated))
    assert len(identifiers(repeated)) == len(set(rows))


@SLOW
@given(rows=KEYED)
def test_identifiers_are_the_same_on_every_engine(rows):
    made = [identifiers(rows, engine) for engine in ENGINES]
    assert made[0] == made[1]


def test_what_shares_a_key_is_numbered_by_content(engine):
    body = IDENTIFIED.replace("Value: V", "Value: {join: [V, natural_key.occurrence], with: '#'}")
    source = """
        A | B          | V
        k | 14/06/2016 | 3
        k | 2016-06-14 | 1
        k | 2016-06-14 | 2
        k | 2016-06-14 | 1
        l |            | 9
    """
    outcome = run(body, {"Rows": source}, engine)
    # by all columns in the order of their names: A, then B as it is written, then V
    assert column(outcome, "Parent", "Value") == ["1#2", "2#3", "3#1", "9#1"]
    assert {(row["row"], row["reason"]) for row in outcome.rows_left} == {("#4", "repeat:again")}


def test_rows_that_only_run_together_alike_are_no_repeats(engine):
    body = IDENTIFIED.replace("[A, {date: B}]", "[A]").replace(
        "retired: {Rows: {A: the key, B: the key}}", "retired: {Rows: {A: the key, B: unused}}"
    )
    cells = {"A": ["k"] * 4, "B": ["a\x1fb", "a", "a\x1e1b", "a\x1fb"], "V": ["c", "b\x1fc", "c", "c"]}
    source = pa.table({name: pa.array(texts, pa.string()) for name, texts in cells.items()})
    outcome = run(body, {"Rows": source}, engine)
    assert {(row["row"], row["reason"]) for row in outcome.rows_left} == {("#4", "repeat:again")}


def test_identifier_parts_do_not_run_together(engine):
    body = """
tables: {Out: {from: Rows, fields: {Key: {identifier: [A, B], length: 12}, Value: V}}}
retired: {Rows: {A: the key, B: the key}}
"""
    source = "A | B | V\nab | c | 1\na | bc | 2\nabc | | 3\n | abc | 4\n"
    keys = column(run(body, {"Rows": source}, engine), "Out", "Key")
    assert len(set(keys)) == 4 and {len(key) for key in keys} == {12}


def test_two_rows_with_one_primary_key_are_never_published(engine):
    body = "tables: {Parent: {from: Rows, fields: {Key: A, Value: B}}}"
    with pytest.raises(BooksError) as raised:
        run(body, {"Rows": "A | B\nsecret | 1\nsecret | 2\n"}, engine)
    assert raised.value.code == "identifier-clash" and "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "identifier",
    ["{identifier: []}", "{identifier: [A], length: 4, prefix: C}", "{identifier: [A], length: 65}"],
)
def test_identifiers_that_could_not_tell_rows_apart_are_refused(identifier):
    with pytest.raises(DescriptionError):
        read(f"tables: {{Out: {{from: Rows, fields: {{Key: {identifier}}}}}}}")


# -- parameters ------------------------------------------------------------------------------------


def test_parameters(engine):
    body = """
parameters:
  given: {}
  fixed: {default: f}
  same: {default: {parameter: given}}
  common: {default: {most_common: Rows.A}}
  early: {default: {earliest: [Rows.B, Rows.C]}}
  late: {default: {latest: [Rows.B, Rows.C]}}
  start: {default: {month_start: {earliest: [Rows.B, Rows.C]}}}
  end: {default: {month_end: {latest: [Rows.B, Rows.C]}}}
tables:
  Out:
    from: nothing
    fields:
      Key: {parameter: given}
      Value: {join: [{parameter: fixed}, {parameter: same}, {parameter: common}], with: ' '}
      Other: {join: [{parameter: early}, {parameter: late}], with: ' '}
      Third: {join: [{parameter: start}, {parameter: end}], with: ' '}
retired: {Rows: {"*": only looked at}}
"""
    source = "A | B | C\nx | 14/06/2016 | 2016-02-30\ny | | 2016-02-29\ny | 2016-05-01 | never\n | |\n"
    row = run(body, {"Rows": source}, engine, parameters={"given": "it's"}).tables["Out"][0]
    assert row == {
        "Key": "it's",
        "Value": "f it's y",
        "Other": "2016-02-29 2016-06-14",
        "Third": "2016-02-01 2016-06-30",
    }
