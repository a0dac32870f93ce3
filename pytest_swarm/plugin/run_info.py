"""What is written down of a run at its start: versions, machine, backend, options, and the command to reproduce it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import RunInfo
from pytest_swarm.ollama.address import without_account
from pytest_swarm.plugin.options import ROWS
from pytest_swarm.telemetry.nvml import NoGpu

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.plugin.settings import Settings

_PACKAGES: Final = (
    "pytest-swarm-router",
    "pytest",
    "cvxpy",
    "highspy",
    "numpy",
    "ollama",
    "httpx",
    "pytest-xdist",
    "pytest-benchmark",
)


def run_info(name: str, *, settings: Settings, resources: Resources, arguments: Sequence[str]) -> RunInfo:
    """Return the RunInfo of a session.

    Args:
        name: The run's name.
        settings: The session's settings.
        resources: The session's fleet, backend and GPU.
        arguments: The command line of pytest.
    """
    backend = resources.backend
    return RunInfo(
        run=name,
        started_ts_ms=round(time.time() * 1000.0, 3),
        backend=backend.kind,
        backend_detail=backend.detail,
        simulated=backend.simulated,
        profile=backend.profile_name,
        fleet=resources.fleet,
        seed=settings.seed,
        versions={"python": platform.python_version(), **_versions()},
        machine=_machine(resources),
        options=settings.given,
        command=("pytest", *map(without_account, reproducing(arguments))),
        model_digests=resources.model_digests,
    )


def reproducing(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that reproduce a run: without the options whose rows say that they do not belong to it."""
    left_out = {row.flag: row for row in ROWS if not row.reproduces}
    value_may_follow = False
    for argument in arguments:
        is_value = value_may_follow and not argument.startswith("-")
        row = left_out.get(argument.partition("=")[0])
        value_may_follow = row is not None and "=" not in argument
        if row is None and not is_value:
            yield argument


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _machine(resources: Resources) -> dict[str, str]:
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or "unknown"),
        "gpu": _gpu(resources),
    }


def _gpu(resources: Resources) -> str:
    """The GPUs that are measured, or why none is."""
    if not resources.backend.live:
        return "not measured: no real server is called"
    if not resources.backend.is_local:
        return "not measured: the server is on another machine"
    found = resources.found_gpu
    return f"not measured: {found.reason}" if isinstance(found, NoGpu) else ", ".join(found.names)
