"""NVML by a stand-in for `pynvml`'s functions; where there is a real GPU, its figures against nvidia-smi's."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.domain.vram_sample import GpuProcess, GpuReading
from pytest_swarm.telemetry.nvml import GpuMeter, NoGpu, find_gpu

GB = 1_000_000_000


class NVMLError(Exception):
    pass


@dataclass
class StandIn:
    """`pynvml` on a machine with these GPUs: (name, total, used, processes as (pid, bytes)).

    The driver keeps `reserved` bytes of each GPU for itself. Version 1 of the memory counts them as used.
    """

    gpus: list[tuple[str | bytes, int, int, list[tuple[int, int | None]]]]
    names: dict[int, str | bytes] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    open: int = 0
    energy_mj: dict[int, int] = field(default_factory=dict)
    reserved: int = 0
    nvmlMemory_v2: int = 2  # noqa: N815 - NVML's own name
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

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None) -> Any:  # noqa: N802
        self._check("memory")
        if version is not None:
            self._check("memory_v2")
        _, total, used, _ = self.gpus[handle]
        held = used + self.reserved
        return SimpleNamespace(total=total, used=used if version == self.nvmlMemory_v2 else held, free=total - held)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:  # noqa: N802
        self._check("processes")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.gpus[handle][3]]

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        if handle not in self.energy_mj:
            raise NVMLError("Not Supported")
        return self.energy_mj[handle]

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
    meter = find_gpu(stand_in)  # type: ignore[arg-type]
    assert isinstance(meter, GpuMeter)
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


def test_energy_is_the_sum_of_the_counters_and_idle_power_is_measured_once() -> None:
    nvml = two_gpus()
    nvml.energy_mj = {0: 5_000_000, 1: 1_000_000}
    meter, clock_s = opened(nvml), [100.0]

    def wait(seconds: float) -> None:
        clock_s[0] += 2 * seconds  # a machine that sleeps too long
        nvml.energy_mj = {0: nvml.energy_mj[0] + 60_000, 1: nvml.energy_mj[1] + 40_000}

    for _ in range(2):
        meter.measure_idle(wait=wait, now_s=lambda: clock_s[0])
    reading = meter.read()
    assert reading is not None
    assert reading.idle_power_w == pytest.approx(100 / 2)
    assert reading.energy_j == 6100.0
    assert clock_s == [102.0]


def test_where_one_gpu_does_not_count_its_energy_there_is_none_and_the_reason_stands_once() -> None:
    nvml = two_gpus()
    nvml.energy_mj = {0: 5_000_000}
    meter = opened(nvml)
    meter.measure_idle(wait=lambda _: pytest.fail("there is nothing to wait for"))
    for _ in range(2):
        reading = meter.read()
        assert reading is not None
        assert reading.energy_j is reading.idle_power_w is None
    assert meter.troubles == ["energy was not measured: nvmlDeviceGetTotalEnergyConsumption: Not Supported"]


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
def test_no_gpu_leaves_nvml_closed(stand_in: StandIn) -> None:
    assert isinstance(find_gpu(stand_in), NoGpu)  # type: ignore[arg-type]
    assert stand_in.open == 0


def test_names_that_are_no_utf_8_are_read_as_far_as_possible() -> None:
    assert opened(StandIn(gpus=[(b"NVIDIA \xff40", GB, 0, [])])).names == ("NVIDIA \ufffd40",)


def test_a_failing_call_is_a_missing_value_with_its_reason_once() -> None:
    nvml = two_gpus()
    meter = opened(nvml)
    nvml.fails = frozenset({"memory"})
    assert [meter.read(), meter.read(), meter.free_bytes()] == [None, None, None]
    assert meter.troubles == [
        "GPU memory was not measured all the time: nvmlDeviceGetMemoryInfo: memory",
        "free GPU memory was not measured: nvmlDeviceGetMemoryInfo: memory",
    ]
    assert opened(two_gpus()).free_bytes() == 60 * GB


FUNCTIONS = [name for name in dir(StandIn) if name.startswith("nvml")]
FAILURES = {
    "fails": NVMLError("Not Supported"),
    "undecodable": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "library": OSError("libnvidia-ml.so is gone"),
    "stand-in": KeyError("no such card"),
    "missing": None,
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("function", FUNCTIONS)
def test_whatever_call_fails_gives_a_meter_or_a_reason(function: str, failure: Exception | None) -> None:
    def fail(*_: object) -> Any:
        assert failure is not None
        raise failure

    nvml = two_gpus()
    setattr(nvml, function, None if failure is None else fail)
    found = find_gpu(nvml)  # type: ignore[arg-type]
    if isinstance(found, NoGpu):
        assert function in found.reason
    else:
        found.read()
        found.close()


JUNK: tuple[object, ...] = (
    None,
    "x",
    b"\xff",
    -1,
    2**64 - 1,
    0.5,
    float("nan"),
    [],
    [None],
    ["x"],
    [object()],
    object(),
)


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != "nvmlDeviceGetHandleByIndex"])
def test_whatever_a_call_returns_is_a_figure_or_missing_with_a_reason(function: str) -> None:
    """As old libraries, drivers and stand-ins of other tools return what nobody documents; also in mid-run."""
    for value in JUNK:
        for late in (False, True):
            nvml = two_gpus()
            meter = opened(nvml) if late else None
            setattr(nvml, function, lambda *_, value=value: value)
            found = meter or find_gpu(nvml)  # type: ignore[arg-type]
            if isinstance(found, NoGpu):
                assert function in found.reason or found.reason == "NVML finds no NVIDIA GPU here"
                continue
            found.measure_idle(wait=lambda _: None, now_s=iter((0.0, 1.0, 2.0)).__next__)
            reading, free = found.read(), found.free_bytes()
            assert (reading is None) == (free is None) == any("memory was not" in each for each in found.troubles)
            assert reading is None or all(isinstance(each, int) and each >= 0 for each in reading.used_bytes)
            assert all(isinstance(name, str) for name in found.names)


def test_a_module_of_that_name_that_is_not_nvml_is_no_gpu() -> None:
    found = find_gpu(SimpleNamespace())  # type: ignore[arg-type]
    assert isinstance(found, NoGpu)
    assert "install nvidia-ml-py" in found.reason


def test_unified_memory_and_mig_are_not_measured_and_say_why() -> None:
    shared = two_gpus()
    shared.nvmlDeviceGetMemoryInfo = lambda *_: SimpleNamespace(total=0, used=0)  # type: ignore[method-assign]
    split = two_gpus()
    split.nvmlDeviceGetMigMode = lambda _: [1, 1]  # type: ignore[attr-defined]
    found = [find_gpu(shared), find_gpu(split)]  # type: ignore[arg-type]
    reasons = [each.reason for each in found if isinstance(each, NoGpu)]
    assert reasons == [
        "nvmlDeviceGetMemoryInfo gives a total of 0 bytes",
        "GPU 0 is split by MIG, and NVML does not tell which part a server uses",
    ]
    assert (shared.open, split.open) == (0, 0)


@pytest.mark.parametrize("part", ["used", "free"])
def test_more_than_the_total_is_no_figure(part: str) -> None:
    """As where a driver subtracts more than there is from an unsigned number."""
    nvml = two_gpus()
    parts = {"total": 48 * GB, "used": 9 * GB, "free": 39 * GB, part: 2**64 - 5}
    nvml.nvmlDeviceGetMemoryInfo = lambda *_: SimpleNamespace(**parts)  # type: ignore[method-assign]
    meter = opened(nvml)
    assert (meter.read() is None, meter.free_bytes() is None) == (part == "used", part == "free")
    assert any(each.endswith(f"gives {2**64 - 5} {part} bytes of a total of {48 * GB}") for each in meter.troubles)


def test_a_library_whose_function_takes_no_version_is_asked_without_one() -> None:
    nvml = two_gpus()
    nvml.nvmlDeviceGetMemoryInfo = lambda _: SimpleNamespace(total=48 * GB, used=9 * GB, free=39 * GB)  # type: ignore[method-assign]
    assert opened(nvml).free_bytes() == 78 * GB


def test_what_the_driver_reserves_is_neither_used_nor_free() -> None:
    meter = opened(StandIn(gpus=[("g", 48 * GB, 9 * GB, [])], reserved=GB))
    assert meter.read().used_bytes == (9 * GB,)
    assert meter.free_bytes() == 38 * GB


def test_an_old_driver_counts_what_it_reserves_as_used() -> None:
    meter = opened(StandIn(gpus=[("g", 48 * GB, 9 * GB, [])], reserved=GB, fails=frozenset({"memory_v2"})))
    assert meter.read().used_bytes == (10 * GB,)
    assert meter.free_bytes() == 38 * GB
    assert not any("memory" in each for each in meter.troubles)


@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no NVIDIA driver on this machine")
def test_real_figures_agree_with_nvidia_smi() -> None:
    meter = find_gpu()
    if isinstance(meter, NoGpu):
        pytest.skip("NVML finds no GPU")
    query = ["nvidia-smi", "--query-gpu=memory.total,memory.used,memory.free", "--format=csv,noheader,nounits"]
    said = [tuple(map(int, row.split(","))) for row in subprocess.check_output(query, text=True).splitlines()]
    reading = meter.read()
    assert reading is not None
    mib = 1 << 20
    assert [total // mib for total in meter.totals_bytes] == [total for total, _, _ in said]
    assert [used / mib for used in reading.used_bytes] == pytest.approx([used for _, used, _ in said], abs=256)
    assert (meter.free_bytes() or 0) / mib == pytest.approx(sum(free for _, _, free in said), abs=256 * len(said))
    meter.close()
