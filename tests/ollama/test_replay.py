"""Which recording a replay takes, and which recorded probes it skips."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.errors import CassetteError
from pytest_swarm.ollama.cassette.takes import Cassette, Exchange, Take, TakeOrigin
from pytest_swarm.ollama.transports.probe import ProbeTransport
from pytest_swarm.ollama.transports.replay import CassetteIndex, ReplayingTransport
from pytest_swarm.simulator.virtual_loop import new_ticking_loop
from tests.execution.lab import graph
from tests.ollama.test_recording import ask

KEY = CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0)
GRAPH = graph(("a", "b"))


def case(test: str) -> Case:
    return Case(graph=GRAPH, key=KEY, test=test)


def take(test: str, *, run: str = "r", exchanges: tuple[Exchange, ...] = ()) -> Take:
    origin = TakeOrigin(run=run, recorded_ts_ms=0.0, backend="ollama", detail="d", host="http://h:1", simulated=False)
    return Take(case=case(test), origin=origin, exchanges=exchanges)


def index(*takes: Take) -> CassetteIndex:
    return CassetteIndex(Cassette(path="c.jsonl", takes=takes))


@pytest.mark.parametrize("test", ["first", "second", "third"])
def test_a_case_replays_the_recording_of_its_own_test(test: str) -> None:
    takes = (take("first"), take("second"), take("third"))
    found = index(*takes)
    assert found.peek(case(test)) is found.take(case(test))
    assert index(*takes).take(case(test)).case.test == test


def test_the_recording_of_its_own_test_is_replayed_once() -> None:
    found = index(take("first"), take("second"))
    assert found.take(case("second")).case.test == "second"
    with pytest.raises(CassetteError, match="is asked for once more"):
        found.take(case("second"))
    assert found.take(case("first")).case.test == "first"


def test_a_test_without_a_recording_of_its_own_replays_the_others_in_order() -> None:
    found = index(take("first"), take("second"))
    assert [found.take(case("other")).case.test for _ in range(2)] == ["first", "second"]
    with pytest.raises(CassetteError, match=r"holds job .* 2 times, and it is asked for once more"):
        found.take(case("other"))


def test_the_newest_run_counts_before_the_own_test() -> None:
    found = index(take("own", run="old"), take("other", run="new"))
    assert found.take(case("own")).origin.run == "new"
    with pytest.raises(CassetteError, match=r"once, and it is asked for once more; .* --swarm-record-mode=all$"):
        found.take(case("own"))


def test_a_missing_case_is_recorded_by_what_the_message_says_whatever_the_record_mode() -> None:
    with pytest.raises(CassetteError, match=r"record it with --swarm-backend=record .* --swarm-record-mode=new$"):
        index().take(case("own"))


def probe(sent_s: float) -> Exchange:
    return Exchange(
        method="POST", path="/x", body={"n": 1}, sent_s=sent_s, end_s=0.0, status=200, head_s=0.0, watched=True
    )


@pytest.mark.parametrize(
    ("recorded_s", "asked_s", "answered_s"),
    [
        ((1.0, 30.0), 10.0, 30.0),  # the first one is stale: it belongs to an earlier step
        ((1.0, 30.0), 1.05, 1.05),  # just late: still the first one
        ((1.0, 1.5, 30.0), 1.55, 1.55),
        ((1.0, 30.0), 0.0, 1.0),
    ],
)
def test_a_stale_probe_is_skipped(recorded_s: tuple[float, ...], asked_s: float, answered_s: float) -> None:
    async def main() -> float:
        replay = ReplayingTransport(index(take("t", exchanges=tuple(map(probe, recorded_s)))))
        replay.begin(case("t"), now_s=0.0)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(asked_s)
        await ask(ProbeTransport(replay), 1)
        return loop.time()

    with asyncio.Runner(loop_factory=new_ticking_loop) as runner:
        assert runner.run(main()) == pytest.approx(answered_s, abs=1e-5)
