"""NVML by a stand-in for `pynvml`'s functions; where there is a real GPU, its figures against nvidia-smi's."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.domain.record import GpuProcess, GpuReading
from pytest_swarm.telemetry.nvml import open_gpu

GB = 1_000_000_000


class NVMLError(Exception):
    pass


@dataclass
class StandIn:
    """`pynvml` on a machine with these GPUs: (name, total, used, processes as (pid, bytes))."""

    gpus: list[tuple[str | bytes, int, int, list[tuple[int, int | None]]]]
    names: dict[int, str | bytes] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    open: int = 0
    NVMLError: type[Exception] = NVMLError

    def _check(self, name: str) -> None:
        if name in self.fails:
            raise NVMLError(name)

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own names
        self._check("init")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return self.gpus[handle][0]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        self._check("memory")
        return SimpleNamespace(total=self.gpus[handle][1], used=self.gpus[handle][2])

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:  # noqa: N802
        self._check("processes")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.gpus[handle][3]]

    def nvmlSystemGetProcessName(self, pid: int) -> str | bytes:  # noqa: N802
        if pid not in self.names:
            raise NVMLError("not found")
        return self.names[pid]


def two_gpus() -> StandIn:
    return StandIn(
        gpus=[(b"NVIDIA A40", 48 * GB, 9 * GB, [(7, 8 * GB)]), ("NVIDIA L4", 24 * GB, 3 * GB, [(7, GB), (8, None)])],
        names={7: b"/usr/bin/ollama"},
    )


def opened(stand_in: StandIn) -> Any:
    meter = open_gpu(stand_in)  # type: ignore[arg-type]
    assert meter is not None
    return meter


def test_several_gpus_are_one_budget_and_told_apart() -> None:
    nvml = two_gpus()
    meter = opened(nvml)
    assert meter.names == ("NVIDIA A40", "NVIDIA L4")
    assert meter.total_bytes == 72 * GB
    assert meter.totals_bytes == (48 * GB, 24 * GB)
    assert meter.read() == GpuReading(
        used_bytes=(9 * GB, 3 * GB),
        processes=(
            GpuProcess(gpu=0, pid=7, name="/usr/bin/ollama", used_bytes=8 * GB),
            GpuProcess(gpu=1, pid=7, name="/usr/bin/ollama", used_bytes=GB),
            GpuProcess(gpu=1, pid=8, name=None, used_bytes=None),
        ),
    )
    meter.close()
    assert nvml.open == 0


def test_a_driver_that_does_not_tell_of_processes() -> None:
    nvml = two_gpus()
    meter = opened(nvml)
    nvml.fails = frozenset({"processes"})
    assert meter.read() == GpuReading(used_bytes=(9 * GB, 3 * GB))


def test_a_gpu_that_falls_off_the_bus_is_not_measured() -> None:
    nvml = two_gpus()
    meter = opened(nvml)
    nvml.fails = frozenset({"memory"})
    assert meter.read() is None


@pytest.mark.parametrize("stand_in", [StandIn(gpus=[], fails=frozenset({"init"})), StandIn(gpus=[])])
def test_no_gpu_is_none_and_leaves_nvml_closed(stand_in: StandIn) -> None:
    assert open_gpu(stand_in) is None  # type: ignore[arg-type]
    assert stand_in.open == 0


@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no NVIDIA driver on this machine")
def test_real_figures_agree_with_nvidia_smi() -> None:
    meter = open_gpu()
    if meter is None:
        pytest.skip("NVML finds no GPU")
    query = ["nvidia-smi", "--query-gpu=memory.total,memory.used", "--format=csv,noheader,nounits"]
    said = [tuple(map(int, row.split(","))) for row in subprocess.check_output(query, text=True).splitlines()]
    reading = meter.read()
    assert reading is not None
    mib = 1 << 20
    assert [total // mib for total in meter.totals_bytes] == [total for total, _ in said]
    assert [used / mib for used in reading.used_bytes] == pytest.approx([used for _, used in said], abs=1024)
    meter.close()
