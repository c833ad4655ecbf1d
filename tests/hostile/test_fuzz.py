"""A short, seeded part of what ``make fuzz`` does."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.target import load_seeds, one_input

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(8))
def test_patched_files_give_rows_or_an_error_of_ours(seed):
    seeds = load_seeds()
    if not seeds:
        pytest.skip("sample_idb holds no file yet")
    dice = random.Random(seed)
    rows = 0
    for _ in range(40):
        patches = dice.choice([1, 2, 8, 60])
        rows += one_input(seeds, dice.randbytes(1 + 5 * patches))
    assert rows  # patches that leave nothing to read would test nothing
