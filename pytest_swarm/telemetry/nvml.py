"""The GPU's own figures, by NVML (`pynvml`), where there is one."""

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
    """All NVIDIA GPUs of this machine, in the order of NVML; `read` measures. `totals_bytes` has one entry for each."""

    names: tuple[str, ...]
    totals_bytes: tuple[int, ...]
    _nvml: ModuleType
    _handles: tuple[object, ...]

    def read(self) -> GpuReading | None:
        """Bytes in use on each GPU, by every process and the driver, and who computes there; None where NVML fails.

        Takes a millisecond, so call it off the loop.
        """
        try:
            used = tuple(int(self._nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles)
        except self._nvml.NVMLError:
            return None
        found = (self._processes(gpu, handle) for gpu, handle in enumerate(self._handles))
        return GpuReading(used_bytes=used, processes=tuple(chain.from_iterable(found)))

    def _processes(self, gpu: int, handle: object) -> list[GpuProcess]:
        """The processes on one GPU; none where the driver does not tell (in a container, under WDDM)."""
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
        except self._nvml.NVMLError:  # it has ended, or is somebody else's
            return None

    @property
    def total_bytes(self) -> int:
        """VRAM of all GPUs: Ollama spreads models over them."""
        return sum(self.totals_bytes)

    def close(self) -> None:
        """Release NVML."""
        self._nvml.nvmlShutdown()


def open_gpu(nvml: ModuleType | None = None) -> GpuMeter | None:
    """The machine's GPUs, or None where there is no NVIDIA driver or no GPU. `nvml` stands in for `pynvml` in tests."""
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
    """Old drivers hand names over as bytes."""
    return name.decode() if isinstance(name, bytes) else name
