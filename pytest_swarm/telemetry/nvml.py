"""The GPU's own figures, by NVML (`pynvml`), where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GpuMeter:
    """All NVIDIA GPUs of this machine, in the order of NVML; `used_bytes` measures."""

    names: tuple[str, ...]
    total_bytes: int
    _nvml: ModuleType
    _handles: tuple[object, ...]

    def used_bytes(self) -> int:
        """Bytes in use on all GPUs, by every process and the driver; takes a millisecond, so call it off the loop."""
        return sum(int(self._nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles)

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
        total_bytes=sum(int(nvml.nvmlDeviceGetMemoryInfo(handle).total) for handle in handles),
        _nvml=nvml,
        _handles=handles,
    )


def _text(name: str | bytes) -> str:
    """Old drivers hand names over as bytes."""
    return name.decode() if isinstance(name, bytes) else name
