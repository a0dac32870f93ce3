"""What each test of this room cleans up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.execution.measuring import OPENED


@pytest.fixture(autouse=True)
def closed_stores() -> Iterator[None]:
    """Close the stores of the test's labs: Python tells of an open one where it is collected, from 3.13 on."""
    yield
    while OPENED:
        OPENED.pop().close()
