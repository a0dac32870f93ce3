"""A run leaves a real server as it found it: what it loaded is unloaded, and what it displaced is put back."""

from __future__ import annotations

import math
import os
import re
import signal
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx
import pytest

from pytest_swarm.errors import BackendError
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.server_models import models_of_one_weights
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.telemetry.nvml import find_gpu
from tests.plugin.conftest import WB1, Reports, mode_that, usual_signals
from tests.plugin.test_endings import stopping
from tests.telemetry.test_nvml import GB, NVMLError, StandIn

CASES = {
    "passes": "",
    "fails": "assert False",
    "stops": "raise KeyboardInterrupt",
    "exits": "pytest.exit('enough')",
}


class LeavingDriver(StandIn):
    """A driver that tells the total and the free memory once, and then goes away."""

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None) -> Any:  # noqa: N802
        self.open += 1
        if self.open > 3:
            raise NVMLError("GPU is lost")
        return super().nvmlDeviceGetMemoryInfo(handle, version)


def ps(host: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = httpx.get(f"{host}/api/ps", trust_env=False, verify=False).json()["models"]
    return rows


def load(host: str, tag: str, *, num_ctx: int, keep_alive: float) -> None:
    body = {"model": tag, "keep_alive": keep_alive, "options": {"num_ctx": num_ctx}}
    httpx.post(f"{host}/api/generate", json=body, trust_env=False, verify=False, timeout=60).raise_for_status()


def state(rows: list[dict[str, Any]]) -> list[tuple[str, int, int, int, bool]]:
    """Everything of a list of resident models but the moment at which they expire."""
    return [
        (row["name"], row["size"], row["size_vram"], row["context_length"], row["expires_at"] > "2100") for row in rows
    ]


def left_s(row: dict[str, Any]) -> float:
    expires = datetime.fromisoformat(row["expires_at"])
    return (expires - datetime.now(expires.tzinfo)).total_seconds()


def run(suite: pytest.Pytester, host: str, *args: str, ending: str = "") -> None:
    suite.makepyfile(test_wb1=WB1 + (f"    {ending}\n" if ending else ""))
    options = ("--swarm-backend=ollama", f"--swarm-host={host}", "--swarm-compare=greedy", *args)
    suite.inline_run("test_wb1.py", *options, no_reraise_ctrlc=True)


def fleet_row(tag: str, *, vram_gb: int = 3, num_ctx: int = 4096, **priors: float) -> str:
    figures = f"vram_gb = {vram_gb}\nload_time_ms = 900\ncost_per_token = 1\nmax_ctx = 8192\nnum_ctx = {num_ctx}\n"
    rows = "".join(f"{kind} = {prior}\n" for kind, prior in priors.items())
    return f'[[model]]\nname = "{tag}"\n{figures}[model.capabilities]\n{rows}'


def run_with(suite: pytest.Pytester, host: str, rows: Iterable[str], *args: str, passed: int = 1) -> pytest.RunResult:
    """A run on a server with a fleet of these rows, whatever its score."""
    (suite.path / "f.toml").write_text("".join(rows))
    suite.makepyfile(test_wb1=WB1.replace("assert swarm_run(wb1).score > 0", "swarm_run(wb1)"))
    options = ("--swarm-backend=ollama", f"--swarm-host={host}", "--swarm-fleet=f.toml", "--swarm-compare=greedy")
    result = suite.runpytest("test_wb1.py", *options, *args)
    result.assert_outcomes(passed=passed)
    return result


@pytest.mark.parametrize("ending", CASES.values(), ids=CASES.keys())
def test_models_of_others_are_as_they_were(suite: pytest.Pytester, fast_server: str, ending: str) -> None:
    load(fast_server, "phi4:14b", num_ctx=1024, keep_alive=-1)  # of the fleet: each case unloads it
    load(fast_server, "gemma2:2b", num_ctx=2048, keep_alive=5000)  # and runs this one in another context
    before = ps(fast_server)
    run(suite, fast_server, ending=ending)
    after = ps(fast_server)
    assert state(after) == state(before)
    assert [left_s(row) for row in after if row["name"] == "gemma2:2b"] == [pytest.approx(5000, abs=120)]


def test_a_signal_while_a_case_waits_leaves_them_as_they_were(
    suite: pytest.Pytester, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []

    async def note(restoration: Restoration, client: OllamaClient, *, loaded: bool) -> tuple[str, ...]:
        looks.append(restoration.broken_off)
        restoration.broken_off = False  # this server gives up at once what is broken off
        return await restore(restoration, client, loaded=loaded)

    restore = Restoration.restore
    monkeypatch.setattr(Restoration, "restore", note)
    load(fast_server, "phi4:14b", num_ctx=1024, keep_alive=-1)
    before = state(ps(fast_server))
    suite.makeconftest(stopping("SIGINT"))
    with usual_signals():
        run(suite, fast_server, "--swarm-compare=greedy,stop", "--swarm-report=json")
    assert state(ps(fast_server)) == before
    assert looks == [True]


def test_a_server_that_was_empty_is_empty_again(suite: pytest.Pytester, fast_server: str) -> None:
    run(suite, fast_server, "--swarm-compare=llm,greedy", "--swarm-planner=phi4:14b")
    assert ps(fast_server) == []


def test_models_may_be_left_loaded_on_a_lease_that_ends(
    suite: pytest.Pytester, reports: Reports, fast_server: str
) -> None:
    load(fast_server, "phi4:14b", num_ctx=1024, keep_alive=-1)  # of the fleet: each case unloads it
    run(suite, fast_server, "--swarm-leave-loaded", "--swarm-report=json")
    rows = ps(fast_server)
    assert rows
    assert all(0 < left_s(row) <= 900 for row in rows)
    assert "not put back, as --swarm-leave-loaded asks: phi4:14b (num_ctx 1024)" in reports.report["notes"]


def test_foreign_models_are_named_in_header_and_report_with_what_is_left_beside_them(
    suite: pytest.Pytester, reports: Reports, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = find_gpu(LeavingDriver(gpus=[("NVIDIA A40", 48 * GB, 42 * GB, [])]))  # type: ignore[arg-type]
    monkeypatch.setattr("pytest_swarm.plugin.free_vram.find_gpu", lambda: meter)
    load(fast_server, "llama3.1:8b", num_ctx=1024, keep_alive=-1)
    result = run_with(suite, fast_server, [fleet_row("gemma2:2b", vram_gb=6)])
    left = "Beside them only 6GB of VRAM are left, less than 8GB: the server will evict or spill; give --swarm-vram=6GB"
    result.stdout.fnmatch_lines([f"swarm: resident on the server and not of this run: llama3.1:8b (*GB). {left}, or*"])
    (note,) = [each for each in reports.report["notes"] if each.startswith("resident on the server")]
    assert left in note
    gone = "GPU memory was not measured all the time: nvmlDeviceGetMemoryInfo: GPU is lost"
    assert reports.report["notes"].count(gone) == 1
    assert [case["gpu_peak_gb"] for case in reports.report["cases"]] == [None]
    assert [row["name"] for row in ps(fast_server)] == ["llama3.1:8b"]


def test_auto_is_what_is_free_and_what_models_of_the_run_hold(
    suite: pytest.Pytester, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = find_gpu(StandIn(gpus=[("NVIDIA L4", 24 * GB, 20 * GB, [])]))  # type: ignore[arg-type]
    monkeypatch.setattr("pytest_swarm.plugin.free_vram.find_gpu", lambda: meter)
    suite.makepyfile(test_wb1=WB1)
    for tag in ("llama3.1:8b", "gemma2:2b"):
        load(fast_server, tag, num_ctx=1024, keep_alive=-1)
    held = {row["name"]: row["size_vram"] / GB for row in ps(fast_server)}
    (suite.path / "f.toml").write_text(fleet_row("gemma2:2b"))
    budgets = {}
    for name, backend in (("real", "ollama"), ("simulated", "sim")):
        options = (f"--swarm-backend={backend}", f"--swarm-host={fast_server}", "--swarm-fleet=f.toml")
        options = options if name == "real" else (options[0], options[2])
        output = suite.runpytest("--collect-only", "-q", "--swarm-vram=auto", *options).stdout.str()
        (budgets[name],) = set(re.findall(r"lp-h0-([\d.]+)GB", output))
    assert float(budgets["real"]) == math.floor(10 * (4 + held["gemma2:2b"])) / 10  # not what llama3.1 holds
    assert float(budgets["simulated"]) == 4


def test_two_tags_of_one_file_are_named_once(suite: pytest.Pytester, reports: Reports, fast_server: str) -> None:
    body = {"source": "gemma2:2b", "destination": "copied:1"}
    httpx.post(f"{fast_server}/api/copy", json=body, trust_env=False, verify=False, timeout=60).raise_for_status()
    rows = [fleet_row(tag, vram_gb=6) for tag in ("gemma2:2b", "copied:1")]
    run_with(suite, fast_server, rows, "--swarm-compare=greedy,milp,single:copied:1", passed=3)
    (note,) = reports.report["notes"]
    assert note.startswith("gemma2:2b and copied:1 are one model file, which the server holds in memory once")
    for case in reports.report["cases"]:
        assert (case["peak_vram_gb"], case["switches"]) == (6.0, 1)
        assert (case["measured_violations"], case["residency_mismatches"]) == (0, 0)
    assert ps(fast_server) == []


def make(server: str, name: str, **body: object) -> None:
    """Make a model of gemma2:2b's weights."""
    asked = {"model": name, "from": "gemma2:2b", "stream": False, **body}
    httpx.post(f"{server}/api/create", json=asked, trust_env=False, verify=False, timeout=60).raise_for_status()


AGENTS = (
    fleet_row("reader", extraction=0.9),
    fleet_row("llama3.1:8b", extraction=0.1, math=0.1, code=0.1),
    fleet_row("counter", math=0.9),
    fleet_row("gemma2:2b", code=0.9),
)
MODES = ("lp", "milp", "staged", "greedy", "fixed", "collate", "single:counter", "best-single", "random")


@pytest.mark.parametrize("dispatch", ["layers", "tasks"])
def test_models_of_the_same_weights_are_one_in_vram_and_are_told_once(
    suite: pytest.Pytester, reports: Reports, fast_server: str, dispatch: str
) -> None:
    make(fast_server, "reader", system="You read.")
    make(fast_server, "counter", system="You count.", parameters={"temperature": 0.5})
    args = (f"--swarm-compare={','.join(MODES)}", f"--swarm-dispatch={dispatch}", "--swarm-learning=off")
    result = run_with(suite, fast_server, AGENTS, "--swarm-vram=4GB", *args, passed=len(MODES))
    told = "of the same weights: reader and counter and gemma2:2b. The server holds them in memory once"
    result.stdout.fnmatch_lines([f"*{told}*"])
    assert [told in note for note in reports.report["notes"]] == [True]
    for case in reports.report["cases"]:
        assert case["planned_vram_gb"] == case["peak_vram_gb"] == 3.0, case["mode"]
        assert case["unplanned_loads"] == 0, case["mode"]
        models = {row["model"] for row in case["tasks"]}
        if case["mode"] in ("lp", "milp", "staged", "greedy", "fixed", "collate"):
            assert models == {"reader", "counter", "gemma2:2b"}, case["mode"]
        if "llama3.1:8b" not in models:
            found = (case["switches"], case["distinct_vram_gb"], case["residency_mismatches"])
            assert found == (1, 3.0, 0), case["mode"]
    assert ps(fast_server) == []
    for step in (row for row in reports.events if row["event"] == "plan_step"):
        assert step["shares_with"] == {"counter": "reader", "gemma2:2b": "reader"}
        assert set(step["target_residency"]) <= {"reader", "llama3.1:8b"}
    rows = {row["name"]: row["shares_with"] for row in reports.report["run"]["fleet"]["models"]}
    assert rows == {"reader": None, "llama3.1:8b": None, "counter": "reader", "gemma2:2b": "reader"}


def test_models_of_the_same_weights_that_need_a_load_each_are_named_and_stay_apart(
    suite: pytest.Pytester, reports: Reports, fast_server: str
) -> None:
    make(fast_server, "reader", system="You read.")
    make(fast_server, "counter", parameters={"num_thread": 3})
    rows = (fleet_row("reader", math=0.5), fleet_row("counter"), fleet_row("gemma2:2b", num_ctx=2048))
    run_with(suite, fast_server, rows)
    (note,) = reports.report["notes"]
    assert note.startswith(
        "of the same weights: reader and counter and gemma2:2b. The server holds them in memory once a"
    )
    assert "another num_ctx, adapter or launch parameter" in note
    assert [row["shares_with"] for row in reports.report["run"]["fleet"]["models"]] == [None, None, None]


@pytest.mark.parametrize("num_ctx", [2048, 4096])
def test_a_model_of_others_with_the_weights_of_the_fleet_is_unloaded_and_put_back(
    suite: pytest.Pytester, reports: Reports, fast_server: str, num_ctx: int
) -> None:
    make(fast_server, "reader", system="You read.")
    load(fast_server, "gemma2:2b", num_ctx=num_ctx, keep_alive=-1)
    before = state(ps(fast_server))
    run_with(suite, fast_server, [fleet_row("reader", extraction=0.9)], "--swarm-vram=4GB")
    assert state(ps(fast_server)) == before
    (case,) = reports.report["cases"]
    found = (case["switches"], case["residency_mismatches"], case["unplanned_loads"])
    assert found == (1, 0, 0)
    assert reports.report["notes"] == []
    assert reports.of("vram_sample")[0]["resident"] == []  # the first case loads it, and is told what that takes


def test_a_planner_with_the_weights_of_the_fleet_uses_their_copy(
    suite: pytest.Pytester, reports: Reports, fast_server: str
) -> None:
    make(fast_server, "reader", system="You read.")
    planned = ("--swarm-vram=4GB", "--swarm-compare=llm", "--swarm-planner=gemma2:2b")
    run_with(suite, fast_server, [fleet_row("reader", extraction=0.9)], *planned)
    (case,) = reports.report["cases"]
    assert (case["residency_mismatches"], case["unplanned_loads"], case["measured_violations"]) == (0, 0, 0)
    assert {row["model"] for sample in reports.of("vram_sample") for row in sample["resident"]} == {"reader"}
    assert ps(fast_server) == []


def test_weights_are_known_where_a_server_does_not_tell_all_of_its_models(
    fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: OllamaClient) -> tuple[ResidentEntry, ...]:
        raise BackendError("no list")

    for name in ("reader", "counter"):
        make(fast_server, name, system=f"You are {name}.")
    monkeypatch.setattr(OllamaClient, "resident_entries", refuse)
    tags = ("reader", "gemma2:2b", "phi4:14b")
    found = models_of_one_weights(fast_server, tags, 60.0, others=("counter", "gone", "phi4:14b"))
    assert found == ((("reader", "gemma2:2b"),), (("reader", "gemma2:2b", "counter"),))


def test_measured_answers_are_played_with_each_model_on_its_own_and_that_is_told(
    suite: pytest.Pytester, reports: Reports, fast_server: str
) -> None:
    make(fast_server, "reader", system="You read.")
    rows = (fleet_row("reader", extraction=0.9), fleet_row("gemma2:2b", math=0.9))
    run_with(suite, fast_server, rows, "--swarm-backend=measure")
    (note,) = reports.report["notes"]
    assert note.startswith("of the same weights: reader and gemma2:2b. The server holds them in memory once at most")
    assert "because measured answers are played so" in note
    assert [row["shares_with"] for row in reports.report["run"]["fleet"]["models"]] == [None, None]


def test_workers_of_xdist_leave_together(suite: pytest.Pytester, fast_server: str) -> None:
    pytest.importorskip("xdist")
    suite.makepyfile(test_wb1=WB1)
    load(fast_server, "phi4:14b", num_ctx=1024, keep_alive=-1)
    before = ps(fast_server)
    options = ("--swarm-backend=ollama", f"--swarm-host={fast_server}", "--swarm-compare=greedy,best-single,random")
    suite.runpytest("test_wb1.py", "-n2", *options).assert_outcomes(passed=3)
    assert state(ps(fast_server)) == state(before)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed here")
@pytest.mark.parametrize("by", ["itself", "xdist"])  # which gives workers seconds after Ctrl-C, and a load takes longer
def test_a_worker_that_is_killed_leaves_nothing_loaded(
    suite: pytest.Pytester, fast_server: str, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    management = pytest.importorskip("xdist.workermanage")
    monkeypatch.setattr(management.NodeManager, "EXIT_TIMEOUT", 0.1)
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    if by == "xdist":
        kill = f"os.kill({os.getpid()}, signal.SIGINT); await asyncio.sleep(60)"
    monkeypatch.setattr("pytest_swarm.plugin.server_visit._DYING_S", 60.0)  # a busy machine takes its time to end it
    suite.makeconftest(mode_that("killed", f"if view.step:\n    {kill}"))
    suite.makepyfile(test_wb1=WB1)
    load(fast_server, "phi4:14b", num_ctx=1024, keep_alive=-1)
    before = state(ps(fast_server))
    options = ("--swarm-backend=ollama", f"--swarm-host={fast_server}", "--swarm-compare=killed")
    arguments = ("test_wb1.py", "-n1", "--max-worker-restart=0", *options)
    with usual_signals():
        result = suite.runpytest(*arguments, no_reraise_ctrlc=True)
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if by == "itself" else pytest.ExitCode.INTERRUPTED)
    assert state(ps(fast_server)) == before
