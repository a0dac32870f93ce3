"""VRAM in use on this machine's NVIDIA GPUs, and the energy that they use, by NVML (`pynvml`).

Every call may fail, and older drivers and libraries lack some. What cannot be read is None, its reason kept once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pytest_swarm.domain.vram_sample import GpuProcess, GpuReading
from pytest_swarm.fields import problem, shown

if TYPE_CHECKING:
    from types import ModuleType


MOST_GPUS: Final = 1024  # a count above it is no count, and asking for each of them would not end
IDLE_S: Final = 1.0  # the counter moves every 20 to 100 ms
MILLIJOULES_PER_JOULE: Final = 1000.0


class NvmlFailure(Exception):  # noqa: N818 - a result, which becomes a missing value with a reason
    """A call of NVML that failed; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GpuMeter:
    """All NVIDIA GPUs of this machine, in the order of NVML. `totals_bytes` holds the VRAM of each.

    `troubles` are the reasons why a reading was not possible, each once.
    """

    names: tuple[str, ...]
    totals_bytes: tuple[int, ...]
    _nvml: ModuleType
    _handles: tuple[object, ...]
    troubles: list[str] = field(default_factory=list)
    _idle_w: list[float] = field(default_factory=list)

    def measure_idle(
        self, *, wait: Callable[[float], None] = time.sleep, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Measure once what the GPUs draw while nothing runs: their energy over a second, with what is loaded now.

        Args:
            wait: Waits for so many seconds.
            now_s: The time in seconds.
        """
        if self._idle_w:
            return
        before_j, began_s = self._energy_j(), now_s()
        if before_j is None:
            return
        wait(IDLE_S)
        after_j, elapsed_s = self._energy_j(), now_s() - began_s
        if after_j is not None and elapsed_s > 0:
            self._idle_w.append(max(0.0, after_j - before_j) / elapsed_s)

    def _energy_j(self) -> float | None:
        """Joules of all GPUs since the driver was loaded; None where one of them does not count them (before Volta)."""
        try:
            counters = [_whole(self._nvml, "nvmlDeviceGetTotalEnergyConsumption", each) for each in self._handles]
        except NvmlFailure as error:
            self._keep(f"energy was not measured: {error}")
            return None
        return sum(counters) / MILLIJOULES_PER_JOULE

    def read(self) -> GpuReading | None:
        """Return the bytes in use on each GPU and the processes that compute there; None where NVML fails.

        The bytes are those of all processes, as `nvidia-smi` shows them. A call takes a millisecond, so run it in a
        thread.
        """
        try:
            used = tuple(_memory(self._nvml, handle, "used") for handle in self._handles)
        except NvmlFailure as error:
            self._keep(f"GPU memory was not measured all the time: {error}")
            return None
        found = (self._processes(gpu, handle) for gpu, handle in enumerate(self._handles))
        return GpuReading(
            used_bytes=used,
            processes=tuple(chain.from_iterable(found)),
            energy_j=self._energy_j(),
            idle_power_w=self._idle_w[0] if self._idle_w else None,
        )

    def free_bytes(self) -> int | None:
        """Return the bytes of all GPUs that nobody uses now; None where NVML fails."""
        try:
            return sum(_memory(self._nvml, handle, "free") for handle in self._handles)
        except NvmlFailure as error:
            self._keep(f"free GPU memory was not measured: {error}")
            return None

    def _keep(self, trouble: str) -> None:
        if trouble not in self.troubles:
            self.troubles.append(trouble)

    def _processes(self, gpu: int, handle: object) -> list[GpuProcess]:
        """Return the processes on one GPU; none where the driver does not list them (in a container, under WDDM)."""
        try:
            rows = _call(self._nvml, "nvmlDeviceGetComputeRunningProcesses", handle)
        except NvmlFailure:
            return []
        found = [(getattr(row, "pid", None), row) for row in (rows if isinstance(rows, list) else [])]
        return [
            GpuProcess(gpu=gpu, pid=pid, name=self._name(pid), used_bytes=_bytes_of(row))
            for pid, row in found
            if isinstance(pid, int)
        ]

    def _name(self, pid: int) -> str | None:
        try:
            return _text(self._nvml, "nvmlSystemGetProcessName", pid)
        except NvmlFailure:  # it has ended, or belongs to another user
            return None

    @property
    def total_bytes(self) -> int:
        """VRAM of all GPUs in bytes: Ollama spreads models over them."""
        return sum(self.totals_bytes)

    def close(self) -> None:
        """Shut NVML down."""
        _shut_down(self._nvml)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoGpu:
    """No GPU that can be measured; `reason` completes "not measured: ..."."""

    reason: str


def find_gpu(nvml: ModuleType | None = None) -> GpuMeter | NoGpu:
    """Return a meter of the machine's GPUs, or why there is none. `nvml` replaces `pynvml` in tests."""
    try:
        nvml = import_module("pynvml") if nvml is None else nvml
        if not hasattr(nvml, "NVMLError"):
            raise NvmlFailure("the module pynvml is not NVIDIA's; install nvidia-ml-py")
        _call(nvml, "nvmlInit")
    except (ImportError, NvmlFailure) as error:
        return NoGpu(reason=f"NVML finds no NVIDIA GPU here ({error})")
    try:
        return _meter(nvml)
    except NvmlFailure as error:
        _shut_down(nvml)
        return NoGpu(reason=str(error))


def _meter(nvml: ModuleType) -> GpuMeter:
    handles = tuple(_call(nvml, "nvmlDeviceGetHandleByIndex", index) for index in range(_number_of_gpus(nvml)))
    for index, handle in enumerate(handles):
        if _is_split(nvml, handle):
            raise NvmlFailure(f"GPU {index} is split by MIG, and NVML does not tell which part a server uses")
    return GpuMeter(
        names=tuple(_gpu_name(nvml, index, handle) for index, handle in enumerate(handles)),
        totals_bytes=tuple(_total_bytes(nvml, handle) for handle in handles),
        _nvml=nvml,
        _handles=handles,
    )


def _number_of_gpus(nvml: ModuleType) -> int:
    number = _whole(nvml, "nvmlDeviceGetCount")
    if not number:
        raise NvmlFailure("NVML finds no NVIDIA GPU here")
    if number > MOST_GPUS:
        raise NvmlFailure(f"nvmlDeviceGetCount gives {number}, which is no number of GPUs")
    return number


def _memory(nvml: ModuleType, handle: object, part: str) -> int:
    """Return the `total`, `used` or `free` bytes of a GPU."""
    info = _memory_info(nvml, handle)
    value, total = getattr(info, part, None), getattr(info, "total", None)
    if not isinstance(value, int) or value < 0:
        raise NvmlFailure(f"nvmlDeviceGetMemoryInfo gives no {part} bytes ({shown(value)})")
    if not isinstance(total, int) or value > total:
        raise NvmlFailure(f"nvmlDeviceGetMemoryInfo gives {value} {part} bytes of a total of {total}")
    return value


def _memory_info(nvml: ModuleType, handle: object) -> Any:  # a structure of NVML
    """Return a GPU's memory in version 2, which tells what is used apart from what the driver reserves for itself.

    On an H200 those are 615 MiB. Drivers before 510 know version 1 only, where both are `used`.
    """
    version = getattr(nvml, "nvmlMemory_v2", None)
    if version is not None:
        with suppress(NvmlFailure):  # version 1 tells why, if it fails too
            return _call(nvml, "nvmlDeviceGetMemoryInfo", handle, version)
    return _call(nvml, "nvmlDeviceGetMemoryInfo", handle)


def _total_bytes(nvml: ModuleType, handle: object) -> int:
    total = _memory(nvml, handle, "total")
    if total == 0:  # memory that the GPU shares with the processor
        raise NvmlFailure("nvmlDeviceGetMemoryInfo gives a total of 0 bytes")
    return total


def _is_split(nvml: ModuleType, handle: object) -> bool:
    try:
        mode = _call(nvml, "nvmlDeviceGetMigMode", handle)
    except NvmlFailure:  # a GPU, driver or library without MIG
        return False
    return isinstance(mode, list | tuple) and bool(mode) and bool(mode[0])


def _gpu_name(nvml: ModuleType, index: int, handle: object) -> str:
    try:
        return _text(nvml, "nvmlDeviceGetName", handle)
    except NvmlFailure:
        return f"GPU {index} (no name)"


def _bytes_of(row: object) -> int | None:
    used = getattr(row, "usedGpuMemory", None)
    return used if isinstance(used, int) and used >= 0 else None


def _shut_down(nvml: ModuleType) -> None:
    try:
        _call(nvml, "nvmlShutdown")
    except NvmlFailure:  # the driver is gone, so nothing is open
        return


def _call(nvml: ModuleType, name: str, *args: object) -> Any:  # each function of NVML has a result of its own
    """Return the result of a function of NVML; NvmlFailure where it fails or is missing."""
    function = getattr(nvml, name, None)
    if function is None:
        raise NvmlFailure(f"{name} is missing in this version of pynvml")
    try:
        return function(*args)
    except Exception as error:
        # NVMLError, UnicodeError of names, TypeError of older versions, which take no version of a structure; stand-ins
        # for GPUs of other makers raise what they like, and no measurement beside a run may end it
        raise NvmlFailure(f"{name}: {problem(error) or type(error).__name__}") from error


def _whole(nvml: ModuleType, name: str, *args: object) -> int:
    """Return a whole number of at least 0; NvmlFailure for anything else."""
    value = _call(nvml, name, *args)
    if not isinstance(value, int) or value < 0:
        raise NvmlFailure(f"{name} gives {shown(value)}, which is no number of at least 0")
    return value


def _text(nvml: ModuleType, name: str, *args: object) -> str:
    """Return a name as text: old drivers give bytes, in any encoding. NvmlFailure for anything else."""
    value = _call(nvml, name, *args)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise NvmlFailure(f"{name} gives {shown(value)}, which is no text")
    return value
