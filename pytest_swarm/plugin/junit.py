"""The property `swarm.verdict` in JUnit XML: verdicts are known only when all tests have ended.

pytest has no public way to a test's XML after the test, so this module, and nothing else, reaches into its own plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement

from _pytest.junitxml import xml_key

if TYPE_CHECKING:
    import pytest
    from _pytest.junitxml import _NodeReporter

PROPERTY: Final = "swarm.verdict"


class JunitVerdicts:
    """Remembers the XML of each benchmark, and writes its verdict into it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reporters: dict[str, _NodeReporter] = {}

    def remember(self, report: pytest.TestReport) -> None:
        """Keep hold of a test's XML while pytest still finds it by the test's report."""
        xml = self._config.stash.get(xml_key, None)
        if xml is not None and report.when == "call":
            self._reporters[report.nodeid] = xml.node_reporter(report)

    def write(self, verdicts: Mapping[str, str]) -> None:
        """Add the verdicts, by node id."""
        for nodeid, verdict in verdicts.items():
            reporter = self._reporters.get(nodeid)
            if reporter is not None:
                _add(reporter.to_xml(), verdict)


def _add(testcase: Element, verdict: str) -> None:
    properties = testcase.find("properties")
    if properties is None:
        properties = SubElement(testcase, "properties")
    SubElement(properties, "property", name=PROPERTY, value=verdict)
