"""What is written down of the circumstances of a run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import RunInfo
from pytest_swarm.ollama.address import without_account

if TYPE_CHECKING:
    from pytest_swarm.plugin.session import SwarmSession

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


def run_info(session: SwarmSession, name: str) -> RunInfo:
    """The RunInfo of this session."""
    backend = session.backend
    return RunInfo(
        run=name,
        started_ts_ms=round(time.time() * 1000.0, 3),
        backend=backend.kind,
        backend_detail=backend.detail,
        simulated=backend.simulated,
        profile=backend.profile_name,
        fleet=session.fleet,
        seed=session.settings.seed,
        versions={"python": platform.python_version(), **_versions()},
        machine=_machine(session),
        options=session.settings.given,
        command=("pytest", *(without_account(str(each)) for each in session.config.invocation_params.args)),
    )


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _machine(session: SwarmSession) -> dict[str, str]:
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or "unknown"),
        "gpu": _gpu(session),
    }


def _gpu(session: SwarmSession) -> str:
    """The GPUs that are measured, or why none is."""
    if not session.backend.live:
        return "not measured: no real server is called"
    if not session.backend.is_local:
        return "not measured: the server is on another machine"
    gpu = session.gpu
    return "not measured: NVML finds no NVIDIA GPU here" if gpu is None else ", ".join(gpu.names)
