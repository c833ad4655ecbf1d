"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of shared material beside the checkout: data set facts and outside test files."""
    folder = Path(os.environ.get("IDBMIGRATE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no ../shared folder: set IDBMIGRATE_SHARED to the folder of outside test files")
    return folder


@pytest.fixture(scope="session")
def sample_idb() -> Path:
    """The folder of small Access files that ``idbmigrate sample`` wrote."""
    return ROOT / "sample_idb"
