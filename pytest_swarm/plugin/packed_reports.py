"""The reports of tests on their way from a worker of xdist to its controller: one value each.

execnet, which carries them, writes and reads a report entry by entry in Python: each keyword, each property of a job.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

PACKED: Final = "swarm_packed"
"""The entry that holds a report; in what a controller tells its workers, the form that it reads."""
FORM: Final = [*sys.version_info[:2], marshal.version]
"""Python promises to read marshal's bytes in the same version only."""
_REPEATED: Final = ("nodeid", "location", "keywords", "user_properties")


class PackedReports:
    """Packs the reports that a worker sends. Registered as a plugin of a worker whose controller reads this form."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # around what other plugins put into a report
    def pytest_report_to_serializable(self) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Return a test's report as one entry; as it is where it holds what only execnet knows how to refuse."""
        data = yield
        if data is None or data.get("$report_type") != "TestReport":
            return data
        try:
            return {PACKED: marshal.dumps(data)}
        except ValueError:
            return data


class UnpackedReports:
    """Unpacks what the workers sent. The terminal keeps the three reports of each test until the run ends."""

    def __init__(self) -> None:
        self._running: dict[str, dict[str, Any]] = {}
        """By the ID of each test that runs: the entries of its last report."""

    def unpack(self, data: dict[str, Any]) -> None:
        """Put the entries of a packed report in the place of the one that holds them.

        What a test's report before it says too is the same object, and so are names that all tests share: nothing else
        of a job needs as much memory.

        Args:
            data: A report as it came from a worker.
        """
        packed = data.pop(PACKED, None)
        if packed is None:
            return
        report: dict[str, Any] = marshal.loads(packed)
        test = report["nodeid"] = sys.intern(report["nodeid"])
        report["keywords"] = {sys.intern(name): value for name, value in report["keywords"].items()}
        report["user_properties"] = [(_interned(name), value) for name, value in report["user_properties"]]
        before = self._running.pop(test, {})
        report |= {name: before[name] for name in _REPEATED if name in before and before[name] == report.get(name)}
        if report["when"] != "teardown":
            self._running[test] = report
        data |= report


def _interned(name: object) -> object:
    return sys.intern(name) if isinstance(name, str) else name
