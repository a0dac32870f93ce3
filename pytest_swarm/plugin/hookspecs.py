"""Hooks that a conftest.py or another plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord
    from pytest_swarm.routing.base import RouterFactory


@pytest.hookspec
def pytest_swarm_routers(config: pytest.Config) -> Mapping[str, RouterFactory]:
    """Routing modes of your own: name -> factory, which takes a RouterSetup and gives a Router."""
    raise NotImplementedError


@pytest.hookspec
def pytest_swarm_run_finished(record: JobRecord) -> None:
    """Called after each job, with everything that happened in it."""


@pytest.hookspec
def pytest_swarm_report_context(context: dict[str, object]) -> None:
    """Called before the HTML page is rendered: add names for a template of your own."""


@pytest.hookspec(firstresult=True)
def pytest_swarm_report_template() -> str | None:
    """The path of a Jinja2 template for the HTML page, in place of the shipped one."""
