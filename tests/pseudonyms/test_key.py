"""Keys that can be guessed, are seen or would be published, and pseudonyms that agree."""

from __future__ import annotations

import os
import secrets

import pytest

from idbmigrate.errors import UsageError
from idbmigrate.pseudonyms import load_key

GOOD = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef9f8e7d6c5b4a3921"


def written(tmp_path, text, mode=0o600):
    path = tmp_path / "key.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "a" * 64,
        "ab" * 32,
        GOOD[:16] * 4,
        GOOD[:31],
        "0123456789" * 4,
        bytes(range(40)),
        b"a" * 5000,
    ],
    ids=range(9),
)
def test_a_key_that_can_be_guessed_is_refused_and_not_shown(text, tmp_path):
    with pytest.raises(UsageError) as caught:
        load_key(written(tmp_path, text))
    assert caught.value.code == "bad-option" and "key" in str(caught.value)
    assert len(text) < 6 or str(text) not in str(caught.value)


def test_keys_of_chance_are_taken_in_each_writing(tmp_path):
    for _ in range(50):
        for text in (secrets.token_hex(16), secrets.token_urlsafe(32), secrets.token_bytes(48).strip() * 1):
            if len(text) >= 32:
                load_key(written(tmp_path, text))


def test_a_key_in_the_output_folder_is_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    path = written(out, GOOD)
    (tmp_path / "link.txt").symlink_to(path)
    for name in (path, tmp_path / "link.txt"):
        with pytest.raises(UsageError, match="output folder"):
            load_key(name, out)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_who_may_read_the_key_is_told(tmp_path):
    told: list[str] = []
    load_key(written(tmp_path, GOOD, 0o644), notice=told.append)
    assert len(told) == 1 and "chmod 600" in told[0]
    load_key(written(tmp_path, GOOD), notice=told.append)
    assert len(told) == 1


def test_pseudonyms_agree_by_key_kind_scope_and_text_alone(tmp_path):
    key, again = load_key(written(tmp_path, GOOD)), load_key(written(tmp_path, GOOD + "\n"))
    other = load_key(written(tmp_path, GOOD[::-1]))
    given = [
        ("a", "b", "c"),
        ("ab", "", "c"),
        ("a", "", "bc"),
        ("", "ab", "c"),
        ("a", "b", "d"),
        ("abc", "", ""),
    ]
    made = [key.pseudonym(*each) for each in given]
    assert made == [again.pseudonym(*each) for each in given] and key.id == again.id
    assert len({*made, *(other.pseudonym(*each) for each in given)}) == 2 * len(given)
    assert GOOD not in repr(key) and key.id != other.id
