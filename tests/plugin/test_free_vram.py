"""The VRAM of `--swarm-vram=auto`: what is free on the GPUs of the server, where these are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.execution import server_models
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.plugin.free_vram import free_vram
from pytest_swarm.telemetry.nvml import NoGpu, find_gpu
from tests.telemetry.test_nvml import StandIn, two_gpus

if TYPE_CHECKING:
    from pytest_swarm.plugin.settings import Settings

HERE = "http://127.0.0.1:11434"
THERE = "http://gpu.example.org:11434"
OWN = Model(tag="own:1b", vram_gb=1, load_time_ms=0, cost_per_token=1, max_ctx=8192)
FLEET = Fleet(name="own", models=(OWN,))


def resident(tag: str, *, vram_gb: float) -> ResidentEntry:
    return ResidentEntry(tag=tag, size_bytes=5_000_000_000, size_vram_bytes=int(vram_gb * 1e9))


def settings(*hosts: str, backend: str = "ollama", offline: bool = False) -> Settings:
    return SimpleNamespace(hosts=hosts, backend=backend, offline=offline, planner=None, judge=None, timeout_s=5)  # type: ignore[return-value]


def free(told: Settings, nvml: StandIn | None = None) -> float | str:
    return free_vram(find_gpu(nvml or two_gpus()), told, lambda: FLEET)


@pytest.fixture
def residents(monkeypatch: pytest.MonkeyPatch) -> list[ResidentEntry]:
    found: list[ResidentEntry] = []
    monkeypatch.setattr(server_models, "resident_models", lambda _: tuple(found))
    monkeypatch.setattr(server_models, "models_of_one_weights", lambda *_: ((), (("own:1b", "made-of-own:1b"),)))
    return found


def test_all_gpus_count_and_so_does_what_models_of_the_run_hold(residents: list[ResidentEntry]) -> None:
    assert free(settings(HERE)) == 60.0
    residents += [resident("own:1b", vram_gb=2), resident("foreign:1b", vram_gb=3)]
    assert free(settings(HERE)) == 62.0
    assert free(settings(HERE, backend="sim")) == free(settings(HERE, backend="measure", offline=True)) == 60.0


def test_another_model_on_the_weights_of_the_run_counts_as_its_own(residents: list[ResidentEntry]) -> None:
    residents += [resident("made-of-own:1b", vram_gb=4), resident("foreign:1b", vram_gb=3)]
    assert free(settings(HERE)) == 64.0


@pytest.mark.parametrize("backend", ["auto", "ollama", "record", "measure"])
def test_the_gpus_of_this_machine_are_not_those_of_another(residents: list[ResidentEntry], backend: str) -> None:
    residents.append(resident("own:1b", vram_gb=2))
    for hosts in ((THERE,), (HERE, THERE)):
        assert free(settings(*hosts, backend=backend)) == "the server is on another machine"
    assert free(settings(THERE, backend="replay")) == 60.0


def test_what_several_servers_of_this_machine_share_is_not_offered_to_each(residents: list[ResidentEntry]) -> None:
    assert not residents
    assert free(settings(HERE, "http://localhost:11435")) == "several servers share the GPUs of this machine"


def test_a_server_without_a_gpu_has_no_vram_although_the_machine_has_some(residents: list[ResidentEntry]) -> None:
    residents.append(resident("foreign:1b", vram_gb=0))
    assert free(settings(HERE)) == "the server keeps its models in main memory"
    residents.append(resident("own:1b", vram_gb=2))
    assert free(settings(HERE)) == 62.0


def test_what_nvml_does_not_tell_has_a_reason(residents: list[ResidentEntry]) -> None:
    assert not residents
    nvml = two_gpus()
    nvml.fails = frozenset({"init"})
    assert free(settings(HERE), nvml) == "NVML finds no NVIDIA GPU here (nvmlInit: init)"
    assert free_vram(NoGpu(reason="no GPU"), settings(THERE), lambda: FLEET) == "the server is on another machine"
    meter, late = find_gpu(two_gpus()), two_gpus()
    late.fails = frozenset({"memory"})
    assert meter is not None
    object.__setattr__(meter, "_nvml", late)
    assert (
        free_vram(meter, settings(HERE), lambda: FLEET)
        == "free GPU memory was not measured: nvmlDeviceGetMemoryInfo: memory"
    )
