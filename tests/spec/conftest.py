"""Every test of the language runs on every engine."""

from __future__ import annotations

import pytest

from idbmigrate.engine import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    return request.param
