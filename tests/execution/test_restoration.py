"""What a run restores on a server, and what it says of models that it could not restore."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import httpx
import pytest

from pytest_swarm.domain.model import Fleet
from pytest_swarm.errors import BackendError, BadReplyError, ServerDownError
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings, Dispatch
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.server_upkeep import ServerUpkeep
from pytest_swarm.ollama.messages import ChatReply
from tests.execution.lab import HEAVY, case, graph
from tests.execution.stand_in import StandIn, reply
from tests.simulator.servers import in_virtual_time


class Refusing(StandIn):
    """A server that refuses to load these models, or to unload them; it is `late` where it has unloaded them."""

    def __init__(
        self, *, loads: str | None = None, unloads: str | None = None, full: bool = False, late: bool = False
    ) -> None:
        super().__init__()
        self.loads, self.unloads, self.full, self.late = loads, unloads, full, late

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        response = await super().__call__(request)
        tag, body = (None, {}) if not self.requests else (self.requests[-1][1]["model"], self.requests[-1][1])
        if request.url.path != "/api/generate":
            return response
        unloading = body.get("keep_alive") == 0
        if self.full and not unloading:
            del self.resident[tag]  # it is loaded, and at once evicted
        if tag != (self.unloads if unloading else self.loads):
            return response
        if unloading and not self.late:
            self.put(tag)
        elif not unloading:
            del self.resident[tag]
        return httpx.Response(500, json={"error": "llama-server process has terminated: exit status 1"})


def restored(
    server: StandIn,
    during: Callable[[StandIn], object],
    *,
    forgets: Collection[str] = (),
    broken_off: bool = False,
    later_s: float = 0.0,
) -> tuple[str, ...]:
    """What is said of a run that uses `own` on a server that held `theirs`, after what happens `during` it."""

    async def main() -> tuple[str, ...]:
        client = server.backend().connect().client
        restoration = Restoration()
        server.put("theirs", num_ctx=512)
        await restoration.look(client)
        await client.load("own", num_ctx=4096, keep_alive=900)
        restoration.change()
        restoration.use("own")
        during(server)
        restoration.forget(forgets)
        restoration.broken_off = broken_off
        said = await restoration.restore(client)
        await asyncio.sleep(later_s)
        return said

    return in_virtual_time(main)


def evicted(server: StandIn) -> None:
    del server.resident["theirs"]


def test_what_was_displaced_is_put_back_and_what_the_run_loaded_goes() -> None:
    server = StandIn()
    assert restored(server, evicted) == ()
    assert server.resident == {"theirs": 512}


def test_what_others_load_meanwhile_is_left_alone() -> None:
    server = StandIn()
    assert restored(server, lambda each: each.put("new", num_ctx=64)) == ()
    assert server.resident == {"theirs": 512, "new": 64}


@pytest.mark.parametrize("seconds", [7200.0, 9e9], ids=["for-hours", "for-ever"])
def test_what_others_pin_under_a_tag_of_the_run_stays_and_is_said(seconds: float) -> None:
    server = StandIn()
    (said,) = restored(server, lambda each: each.put("own", num_ctx=64, seconds=seconds))
    assert said == "own was loaded by the run and stays: another client has extended its keep_alive since"
    assert server.resident == {"theirs": 512, "own": 64}
    assert [body["model"] for _, body in server.requests] == ["own"], "nothing but the run's own load"


def test_what_others_pin_of_what_was_found_stays_pinned() -> None:
    server = StandIn()
    server.installed, server.digests = {"own:latest": "f", "theirs:latest": "f"}, {"theirs": "f"}

    def pin(each: StandIn) -> None:
        each.resident.pop("own")  # the server lists a file under one tag
        each.put("theirs", num_ctx=512, seconds=9e9)

    assert restored(server, pin) == ()
    assert [body["model"] for _, body in server.requests] == ["own"], "no request that would end the pin"


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (Refusing(loads="theirs"), "theirs was resident before the run and could not be put back: "),
        (Refusing(unloads="own"), "own was loaded by the run and is still resident: "),
        (Refusing(full=True), "theirs: resident before the run, and the server has no room for it any more"),
    ],
    ids=["no-load", "no-unload", "no-room"],
)
def test_what_cannot_be_restored_is_said_once(server: StandIn, sentence: str) -> None:
    (said,) = restored(server, evicted)
    assert said.startswith(sentence)


def test_a_model_that_went_is_not_said_to_stay() -> None:
    assert restored(Refusing(unloads="own", late=True), evicted) == ()


@pytest.mark.parametrize("forgotten", [True, False])
@pytest.mark.parametrize("other", [True, False], ids=["another-tag", "no-tag"])
def test_the_old_file_of_a_replaced_model_is_unloaded_by_another_tag_or_named(other: bool, forgotten: bool) -> None:
    server = StandIn()
    server.installed = {"own": "new", **({"kept:1": "old"} if other else {})}
    server.digests = {"own": "old", "theirs": "x"}
    (*said,) = restored(server, lambda _: None, forgets=["own:latest"] if forgotten else [])
    assert server.resident == {"theirs": 512, **({} if other else {"own": 4096})}
    reason = "its file was replaced on the server, and no tag reaches the old one; it goes by itself in 15 min"
    assert said == ([] if other else [f"own was loaded by the run and is still resident: {reason}"])
    polls = [path for path, _ in server.requests]
    assert len(polls) <= 4


@pytest.mark.parametrize(
    ("error", "when"),
    [(BadReplyError("no JSON"), ""), (ServerDownError("gone"), "once it answers, ")],
)
def test_a_restoration_that_is_broken_off_says_what_was_resident_before(
    error: BackendError, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken_off(*_: object) -> tuple[str, ...]:
        raise error

    monkeypatch.setattr(Restoration, "_restore_once", broken_off)
    server = StandIn()
    server.put("theirs", num_ctx=512)
    upkeep = ServerUpkeep(server.backend())
    upkeep.look()
    (said,) = upkeep.restore()
    assert said.endswith(f"; resident before: theirs (num_ctx 512); {when}look at `ollama ps`")


def test_what_was_gone_before_the_run_changed_anything_stays_away() -> None:
    async def main() -> tuple[str, ...]:
        server = StandIn()
        client, restoration = server.backend().connect().client, Restoration()
        server.put("theirs", num_ctx=512)
        await restoration.look(client)
        evicted(server)
        said = await restoration.restore(client)
        return (*said, *server.resident)

    assert in_virtual_time(main) == ()


class Unloading(StandIn):
    """A server on which `theirs` goes as the run loads its own model, or during a call from the nth on."""

    def __init__(self, *, during: str, nth: int = 1, **figures: Any) -> None:
        super().__init__(lambda _: reply(**{"load_duration": 0, "total_duration": 10**9, **figures}))
        self.during, self.nth = during, nth

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        response = await super().__call__(request)
        if request.url.path == self.during and self.requests[-1][1]["model"] != "theirs":
            self.nth -= 1
            if self.nth <= 0:
                self.resident.pop("theirs", None)
        return response


@pytest.mark.parametrize(
    ("mode", "dispatch", "server", "put_back"),
    [
        ("greedy", "layers", Unloading(during="/api/generate"), True),
        ("greedy", "layers", Unloading(during="/api/chat"), False),
        ("greedy", "layers", Unloading(during="/api/chat", load_duration=250_000_000), True),
        ("greedy", "tasks", Unloading(during="/api/chat"), False),
        ("greedy", "tasks", Unloading(during="/api/chat", load_duration=250_000_000), True),
        ("llm", "layers", Unloading(during="/api/chat", nth=3), False),
        ("llm", "layers", Unloading(during="/api/chat", nth=3, load_duration=250_000_000), True),
    ],
    ids=["load", "owner", "reload", "owner-tasks", "reload-tasks", "owner-planner", "reload-planner"],
)
def test_a_model_that_its_owner_unloads_during_the_run_is_not_put_back(
    mode: str, dispatch: Dispatch, server: Unloading, put_back: bool
) -> None:
    server.put("theirs", num_ctx=512)
    fleet = Fleet(name="own", models=(HEAVY["gemma2:2b"],))
    settings = BenchSettings(planner="gemma2:2b", dispatch=dispatch)
    with Bench(backend=server.backend(), fleet=fleet, settings=settings) as bench:
        assert bench.run(case(graph(("a", "b")), mode, horizon=0)).error is None
        assert bench.leave() == ()
    assert set(server.resident) == ({"theirs"} if put_back else set())


def timed_reply(*, load_s: float) -> ChatReply:
    unknown = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_s", "prefill_s", "decode_s", "done_reason"))
    return ChatReply(text="42", load_s=load_s, **unknown)  # type: ignore[arg-type]


@pytest.mark.parametrize(("load_s", "put_back"), [(0.006, False), (0.25, True), (None, True)])
def test_what_goes_while_calls_run_is_decided_by_the_time_that_they_took_to_load(
    load_s: float | None, put_back: bool
) -> None:
    async def main() -> bool:
        server, restoration = StandIn(), Restoration()
        client = server.backend().connect().client
        server.put("theirs", num_ctx=512)
        await restoration.look(client)
        found = restoration.found or ()
        quick, slow = asyncio.Future[ChatReply](), asyncio.Future[ChatReply]()
        calls = [asyncio.ensure_future(restoration.reply(each)) for each in (quick, slow)]
        await asyncio.sleep(0)
        restoration.change()  # a load beside them
        restoration.see(found)
        quick.set_result(timed_reply(load_s=0.001))
        await calls[0]
        restoration.see(())
        if load_s is None:
            calls[1].cancel()
        else:
            slow.set_result(timed_reply(load_s=load_s))
        await asyncio.wait(calls)
        restoration.see(())
        return restoration.found == found

    assert in_virtual_time(main) is put_back


class Slow(StandIn):
    """A server on which a load takes four minutes."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/generate":
            await asyncio.sleep(240)
        return await super().__call__(request)


def test_a_model_is_put_back_however_little_time_the_run_gives_its_own_calls() -> None:
    server = Slow()

    async def main() -> tuple[str, ...]:
        client, restoration = server.backend().connect().client, Restoration()
        client.timeout_s = 1
        server.put("theirs", num_ctx=512)
        await restoration.look(client)
        restoration.change()
        evicted(server)
        return await restoration.restore(client)

    assert in_virtual_time(main) == ()
    assert server.resident == {"theirs": 512}


class OneWeights(StandIn):
    """A server whose tags all have the same weights, so that any of them unloads what was loaded by another."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        response = await super().__call__(request)
        if self.requests and self.requests[-1][1].get("keep_alive") == 0:
            self.resident.pop(self.requests[-1][1]["model"], None)
        return response


def test_a_replaced_model_of_the_same_weights_is_unloaded_by_its_tag() -> None:
    server = OneWeights()
    server.installed, server.digests = {"own": "new"}, {"own": "old", "theirs": "x"}
    assert restored(server, lambda _: None) == ()
    assert server.resident == {"theirs": 512}


def test_a_model_that_is_listed_twice_under_its_tag_is_unloaded_twice() -> None:
    server = StandIn()
    server.installed = {"own:latest": "new", "kept:1": "old"}
    server.digests = {"own": "old", "own:latest": "new", "theirs": "x"}
    assert restored(server, lambda each: each.put("own:latest")) == ()
    assert server.resident == {"theirs": 512}


def test_a_model_whose_tag_was_removed_is_unloaded_by_another_tag() -> None:
    server = StandIn()
    server.installed, server.digests = {"kept:1": "old"}, {"own": "old", "theirs": "x"}
    assert restored(server, lambda _: None) == ()
    assert server.resident == {"theirs": 512}


@pytest.mark.parametrize("broken_off", [True, False])
def test_a_load_that_the_server_goes_on_with_after_it_was_broken_off_is_unloaded(broken_off: bool) -> None:
    server = StandIn()

    def break_off(each: StandIn) -> None:
        evicted(each)
        del each.resident["own"]
        asyncio.get_running_loop().call_later(0.5, each.put, "own")

    assert restored(server, break_off, broken_off=broken_off, later_s=2.0) == ()
    assert server.resident == {"theirs": 512, **({} if broken_off else {"own": 4096})}


def test_a_file_that_somebody_else_loaded_under_a_replaced_tag_is_left_alone() -> None:
    server = StandIn()
    server.installed, server.digests = {"own:latest": "new"}, {"own": "new"}
    assert restored(server, lambda _: None, forgets=["own:latest"]) == ()
    assert server.resident == {"theirs": 512, "own": 4096}


def test_a_model_whose_file_the_run_used_under_another_tag_expires_as_it_would_have() -> None:
    server = StandIn()
    server.installed, server.digests = {"own:latest": "f", "theirs:latest": "f"}, {"theirs": "f"}
    assert restored(server, lambda each: each.resident.pop("own")) == ()  # the server lists a file under one tag
    path, body = server.requests[-1]
    assert (path, body["model"], body["options"]) == ("/api/generate", "theirs", {"num_ctx": 512})
