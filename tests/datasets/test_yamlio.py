"""The strict YAML subset: what stays text, what is refused, and where errors point."""

from __future__ import annotations

from unittest import mock

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from idbmigrate.documents import yaml as yamlio
from idbmigrate.errors import DescriptionError, UsageError


def test_every_scalar_stays_the_text_that_was_typed():
    words = ["NO", "010", "12:30", "1e3", "0x1F", "true", "2014-07-01", ".inf", "=", "x y", "<<"]
    assert yamlio.loads(f"[{', '.join(words)}]", "t") == words
    assert yamlio.loads("['~', \"null\", '']", "t") == ["~", "null", ""]


def test_only_plain_nothing_is_none():
    assert yamlio.loads("a: ~\nb: null\nc:\nd: ''\ne: Null\nf: |\n  null\n", "t") == {
        "a": None,
        "b": None,
        "c": None,
        "d": "",
        "e": "Null",
        "f": "null\n",
    }
    assert yamlio.loads("", "t") is None
    assert yamlio.loads("# only a comment\n", "t") is None


def test_keys_are_text_even_when_they_look_like_nothing():
    assert yamlio.loads("01: a\n~: b\nnull: c\n'': d\n", "t") == {"01": "a", "~": "b", "null": "c", "": "d"}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("x:\n  - {k: 1, k: 2}\n", 2, "twice"),
        ("a: 1\n'a': 2\n", 2, "twice"),
        ("a: &x 1\n", 1, "anchors"),
        ("&x a: 1\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "anchors"),
        ("a: [1]\nb: !!python/object:os.system x\n", 2, "tags"),
        ("a: !local [1]\n", 1, "tags"),
        ("a: !!str 1\n", 1, "tags"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directives"),
        ("? [a]\n: 1\n", 1, "key must be text"),
        ("? {a: 1}\n: 1\n", 1, "key must be text"),
        (": 1\n", 1, "key"),
        ("? \n: 1\n", 1, "key"),
        ("a: [1\nb: 2\n", 2, ""),
        ("a:\n\t- 1\n", 2, ""),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_with_its_line(text, line, word):
    with pytest.raises(DescriptionError) as caught:
        yamlio.loads(text, "file.yaml")
    assert caught.value.code == "yaml-syntax"
    place, _, path = caught.value.where.partition(" (")
    assert place == f"file.yaml:{line}" and path.startswith("$") == (word == "twice")
    assert word in caught.value.message


def test_control_characters_are_refused():
    with pytest.raises(DescriptionError) as caught:
        yamlio.loads(b"a: \x00\n", "file.yaml")
    assert caught.value.code == "yaml-syntax"


def test_size_depth_and_number_of_nodes_are_bounded(monkeypatch):
    for text in ("[" * 100_000, "{a: " * 100_000, "- " * 1000 + "x"):
        with pytest.raises(DescriptionError, match="deeper"):
            yamlio.loads(text, "t")
    assert yamlio.loads("[" * yamlio.MAX_DEPTH + "]" * yamlio.MAX_DEPTH, "t") is not None
    monkeypatch.setattr(yamlio, "MAX_NODES", 10)
    with pytest.raises(DescriptionError, match="more than 10"):
        yamlio.loads("[" + "1," * 10 + "]", "t")
    monkeypatch.setattr(yamlio, "MAX_BYTES", 10)
    with pytest.raises(DescriptionError, match="larger than 10"):
        yamlio.loads("a: 123456789", "t")


def test_marks_name_the_key_or_the_item(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes("\ufeffa:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n".encode())
    data, marks = yamlio.load_marked(path)
    assert data == yamlio.load(path) == {"a": {"b": "1", "c": ["x", {"d": "2"}]}}
    assert marks == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "c"): (3, 3),
        ("a", "c", 0): (4, 7),
        ("a", "c", 1): (5, 7),
        ("a", "c", 1, "d"): (5, 8),
    }


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError) as caught:
        yamlio.load(tmp_path / "none.yaml")
    assert caught.value.code == "not-found"
    with pytest.raises(UsageError) as caught:
        yamlio.load(tmp_path)
    assert caught.value.code == "not-readable"


def test_the_pure_python_parser_agrees(monkeypatch):
    text = "a: {b: [1, 'x', null]}\nc: >\n  long\n  text\n"
    fast = yamlio.loads_marked(text, "t")
    monkeypatch.setattr(yamlio, "_Parser", yaml.Loader)
    assert yamlio.loads_marked(text, "t") == fast
    with pytest.raises(DescriptionError):
        yamlio.loads("a: [1", "t")


SIGNS = (
    "? |: |- |, |[|]|{|}|'|\"|&x |*x|!t |>|#c|---|...|%YAML 1.1|null|~|a|b: "
    "|\n|  |\t|\\|\ufeff|\x85|\x00|\ud800|é"
)
PIECES = st.sampled_from([*SIGNS.split("|"), "|"])


@pytest.mark.parametrize("parser", [yamlio._Parser, yaml.Loader])
@given(text=st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=30).map("".join)))
def test_any_input_gives_data_or_the_one_error(parser, text):
    def plain(data):
        if isinstance(data, dict):
            return all(isinstance(key, str) and plain(value) for key, value in data.items())
        return all(map(plain, data)) if isinstance(data, list) else data is None or isinstance(data, str)

    with mock.patch.object(yamlio, "_Parser", parser):
        try:
            data, marks = yamlio.loads_marked(text, "t")
        except DescriptionError as error:
            assert error.code == "yaml-syntax"
        else:
            assert plain(data)
            assert all(line >= 1 and column >= 1 for line, column in marks.values())
            assert yamlio.loads(text, "t") == data
