"""pytest-swarm: which policy should decide which model runs which step of a workflow, within your VRAM?

The public names of the package, each imported when it is first used: importing pytest_swarm imports neither pytest
nor numpy. `__version__` is the version of the installed distribution.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_swarm.domain.expectation import (
        CodeCase,
        Custom,
        Exact,
        Expectation,
        JsonFields,
        Judge,
        Keywords,
        Letter,
        Number,
        PythonCode,
        Regex,
        RougeL,
        TokenF1,
        YesNo,
    )
    from pytest_swarm.domain.graph import TaskGraph
    from pytest_swarm.domain.model import Fleet, Model
    from pytest_swarm.domain.plan import Assignment, Origin, Plan, PlanStatus
    from pytest_swarm.domain.record import Case, CaseKey, JobRecord
    from pytest_swarm.domain.task import Task, TaskType
    from pytest_swarm.errors import SwarmError
    from pytest_swarm.plugin.job_runner import JobResult, SwarmRun
    from pytest_swarm.routing.base import PlanningView, Router, RouterSetup
    from pytest_swarm.routing.policy_choice import DecidedPolicy, ModelChoice, load_policy
    from pytest_swarm.workloads.build import chain, fork, join
    from pytest_swarm.workloads.fleet import load_fleet
    from pytest_swarm.workloads.graph_files import load_graph, save_graph

    __version__: str

_HOME = {
    "domain.expectation": (
        "CodeCase",
        "Custom",
        "Exact",
        "Expectation",
        "JsonFields",
        "Judge",
        "Keywords",
        "Letter",
        "Number",
        "PythonCode",
        "Regex",
        "RougeL",
        "TokenF1",
        "YesNo",
    ),
    "domain.graph": ("TaskGraph",),
    "domain.model": ("Fleet", "Model"),
    "domain.plan": ("Assignment", "Origin", "Plan", "PlanStatus"),
    "domain.record": ("Case", "CaseKey", "JobRecord"),
    "domain.task": ("Task", "TaskType"),
    "errors": ("SwarmError",),
    "plugin.job_runner": ("JobResult", "SwarmRun"),
    "routing.base": ("PlanningView", "Router", "RouterSetup"),
    "routing.policy_choice": ("DecidedPolicy", "ModelChoice", "load_policy"),
    "workloads.build": ("chain", "fork", "join"),
    "workloads.fleet": ("load_fleet",),
    "workloads.graph_files": ("load_graph", "save_graph"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Assignment",
    "Case",
    "CaseKey",
    "CodeCase",
    "Custom",
    "DecidedPolicy",
    "Exact",
    "Expectation",
    "Fleet",
    "JobRecord",
    "JobResult",
    "JsonFields",
    "Judge",
    "Keywords",
    "Letter",
    "Model",
    "ModelChoice",
    "Number",
    "Origin",
    "Plan",
    "PlanStatus",
    "PlanningView",
    "PythonCode",
    "Regex",
    "RougeL",
    "Router",
    "RouterSetup",
    "SwarmError",
    "SwarmRun",
    "Task",
    "TaskGraph",
    "TaskType",
    "TokenF1",
    "YesNo",
    "chain",
    "fork",
    "join",
    "load_fleet",
    "load_graph",
    "load_policy",
    "save_graph",
]


if not TYPE_CHECKING:  # a type checker knows the names above, and refuses a misspelled one

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name == "__version__":
            from importlib.metadata import version

            return version("pytest-swarm-router")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
