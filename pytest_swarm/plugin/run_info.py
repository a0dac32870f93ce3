"""What is written down of a run at its start: versions, machine, backend, options, and the command to reproduce it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import RunInfo
from pytest_swarm.ollama.address import host_as_written, without_secrets
from pytest_swarm.plugin.options import ROWS, Options
from pytest_swarm.telemetry.nvml import NoGpu
from pytest_swarm.units import now_ms

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources

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

_ENVIRONMENT: Final = (
    "OLLAMA_HOST",
    "OLLAMA_NUM_PARALLEL",
    "OLLAMA_MAX_LOADED_MODELS",
    "OLLAMA_MAX_QUEUE",
    "OLLAMA_KEEP_ALIVE",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_KV_CACHE_TYPE",
    "OLLAMA_CONTEXT_LENGTH",
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "PYTHONHASHSEED",
    "CI",
)
"""The variables of the environment that a run writes down. Any other may be a secret."""
_LONGEST_VARIABLE: Final = 200  # characters
_HOST: Final = re.compile(rf".*?({Options.host.flag}|{Options.host.dest})\s*=\s*", re.DOTALL)
"""The option with its value, or the ini value, which pytest takes as `-oNAME=VALUE`, `--override-ini=NAME=VALUE` ..."""


def run_info(name: str, resources: Resources, *, arguments: Sequence[str]) -> RunInfo:
    """Return the RunInfo of a session.

    Args:
        name: The run's name.
        resources: The session's settings, fleet, backend and GPU.
        arguments: The command line of pytest.
    """
    backend, settings = resources.backend, resources.settings
    return RunInfo(
        run=name,
        started_ts_ms=now_ms(),
        backend=backend.kind,
        backend_detail=backend.detail,
        simulated=backend.simulated,
        profile=backend.profile_name,
        fleet=resources.planned_fleet,
        estimates=resources.estimates.info,
        seed=settings.seed,
        versions={"python": platform.python_version(), **_versions()},
        machine=_machine(resources),
        options=settings.given,
        command=("pytest", *_without_secrets(reproducing(arguments))),
        model_digests=resources.model_digests,
        host=None if len(settings.hosts) > 1 else resources.called.host,
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


def _without_secrets(arguments: Iterator[str]) -> Iterator[str]:
    """Yield the arguments without what may be secret in the address of a server, or in any other URL."""
    host_follows = False
    for argument in arguments:
        found = _HOST.match(argument)
        if host_follows:
            yield host_as_written(argument)
        elif found is not None:
            yield f"{found[0]}{host_as_written(argument[found.end() :])}"
        else:
            yield without_secrets(argument)
        host_follows = argument == Options.host.flag


def _environment() -> dict[str, str]:
    """Return the variables of the environment that tell how a server or this process runs, and no others."""
    found = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    if "OLLAMA_HOST" in found:
        found["OLLAMA_HOST"] = host_as_written(found["OLLAMA_HOST"])
    return {name: text[:_LONGEST_VARIABLE] for name, text in found.items()}


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _machine(resources: Resources) -> dict[str, str]:
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or "unknown"),
        "gpu": _gpu(resources),
        **_environment(),
    }


def _gpu(resources: Resources) -> str:
    """The GPUs that are measured, or why none is."""
    if not resources.backend.live:
        return "not measured: no real server is called"
    if not resources.backend.is_local:
        return "not measured: the server is on another machine"
    found = resources.inputs.gpu.found
    return f"not measured: {found.reason}" if isinstance(found, NoGpu) else ", ".join(found.names)
