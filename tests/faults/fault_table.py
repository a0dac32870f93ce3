"""The fault matrix: all rows, by the place where the fault is put in."""

from __future__ import annotations

from tests.faults import reply_faults, server_faults
from tests.faults.fault_case import FaultCase

FAULT_CASES: tuple[FaultCase, ...] = (*server_faults.rows(), *reply_faults.rows())
