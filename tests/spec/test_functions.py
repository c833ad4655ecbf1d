"""Every function, drawn: what it gives, and why it gives nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.spec.small import holds, run

TABLES = {
    "{date: A}": """
        A                     | gives      | why A
        2016-06-14            | 2016-06-14 |
        14/06/2016            | 2016-06-14 |
        2016-06-14 09:30:00   | 2016-06-14 |
        2016-06-14T09:30      | 2016-06-14 |
        14/06/2016 09:30:15.5 | 2016-06-14 |
        ' 2016-06-14 '        | 2016-06-14 |
        2016-02-29            | 2016-02-29 |
        2015-02-29            |            | bad-format
        29/02/2015            |            | bad-format
        2000-02-29            | 2000-02-29 |
        1900-02-29            |            | bad-format
        2016-04-31            |            | bad-format
        2016-12-31            | 2016-12-31 |
        2016-00-10            |            | bad-format
        2016-13-10            |            | bad-format
        2016-01-00            |            | bad-format
        06/14/2016            |            | bad-format
        1/6/2016              |            | bad-format
        2016-06-14 24:00      |            | bad-format
        2016-06-14x           |            | bad-format
        20160614              |            | bad-format
        ٢٠١٦-٠٦-١٤            |            | bad-format
        '  '                  |            | empty-text
                              |            |
    """,
    "{time: A}": """
        A                       | gives    | why A
        09:30:15                | 09:30:15 |
        09:30                   | 09:30:00 |
        00:00                   | 00:00:00 |
        23:59:59                | 23:59:59 |
        09:30:15.250            | 09:30:15 |
        2016-06-14 09:30:15     | 09:30:15 |
        2016-06-14T09:30        | 09:30:00 |
        14/06/2016 09:30:15     | 09:30:15 |
        14/06/2016 09:30        | 09:30:00 |
        1899-12-30              | 00:00:00 |
        2016-06-14              |          | bad-format
        31/02/2016 09:30        |          | bad-format
        24:00                   |          | bad-format
        09:60                   |          | bad-format
        9:30                    |          | bad-format
    """,
    "{time_of_day: A}": """
        A                   | gives    | why A
        2016-06-14 09:30:15 | 09:30:15 |
        2016-06-14T09:30    | 09:30:00 |
        2016-06-14          |          | condition
        1899-12-30          |          | condition
        09:30:15            |          | condition
        2016-02-31 09:30:00 |          | condition
    """,
    "{month: A}": """
        A          | gives   | why A
        2016-06    | 2016-06 |
        2016/06    | 2016-06 |
        06/2016    | 2016-06 |
        2016-06-14 | 2016-06 |
        14/06/2016 | 2016-06 |
        2016-13    |         | bad-format
        00/2016    |         | bad-format
        2015-02-29 |         | bad-format
    """,
    "{month_start: A}": """
        A          | gives      | why A
        2016-02-29 | 2016-02-01 |
        14/06/2016 | 2016-06-01 |
        2016-02-30 |            | bad-format
    """,
    "{month_end: A}": """
        A          | gives      | why A
        2016-02-03 | 2016-02-29 |
        2015-02-03 | 2015-02-28 |
        1900-02-03 | 1900-02-28 |
        2000-02-03 | 2000-02-29 |
        04/04/2016 | 2016-04-30 |
        2016-12-01 | 2016-12-31 |
        2016-02-30 |            | bad-format
    """,
    "{timestamp: [A, B]}": """
        A                | B        | gives               | why A      | why B
        2016-06-14       | 09:30    | 2016-06-14T09:30:00 |            |
        14/06/2016       | 09:30:15 | 2016-06-14T09:30:15 |            |
        2016-06-14       |          | 2016-06-14T00:00:00 |            |
        2016-06-14       | 25:00    | 2016-06-14T00:00:00 |            | bad-format
        2016-06-31       | 09:30    |                     | bad-format | bad-format
        2016-06-31       | 25:00    |                     | bad-format | bad-format
                         | 09:30    |                     |            | condition
    """,
    "{local_timestamp: [A, B]}": """
        A          | B        | gives                     | why B
        2016-01-14 | 09:30    | 2016-01-14T09:30:00+00:00 |
        2016-06-14 | 09:30    | 2016-06-14T09:30:00+01:00 |
        2016-06-14 |          | 2016-06-14T00:00:00+01:00 |
        2016-03-27 | 00:59:59 | 2016-03-27T00:59:59+00:00 |
        2016-03-27 | 01:00    |                           | skipped-hour
        2016-03-27 | 01:59:59 |                           | skipped-hour
        2016-03-27 | 02:00    | 2016-03-27T02:00:00+01:00 |
        2016-10-30 | 01:30    | 2016-10-30T01:30:00+01:00 |
        2017-03-27 | 01:30    | 2017-03-27T01:30:00+01:00 |
        2016-10-30 | 00:59:59 | 2016-10-30T00:59:59+01:00 |
        2016-10-30 | 02:00    | 2016-10-30T02:00:00+00:00 |
        2016-06-14 | noon     | 2016-06-14T00:00:00+01:00 | bad-format
    """,
    "{number: A}": """
        A              | gives       | why A
        7              | 7           |
        7.0            | 7           |
        12345678901    | 12345678901 |
        12345678901.00 | 12345678901 |
        007            | 7           |
        000            | 0           |
        7.5            |             | bad-format
        -7             |             | bad-format
        1e3            |             | bad-format
        seven          |             | bad-format
    """,
    "{number: A, decimals: 2}": """
        A     | gives | why A
        2     | 2.0   |
        2.5   | 2.5   |
        2.55  | 2.55  |
        007.50 | 7.50 |
        0.5   | 0.5   |
        0     | 0.0   |
        10    | 10.0  |
        2.555 |       | bad-format
        .5    |       | bad-format
    """,
    "{pad: A, to: 3}": """
        A    | gives | why A
        7    | 007   |
        007  | 007   |
        0007 | 0007  |
        7a   | 7a    |
    """,
    "{upper: A}": """
        A     | gives | why A
        ab1   | AB1   |
        é ö   | É Ö   |
        straße | STRAẞE |
    """,
    "{remove: A, of: [spaces, punctuation]}": """
        A           | gives | why A
        a-b c.d/e   | abcde |
        "O'Brien"   | OBrien |
    """,
    "{remove: A, of: spaces}": """
        A     | gives | why A
        a - b | a-b   |
    """,
    "{part: A, from: 2, length: 3}": """
        A     | gives | why A
        abcdef | bcd  |
        ab    | b     |
        éàüö  | àüö   |
        a     |       | condition
    """,
    "{matching: A, pattern: '[A-Z]{2}[0-9]+'}": """
        A      | gives | why A
        AB12   | AB12  |
        xAB12  |       | bad-format
        AB12x  |       | bad-format
        AB     |       | bad-format
    """,
    "{matching: A, pattern: 'A|BC'}": """
        A      | gives | why A
        BC     | BC    |
        AC     |       | bad-format
        ABC    |       | bad-format
    """,
    "{icd10: A}": """
        A      | gives  | why A
        F32.1  | F321   |
        f32    | F329   |
        F99    | F99X   |
        f.03   | F03X   |
        W19    | W199   |
        F32X   | F32X   |
        FO2.O  | F020   |
        ' F 41.1' | F411 |
        O12    | O129   |
        O13    | O13X   |
        F3     |        | bad-format
        321    |        | bad-format
        depression |    | bad-format
    """,
    "{postcode: A}": """
        A        | gives    | why A
        ls14ap   | LS1 4AP  |
        LS1 4AP  | LS1 4AP  |
        SW1A 1AA | SW1A 1AA |
        M11AE    | M1 1AE   |
        LS1      |          | bad-format
        nowhere  |          | bad-format
    """,
    "{nhs_number: A}": """
        A              | gives      | why A
        9434765919     | 9434765919 |
        943 476 5919   | 9434765919 |
        943-476-5919   | 9434765919 |
        9434765918     |            | bad-format
        943476591      |            | bad-format
        94347659190    |            | bad-format
        943476591X     |            | bad-format
        0000000000     | 0000000000 |
    """,
    "{join: [A, B], with: '-'}": """
        A | B | gives | why A | why B
        x | y | x-y   |       |
        x |   | x     |       |
          | y | y     |       |
          |   |       |       |
    """,
    "{join: [A, {date: B}]}": """
        A | B          | gives       | why A | why B
        x | 2016-06-14 | x2016-06-14 |       |
        x | never      | x           |       | bad-format
          | never      |             |       | bad-format
    """,
    "{first_of: [A, {date: B}, C]}": """
        A | B          | C | gives      | why A | why B      | why C
        x | 2016-06-14 | z | x          |       | superseded | superseded
          | 2016-06-14 | z | 2016-06-14 |       |            | superseded
          | never      | z | z          |       | bad-format |
        x |            | x | x          |       |            |
          |            |   |            |       |            |
    """,
    "{link: A, tells: {first_of: [B, C]}}": """
        A | B | C | gives | why A | why B | why C
        x | p | p | x     |       |       |
        x | p | q | x     |       |       | superseded
        x |   | q | x     |       |       |
        x | p |   | x     |       |       |
    """,
    "{link: A, tells: {date: B}}": """
        A | B          | gives | why B
        x | 2016-06-14 | x     |
        x | never      | x     | bad-format
    """,
    "{constant: 'a ''quoted'' text'}": """
        gives           | X
        "a 'quoted' text" |
    """,
    "{when: {value: A, is: '1'}, then: B, otherwise: C}": """
        A | B | C | gives | why B     | why C
        1 | b | c | b     |           | superseded
        2 | b | c | c     | superseded |
          | b | c | c     | superseded |
        1 |   | c |       |           | condition
    """,
    "{when: {value: A, is: '1'}, then: {date: B}}": """
        A | B     | gives | why B
        1 | never |       | bad-format
        2 | never |       | condition
    """,
    "{cases: [{when: {value: A, is: '1'}, then: B}, {when: {present: A}, then: C}], otherwise: D}": """
        A | B | C | D | gives | why B     | why C     | why D
        1 | b | c | d | b     |           | superseded | superseded
        2 | b | c | d | c     | superseded |           | superseded
          | b | c | d | d     | superseded | superseded |
    """,
}


@pytest.mark.parametrize("expression", TABLES)
def test_gives(expression, engine):
    # Inputs that only decide are not carried: the mapping says so.
    decides = "when" in expression or "constant" in expression
    retired = "retired: {Rows: {A: decides, X: unused}}\n" if decides else ""
    holds(expression, TABLES[expression], engine, sections=retired)


def test_every_function_is_drawn_here():
    from idbmigrate.mapping.functions import FUNCTIONS

    drawn = {expression.strip("{").partition(":")[0] for expression in TABLES}
    assert not set(FUNCTIONS) - drawn


LONG = "é" * 70_000
ODD = [
    "O'Brien",
    'say "so"',
    "back\\slash",
    "50%_",
    "tab\tin\nline",
    "odd\u200b\u202eodd",
    "日本語",
    "😀👩‍👩‍👧",
    "e\u0301",
    "$1 ${x} {A} ?",
    "NULL",
    "-- x; DROP TABLE a",
    LONG,
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_texts_arrive_as_they_were(text, engine):
    """As a value, as a constant and as a code."""
    source = pa.table({"KEY": ["1"], "A": [text]})
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    body = f"""
tables:
  Out:
    from: Rows
    fields:
      Key: KEY
      Value: A
      Other: {{constant: "{quoted}"}}
      Third: {{lookup: l, of: A}}
lookups:
  l:
    unknown: reject
    rows: [{{from: "{quoted}", to: found, confidence: confirmed}}]
"""
    if text is LONG or "\u202e" in text:  # mapping files keep to shorter and visible texts
        body = "tables: {Out: {from: Rows, fields: {Key: KEY, Value: A}}}"
    row = run(body, {"Rows": source}, engine).tables["Out"][0]
    assert row["Value"] == text
    if "Other:" in body:
        assert (row["Other"], row["Third"]) == (text, "found")


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0", "\u2003 \n"])
def test_white_space_alone_is_missing(blank, engine):
    outcome = run(
        "tables: {Out: {from: Rows, fields: {Key: KEY, Value: A}}}",
        {"Rows": pa.table({"KEY": ["1"], "A": [blank]})},
        engine,
    )
    assert outcome.tables["Out"][0]["Value"] is None
    assert outcome.why() == {("#1", "A"): "empty-text"}
    assert outcome.left[0]["value"] == blank


def test_offsets_are_those_of_the_time_zone_database(engine):
    import datetime as dt
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        london = ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database")
    moments = [
        dt.datetime(year, month, day, hour)
        for year in range(1998, 2036)
        for month in (3, 10)
        for day in range(24, 32)
        for hour in (0, 1, 2, 3)
    ]
    source = pa.table(
        {
            "KEY": [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in moments],
            "A": [f"{moment:%Y-%m-%d}" for moment in moments],
            "B": [f"{moment:%H:%M}" for moment in moments],
        }
    )
    body = "tables: {Out: {from: Rows, fields: {Key: KEY, Value: {local_timestamp: [A, B]}}}}"
    made = {row["Key"]: row["Value"] for row in run(body, {"Rows": source}, engine).tables["Out"]}
    for moment in moments:
        there = moment.replace(tzinfo=london)  # of an hour that comes twice the first
        exists = there.astimezone(dt.timezone.utc).astimezone(london).replace(tzinfo=None) == moment
        assert made[f"{moment:%Y-%m-%dT%H:%M:%S}"] == (there.isoformat() if exists else None)
