"""Hooks that a conftest.py or another plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec


@pytest.hookspec
def pytest_swarm_routers(config: pytest.Config) -> Mapping[str, RouterFactory | ModeSpec]:
    """Return routing modes of your own: name to factory (RouterSetup to Router), or name to ModeSpec."""
    raise NotImplementedError


@pytest.hookspec
def pytest_swarm_run_finished(record: JobRecord) -> None:
    """Called after each job, in the process that ran it, with everything that happened in it."""


@pytest.hookspec
def pytest_swarm_report_context(context: dict[str, object]) -> None:
    """Called before the HTML page is rendered: append to `context["sections"]`, or add names for a template."""


@pytest.hookspec(firstresult=True)
def pytest_swarm_report_template() -> str | None:
    """The path of a Jinja2 template for the HTML page, in place of the shipped one."""
