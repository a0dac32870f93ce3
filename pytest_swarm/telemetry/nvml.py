"""VRAM in use on this machine's NVIDIA GPUs, by NVML (`pynvml`)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING

from pytest_swarm.domain.record import GpuProcess, GpuReading

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GpuMeter:
    """All NVIDIA GPUs of this machine, in the order of NVML. `totals_bytes` holds the VRAM of each."""

    names: tuple[str, ...]
    totals_bytes: tuple[int, ...]
    _nvml: ModuleType
    _handles: tuple[object, ...]

    def read(self) -> GpuReading | None:
        """Return the bytes in use on each GPU and the processes that compute there; None where NVML fails.

        The bytes are those of all processes and of the driver. A call takes a millisecond, so run it in a thread.
        """
        try:
            used = tuple(int(self._nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles)
        except self._nvml.NVMLError:
            return None
        found = (self._processes(gpu, handle) for gpu, handle in enumerate(self._handles))
        return GpuReading(used_bytes=used, processes=tuple(chain.from_iterable(found)))

    def _processes(self, gpu: int, handle: object) -> list[GpuProcess]:
        """Return the processes on one GPU; none where the driver does not list them (in a container, under WDDM)."""
        try:
            rows = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except self._nvml.NVMLError:
            return []
        return [
            GpuProcess(
                gpu=gpu,
                pid=int(row.pid),
                name=self._name(int(row.pid)),
                used_bytes=None if row.usedGpuMemory is None else int(row.usedGpuMemory),
            )
            for row in rows
        ]

    def _name(self, pid: int) -> str | None:
        try:
            return _text(self._nvml.nvmlSystemGetProcessName(pid))
        except self._nvml.NVMLError:  # it has ended, or belongs to another user
            return None

    @property
    def total_bytes(self) -> int:
        """VRAM of all GPUs in bytes: Ollama spreads models over them."""
        return sum(self.totals_bytes)

    def close(self) -> None:
        """Shut NVML down."""
        self._nvml.nvmlShutdown()


def open_gpu(nvml: ModuleType | None = None) -> GpuMeter | None:
    """Return a meter of the machine's GPUs; None without an NVIDIA driver or GPU. `nvml` replaces `pynvml` in tests."""
    nvml = import_module("pynvml") if nvml is None else nvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    handles = tuple(nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount()))
    if not handles:
        nvml.nvmlShutdown()
        return None
    return GpuMeter(
        names=tuple(_text(nvml.nvmlDeviceGetName(handle)) for handle in handles),
        totals_bytes=tuple(int(nvml.nvmlDeviceGetMemoryInfo(handle).total) for handle in handles),
        _nvml=nvml,
        _handles=handles,
    )


def _text(name: str | bytes) -> str:
    """Return the name as text: old drivers give bytes."""
    return name.decode() if isinstance(name, bytes) else name
