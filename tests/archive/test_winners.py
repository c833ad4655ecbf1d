"""Which submission wins, against a plain account of the rule: try everything that the unknown may be."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import permutations, product
from pathlib import Path

import pytest

from idbmigrate.archive.model import Submission
from idbmigrate.archive.winners import decide


def submission(name: str, **facts) -> Submission:
    plain = {
        "dataset": "iapt-1.5",
        "edition": "1.5",
        "provider": "RX1",
        "period": "2016-04",
        "kind": "primary",
        "evidence": {},
        "places": (f"{name}.mdb",),
        "tables": {"Person": 1},
        "staged": Path(name),
        "cells": name,
        "modified": None,
        "readable": True,
        "problem": None,
    }
    return Submission(sha256=name, **{**plain, **facts})


def at(day: int) -> datetime:
    return datetime(2016, 5, day)


def fates(files, refused=None) -> dict[str, tuple[str, str | None]]:
    return {each.submission.sha256: (each.fate, each.by) for each in decide(files, refused)}


def test_the_refresh_replaces_the_primary_whatever_their_times():
    found = fates([submission("p", modified=at(9)), submission("r", kind="refresh", modified=at(2))])
    assert found == {"p": ("superseded", "r"), "r": ("wins", None)}


def test_a_month_may_have_a_refresh_only():
    assert fates([submission("r", kind="refresh")]) == {"r": ("wins", None)}


def test_of_two_of_a_kind_the_later_and_without_times_nobody():
    first, second = submission("a", modified=at(1)), submission("b", modified=at(2))
    assert fates([first, second]) == {"a": ("superseded", "b"), "b": ("wins", None)}
    for other in (submission("b"), submission("b", modified=at(1))):
        assert {fate for fate, _ in fates([first, other]).values()} == {"undecided"}


def test_one_that_the_centre_would_reject_replaces_none_that_it_would_accept():
    files = [submission("p", modified=at(1)), submission("r", kind="refresh", modified=at(3))]
    assert fates(files, {"r": "no patients"}) == {"p": ("wins", None), "r": ("superseded", "p")}
    assert fates(files, {"r": "no patients", "p": "no patients"})["r"] == ("wins", None)


def test_the_same_content_counts_once_also_as_primary_and_refresh():
    files = [submission("a", cells="x"), submission("b", cells="x", kind="refresh")]
    assert fates(files) == {"a": ("wins", None), "b": ("copy", "a")}


def test_a_copy_without_a_kind_does_not_tell_what_it_was_sent_as():
    files = [submission("a", cells="x", kind=None), submission("b", cells="x", kind="refresh")]
    assert fates(files) == {"a": ("copy", "b"), "b": ("wins", None)}
    found = fates([*files, submission("c")])  # a may have been a primary, earlier or later than c
    assert found == {"a": ("copy", "b"), "b": ("undecided", None), "c": ("undecided", None)}


def test_the_same_content_under_two_months_or_providers_is_a_question():
    files = [submission("a", cells="x"), submission("b", cells="x", period="2016-05"), submission("c")]
    found = fates(files)
    assert found["a"][0] == found["b"][0] == "undecided"
    assert found["c"] == ("wins", None)


def test_other_providers_months_and_data_sets_do_not_compete():
    files = [
        submission("a"),
        submission("b", provider="RX2"),
        submission("c", period="2016-05"),
        submission("d", dataset="iapt-ltc-1.5.4"),
    ]
    assert {fate for fate, _ in fates(files).values()} == {"wins"}


@pytest.mark.parametrize("lacking", ["provider", "period"])
def test_a_file_of_nobody_knows_whom_or_when_is_a_question(lacking):
    (found,) = decide([submission("a", **{lacking: None}, evidence={lacking: "two are named"})])
    assert found.fate == "undecided"
    assert "two are named" in found.why


def test_the_user_may_take_a_file_out():
    files = [submission("a"), submission("b", decided={"use": "no"})]
    assert fates(files) == {"a": ("wins", None), "b": ("set-aside", None)}


def test_a_broken_file_wins_nothing():
    files = [submission("a", kind="refresh", readable=False, problem="cut off", cells=""), submission("b")]
    assert fates(files) == {"a": ("unreadable", None), "b": ("wins", None)}


# -- the plain account -----------------------------------------------------------------------------


def winner_by_trying(files: list[Submission], refused: set[str]) -> str | None:
    """The file that is last in every world: each with kinds for those without, and an order of times."""
    winners = set()
    for kinds in product(*[[file.kind] if file.kind else ["primary", "refresh"] for file in files]):
        for order in permutations(range(len(files))):  # order[n]: when the n-th was sent
            if any(
                a.modified
                and b.modified
                and a.modified != b.modified
                and (a.modified < b.modified) != (order[n] < order[m])
                for n, a in enumerate(files)
                for m, b in enumerate(files)
                if n != m
            ):
                continue
            best = max(
                range(len(files)),
                key=lambda n: (files[n].sha256 not in refused, kinds[n] == "refresh", order[n]),
            )
            winners.add(files[best].sha256)
    return winners.pop() if len(winners) == 1 else None


@pytest.mark.parametrize("seed", range(150))
def test_as_trying_everything_says_and_in_every_order(seed):
    draw = random.Random(seed)
    files = [
        submission(
            name,
            kind=draw.choice(["primary", "refresh", None]),
            modified=draw.choice([None, at(1), at(2), at(3)]),
        )
        for name in "abcd"[: draw.randint(1, 4)]
    ]
    refused = {file.sha256: "why" for file in files if draw.random() < 0.3}
    expected = winner_by_trying(files, set(refused))
    decisions = decide(files, refused)
    won = [each.submission.sha256 for each in decisions if each.fate == "wins"]
    assert won == ([expected] if expected else [])
    assert {each.fate for each in decisions} <= ({"wins", "superseded"} if expected else {"undecided"})
    assert all(each.by == expected for each in decisions if each.fate == "superseded")
    for order in permutations(files):
        assert decide(order, refused) == decisions
