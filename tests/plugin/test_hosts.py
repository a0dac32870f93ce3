"""Several servers: cases on free ones, a dead one left out, and the same models on all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pytest_swarm.domain.record import JobStatus
from pytest_swarm.errors import OptionError, ServerDownError
from pytest_swarm.execution.server_upkeep import ServerUpkeep
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel
from pytest_swarm.ollama.transports.watched import INTERVAL_S, PROBE_LIMIT_S, ServerHealth, WatchedTransport
from pytest_swarm.plugin import host_setup
from pytest_swarm.plugin.host_pool import HostPool
from pytest_swarm.plugin.host_setup import (
    ServerState,
    check_distinct,
    check_one_kind,
    check_same_models,
    version_remarks,
)
from pytest_swarm.plugin.server_lock import ServerLock
from pytest_swarm.plugin.server_visit import ServerVisit
from pytest_swarm.simulator.virtual_loop import new_virtual_loop
from pytest_swarm.telemetry.sink import ListSink
from tests.execution.lab import bench, case, graph
from tests.plugin.conftest import Reports, mode_that, served

pytest.importorskip("uvicorn")
REFUSED_AFTER = 60
"""Requests: a run of one case asks 33, and one of five 109. A slow step is sampled more often, every half a second."""


def arguments(*hosts: str) -> tuple[str, ...]:
    return (
        "--swarm-backend=ollama",
        "--swarm-compare=greedy",
        "--swarm-retries=0",
        *(f"--swarm-host={host}" for host in hosts),
    )


def test_a_server_that_dies_is_left_out_and_its_case_runs_elsewhere(suite: pytest.Pytester, reports: Reports) -> None:
    with served(f"refuse:after={REFUSED_AFTER}") as dying, served() as sound:
        result = suite.runpytest(*arguments(dying, sound), "--swarm-repeat=5", "-v")
    result.assert_outcomes(passed=5)
    hosts = [case["host"] for case in reports.report["cases"]]
    assert len(hosts) == 5
    assert set(hosts) == {dying, sound}
    assert {case["status"] for case in reports.report["cases"]} == {"completed"}
    result.stdout.fnmatch_lines(
        [
            f"swarm: SIMULATED Ollama at {dying} (*the cases are spread over {dying}, {sound})",
            f"*the server at {dying} stopped answering, and was left out at *test_invoice*",
        ]
    )
    said = " ".join(result.stdout.str().split())
    shares = {host: hosts.count(host) for host in sorted(hosts)}
    named = ", ".join(f"{host} ran {count} job{'s' if count > 1 else ''}" for host, count in shares.items())
    assert f"Servers: {named}." in said
    assert "run more than once" not in said


@pytest.mark.parametrize(("faults", "status"), [((), "completed"), (("busy",), "error")])
def test_what_a_server_fails_runs_once_on_each_other_one_and_the_server_keeps_its_place(
    suite: pytest.Pytester, reports: Reports, faults: tuple[str, ...], status: str
) -> None:
    with served("busy:times=1") as busy, served(*faults) as other:
        suite.runpytest(*arguments(busy, other), "--swarm-repeat=4")
    cases = reports.report["cases"]
    assert cases[0]["status"] == status
    assert {case["host"] for case in cases} == {busy, other}
    head = f"invoice [greedy-h0-8GB]: the server at {busy} failed it, so it ran on another: "
    (note,) = [each for each in reports.report["notes"] if "server at" in each]
    assert note.startswith(f"{head}task 'fields' was not measured")


@pytest.mark.parametrize("backend", ["measure", "record"])
def test_a_backend_that_stays_on_one_server_says_so(suite: pytest.Pytester, backend: str) -> None:
    with served() as first, served() as second:
        cassette = ("--swarm-cassette=c.jsonl",) if backend == "record" else ()
        result = suite.runpytest(*arguments(first, second), f"--swarm-backend={backend}", *cassette)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"swarm: *{first} (*; of the 2 servers of --swarm-host each process calls one)*"])


def test_where_every_server_is_dead_the_jobs_end_as_errors(suite: pytest.Pytester, reports: Reports) -> None:
    fault = f"refuse:after={REFUSED_AFTER}"
    with served(fault) as first, served(fault) as second:
        result = suite.runpytest(*arguments(first, second), "--swarm-repeat=8")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    statuses = [case["status"] for case in reports.report["cases"]]
    assert len(statuses) == 8
    assert set(statuses) == {"completed", "error"}


MEETING = """
Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
for _ in range(6000):  # until each worker is at a server; a minute at most
    if Path("gw0").exists() and Path("gw1").exists():
        break
    time.sleep(0.01)
"""


def test_two_workers_use_two_servers(suite: pytest.Pytester, reports: Reports) -> None:
    pytest.importorskip("xdist")
    suite.makeconftest(mode_that("meet", MEETING))
    with served() as first, served() as second:
        result = suite.runpytest("-n2", *arguments(first, second), "--swarm-repeat=6", "--swarm-compare=meet")
    result.assert_outcomes(passed=6)
    assert {case["host"] for case in reports.report["cases"]} == {first, second}


def test_a_server_that_does_not_answer_at_the_start_is_an_error_where_it_was_asked_for(suite: pytest.Pytester) -> None:
    with served() as sound, served("refuse") as dead:
        asked = suite.runpytest(*arguments(sound, dead))
        auto = suite.runpytest("--swarm-backend=auto", f"--swarm-host={sound}", f"--swarm-host={dead}")
    assert asked.ret == pytest.ExitCode.USAGE_ERROR
    assert dead in asked.stderr.str()
    auto.assert_outcomes(passed=1)
    auto.stdout.fnmatch_lines([f"swarm: {dead} was left out: *"])


def state(host: str, digest: str | None, version: str = "0.33.0") -> ServerState:
    return ServerState(host=host, version=version, models=(ListedModel(tag="phi4:14b", digest=digest),))


def test_another_model_under_the_same_name_is_refused() -> None:
    with pytest.raises(OptionError, match=r"phi4:14b is not the same model at a \(111\) and at b \(222\)"):
        check_same_models([state("a", "111"), state("b", "222")], ("phi4:14b",))
    check_same_models([state("a", "111"), state("b", "111"), state("c", None)], ("phi4:14b",))


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1", True),  # with two passwords
        ("http://127.0.0.1:1", "http://localhost:1", True),
        ("http://[::1]:1/a", "http://127.0.0.1:1/a", True),
        ("http://127.0.0.1:1", "http://127.0.0.1:2", False),
        ("http://box:1", "http://10.0.0.7:1", True),
        ("http://10.0.0.7/ollama", "https://box:80/ollama", True),
        ("http://box:1", "http://[fd00::7]:1", True),
        ("http://box:1", "http://10.0.0.7:2", False),
        ("http://box:1/a", "http://10.0.0.7:1/b", False),
        ("http://box:1", "http://other:1", False),  # servers behind a proxy, which tells them by name
        ("http://unknown:1", "http://10.0.0.7:1", False),
    ],
)
def test_two_addresses_of_one_server_are_refused(
    first: str, second: str, equal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(name: str, _: object) -> list[tuple[object, ...]]:
        if name == "unknown":
            raise socket.gaierror
        found = ("10.0.0.7", "fd00::7") if name in ("box", "other") else (name,)
        return [(None, None, None, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with pytest.raises(OptionError, match="one server; give it once") if equal else nullcontext():
        check_distinct([first, "http://[fd00::8]:1", second])


def test_real_and_simulated_servers_in_one_run_are_refused() -> None:
    real, simulated = state("a", "1"), state("b", "1", "0.33.0-simulated")
    for mixed in ([real, simulated], [simulated, real]):
        with pytest.raises(OptionError, match="b is a simulated server, and a is not"):
            check_one_kind(mixed)
    for alike in ([real, real], [simulated, simulated]):
        check_one_kind(alike)


def test_a_run_on_real_and_simulated_servers_does_not_begin(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as simulated, served() as real:
        monkeypatch.setattr(host_setup, "server_version", lambda host, _: "0.33.0" if host == real else "0-simulated")
        result = suite.runpytest(*arguments(simulated, real))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{simulated} is a simulated server, and {real} is not*"])


def test_other_versions_are_noted() -> None:
    assert version_remarks([state("a", "1"), state("b", "1")]) == []
    (remark,) = version_remarks([state("a", "1"), state("b", "1", "0.32.1")])
    assert remark == "the servers run different versions of Ollama: a has 0.33.0, b has 0.32.1"


class Hanging(httpx.AsyncBaseTransport):
    """A server that answers its first request, and then takes requests and answers none."""

    def __init__(self) -> None:
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the first answer; wait for any other one."""
        self.requests += 1
        if self.requests > 1:
            await asyncio.Event().wait()
        return httpx.Response(200, json={"version": "0.33.0"}, request=request)


def test_a_call_to_a_server_that_hangs_fails_after_a_bounded_time_and_the_next_ones_sooner() -> None:
    async def waits() -> list[float]:
        server, health, took_s = Hanging(), ServerHealth(), []
        clock = asyncio.get_running_loop().time
        client = OllamaClient("http://box", transport=WatchedTransport(server, health), timeout_s=3600.0, retries=2)
        assert await client.version() == "0.33.0"
        for _ in range(2):
            started_s = clock()
            with pytest.raises(ServerDownError, match="the server at http://box takes connections and answers nothing"):
                await client.load("phi4:14b", num_ctx=None)
            took_s.append(clock() - started_s)
        assert health.hangs
        return took_s

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        assert runner.run(waits()) == [2 * (INTERVAL_S + PROBE_LIMIT_S), PROBE_LIMIT_S]


class Slow(httpx.AsyncBaseTransport):
    """A server that takes ten minutes for a load, in the middle of its answer, and gives its version at once."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, whose body comes late."""
        late_s = 0.0 if request.url.path == "/ollama/api/version" else 600.0
        return httpx.Response(200, stream=Late(late_s))


class Late(httpx.AsyncByteStream):
    """A body that comes late."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(self._late_s)
        yield b'{"model": "phi4:14b", "done": true}'


def test_a_server_that_works_on_one_answer_for_long_is_waited_for() -> None:
    async def waited_s() -> float:
        transport = WatchedTransport(Slow(), ServerHealth())
        client = OllamaClient("http://box/ollama", transport=transport, timeout_s=3600.0)
        await client.load("phi4:14b", num_ctx=None)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        assert runner.run(waited_s()) == 600.0


class StandIn:
    """The resources of one server, which is the simulator."""

    def __init__(self, host: str, folder: Path) -> None:
        self.remarks: list[str] = []
        self.bench = bench()
        self.visit = ServerVisit(ServerLock(f"http://{host}", tell=print, folder=folder), self.bench, run="r")

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the lock."""
        return self.visit.case()

    def close(self) -> None:
        """Close the bench."""
        self.bench.close()


def test_a_server_whose_models_are_replaced_is_left_out_and_its_case_runs_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that, it fails each case at once, is free again, and takes all that are left."""
    changed, sound = StandIn("changed", tmp_path), StandIn("sound", tmp_path)
    told: list[str] = []
    pool = HostPool({"changed": changed, "sound": sound}, answers=lambda _: True, tell=told.append)
    job = case(graph(ids="a"), "greedy")
    record = changed.bench.run(job)
    failed = replace(record, status=JobStatus.ERROR, error="replaced")
    monkeypatch.setattr(changed.bench, "run", lambda *_, **__: failed)
    assert pool.run(job, carryover="case", sink=ListSink()) == replace(failed, host="changed"), "it fails anywhere"
    monkeypatch.setattr(ServerUpkeep, "has_changed", True)
    records = [pool.run(job, carryover="case", sink=ListSink()) for _ in range(2)]
    pool.close()
    assert [(each.host, each.status) for each in records] == [("sound", JobStatus.COMPLETED)] * 2
    (sentence,) = told
    assert sentence.startswith("the server at changed has other models than when the run began, and was left out at ")


def test_the_server_that_is_free_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {host: StandIn(host, tmp_path) for host in ("slow", "quick")}
    owners = {host: ServerLock(f"http://{host}", tell=print, folder=tmp_path) for host in servers}
    assert all(each.take_at_once() for each in owners.values())
    monkeypatch.setattr("pytest_swarm.plugin.host_pool.time.sleep", lambda _: owners["quick"].give_back())
    pool = HostPool(servers, answers=lambda _: True, tell=print)
    assert pool.run(case(graph(ids="a"), "greedy"), carryover="case", sink=ListSink()).host == "quick"
    assert owners["quick"].take_at_once(), "it was given back"
    pool.close()


def test_a_server_that_does_not_answer_between_cases_is_left_out_before_it_is_given_one(tmp_path: Path) -> None:
    hanging, sound = StandIn("hanging", tmp_path), StandIn("sound", tmp_path)
    told: list[str] = []
    pool = HostPool({"hanging": hanging, "sound": sound}, answers=lambda host: host == "sound", tell=told.append)
    job = case(graph(ids="a"), "greedy")
    records = [pool.run(job, carryover="case", sink=ListSink()) for _ in range(2)]
    assert pool.close() == ["the server at hanging stopped answering, and was left out"], (
        "as each worker says, so that it is told once"
    )
    assert [record.host for record in records] == ["sound", "sound"]
    assert pool.alive == ("sound",)
    assert len(told) == 1
    assert "the server at hanging stopped answering" in told[0]
    assert ServerLock("http://hanging", tell=print, folder=tmp_path).take_at_once(), "it was given back"


def test_where_none_is_left_those_that_died_and_answer_again_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = {host: StandIn(host, tmp_path) for host in ("first", "second")}
    answering: set[str] = set()
    told: list[str] = []
    pool = HostPool(servers, answers=answering.__contains__, tell=told.append)
    job = case(graph(ids="a"), "greedy")
    run = servers["second"].bench.run
    failed = replace(run(job), status=JobStatus.ERROR, error="no server")
    for server in servers.values():
        monkeypatch.setattr(server.bench, "run", lambda *_, **__: failed)
    for _ in range(3):
        assert pool.run(job, carryover="case", sink=ListSink()).status is JobStatus.ERROR
    assert len(told) == len(servers), "each is told once"
    answering.add("second")
    monkeypatch.setattr(servers["second"].bench, "run", run)
    assert pool.run(job, carryover="case", sink=ListSink()).host == "second"
    assert pool.alive == ("second",)
    pool.close()
