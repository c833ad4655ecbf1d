"""Codes that an overlay decides, and those that it may not."""

from __future__ import annotations

import pytest

from idbmigrate.datasets import load_overlay
from idbmigrate.errors import DescriptionError
from idbmigrate.mapping.load import find_mapping, load_mapping, with_overlay


def decided(tmp_path, codes: str) -> dict[str, str | None]:
    path = tmp_path / "codes.yaml"
    path.write_text(f"lookups:\n  yes_no: {codes}\n", encoding="utf-8")
    mapping = with_overlay(load_mapping(find_mapping("iapt-1.5", "iapt-2.1")), load_overlay(path))
    return {row.code: row.to for row in mapping.lookups["yes_no"].rows}


def test_what_no_means_is_decided_in_a_line(tmp_path):
    codes = decided(tmp_path, "{false: N, 0: N}")
    assert codes == {"Y": "Y", "N": "N", "TRUE": "Y", "-1": "Y", "FALSE": "N", "0": "N"}


def test_two_entries_that_clean_to_one_code_must_agree(tmp_path):
    assert decided(tmp_path, "{x: N, X: N}")["X"] == "N"
    with pytest.raises(DescriptionError, match="'X' and 'x' are one code of yes_no, 'X'") as caught:
        decided(tmp_path, "{x: N, X: Y}")
    assert caught.value.code == "overlay-invalid"
