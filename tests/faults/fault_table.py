"""The fault matrix: all rows, by the place where the fault is put in."""

from __future__ import annotations

from typing import Final

from tests.faults import (
    file_faults,
    limit_faults,
    planner_faults,
    process_faults,
    reply_faults,
    server_faults,
    session_faults,
)
from tests.faults.fault_case import FaultCase, Place

_ROOMS: Final = (
    server_faults,
    reply_faults,
    planner_faults,
    session_faults,
    process_faults,
    file_faults,
    limit_faults,
)
FAULT_CASES: Final[tuple[FaultCase, ...]] = tuple(
    sorted((row for room in _ROOMS for row in room.rows()), key=lambda row: list(Place).index(row.place))
)
