"""Looking again after more repeats were added by hand: the baseline remembers the looks, and the level holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.cli import main
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.baseline_codec import encode_baseline, read_baseline, write_baseline
from pytest_swarm.gate.draws import bet_scale
from pytest_swarm.gate.evaluate import evaluate
from pytest_swarm.gate.look_memory import remember_look
from pytest_swarm.gate.looks import after_look, earlier_looks, share_of_level
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.updating import update_baseline
from pytest_swarm.gate.verdicts import GateResult
from pytest_swarm.metrics.metric_table import GATE_METRICS
from tests.gate.runs import baseline, case, policy, run_context
from tests.gate.test_plugin import BASE, stored
from tests.plugin.conftest import INI, SUITE

SCORES = [0.6, 0.9, 0.3, 0.6, 0.9, 0.3, 0.6, 0.6]


def side(repeats: int, *, jobs: int = 4) -> tuple[BaselineCase, ...]:
    return tuple(case(f"job{n}", SCORES[:repeats]) for n in range(jobs))


def look(before: Baseline, repeats: int) -> GateResult:
    run = RunCases(cases=side(repeats))
    return evaluate(run, before, run_context(seed=1), policy=policy("score:-2.5%"), covered=lambda _: True)


@pytest.mark.parametrize(
    ("name", "values", "scale"),
    [
        ("score", [0.2, 0.4], 1.0),  # of 0 to 1
        ("makespan_s", [5.0, 2.0, 3.0], 3.0),
        ("makespan_s", [4.0, 4.0], 4.0),
        ("makespan_s", [0.0], 1.0),
    ],
)
def test_bets_are_scaled_by_the_range_of_the_metric_or_of_the_baseline(
    name: str, values: list[float], scale: float
) -> None:
    assert bet_scale(GATE_METRICS[name], values) == scale


def test_all_looks_together_are_wrong_at_most_twice_as_often_as_one() -> None:
    shares = [share_of_level(earlier) for earlier in range(10_000)]
    assert shares[:4] == [1.0, 1 / 2, 1 / 6, 1 / 12]
    assert sum(shares) < 2.0


def test_an_undecided_look_is_remembered_and_the_next_one_is_stricter() -> None:
    then = baseline(*side(8))
    first = look(then, 2)
    assert first.undecided
    remembered = after_look(then, RunCases(cases=side(2)), undecided=True)
    assert remembered is not None
    assert remembered.looks == (2,)
    fresh, second = (look(each, 6).rows[0] for each in (then, remembered))
    assert (fresh.looks, second.looks) == (0, 1)
    assert (fresh.confidence, second.confidence) == (95.0, 97.5)
    assert fresh.low is not None
    assert second.low is not None
    assert second.low < fresh.low


def test_the_repeats_asked_for_are_planned_for_the_next_look() -> None:
    """The next look has half of the level, so it needs more repeats than a first one."""
    then = baseline(*side(2))
    asked = [look(replace(then, looks=looks), 2).rows[0].repeats_to_prove_ok for looks in ((), (1,), (1, 1))]
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[0] < asked[1]


def test_only_looks_with_fewer_repeats_belong_to_the_series() -> None:
    """Nightly runs of one size are runs of their own: none of them pays for another."""
    then = replace(baseline(*side(8)), looks=(2, 4))
    counts = [earlier_looks(then, RunCases(cases=side(repeats))) for repeats in (2, 3, 4, 5)]
    assert counts == [0, 1, 1, 2]
    assert after_look(then, RunCases(cases=side(4)), undecided=True) is None


@pytest.mark.parametrize("undecided", [True, False])
def test_a_smaller_run_is_one_of_its_own(undecided: bool) -> None:
    then = replace(baseline(*side(8)), looks=(2, 4))
    assert after_look(then, RunCases(cases=side(3)), undecided=undecided) is None


def test_a_decided_look_ends_the_series() -> None:
    then = replace(baseline(*side(2)), looks=(2, 4))
    ended = after_look(then, RunCases(cases=side(4)), undecided=False)
    assert ended is not None
    assert ended.looks == ()
    assert encode_baseline(ended) == encode_baseline(baseline(*side(2)))


def test_bets_and_reproducible_runs_need_no_memory() -> None:
    then, run = replace(baseline(*side(8)), looks=(2,)), RunCases(cases=side(4))
    for seed, sequential in ((0, False), (1, True)):
        rules = policy("score:-2.5%", sequential=sequential)
        (row,) = evaluate(run, then, run_context(seed=seed), policy=rules, covered=lambda _: True).rows
        assert row.looks == 0


def test_looks_survive_the_file_and_are_left_out_where_there_are_none(tmp_path: Path) -> None:
    write_baseline(replace(baseline(*side(2)), looks=(2, 5)), tmp_path / "b.json")
    assert read_baseline(tmp_path / "b.json").looks == (2, 5)
    assert '"looks"' not in encode_baseline(baseline(*side(2)))


@pytest.mark.parametrize(
    ("update", "repeats", "looks"), [("all", 6, (2,)), ("all", 4, ()), ("append", 4, (2,)), ("new", 4, (2,))]
)
def test_an_update_that_adds_repeats_goes_on_with_the_series(update: str, repeats: int, looks: tuple[int, ...]) -> None:
    old, run = replace(baseline(*side(4)), looks=(2,)), RunCases(cases=side(repeats))
    found = update_baseline(old, run, run_context(run="later"), update=update, covered=lambda _: True)  # type: ignore[arg-type]
    assert found.baseline.looks == looks


ARGS = ("--swarm-compare=lp", "--swarm-seed=1")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=SUITE)
    pytester.runpytest(BASE, "--swarm-update-baseline", "--swarm-compare=lp", "--swarm-repeat=4")
    return pytester


def test_a_session_keeps_its_look_in_the_baseline(suite: pytest.Pytester) -> None:
    result = suite.runpytest(BASE, *ARGS, "--swarm-repeat=2")
    result.stdout.fnmatch_lines(["baseline base.json now remembers a look with 2 repeats; one with more is judged *"])
    assert stored(suite)["looks"] == [2]
    again = suite.runpytest(BASE, *ARGS, "--swarm-repeat=2")
    assert "remembers" not in again.stdout.str()
    result = suite.runpytest(BASE, *ARGS, "--swarm-repeat=3")
    result.stdout.fnmatch_lines(["*; look 2 of a growing run, at 50 % of the level"])
    assert stored(suite)["looks"] == [2, 3]
    suite.runpytest(BASE, "--swarm-compare=lp", "--swarm-fail=violations:+0")
    assert stored(suite)["looks"] == [2, 3], "a reproducible run is no look"


def test_the_command_keeps_its_look_as_well(suite: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    suite.runpytest(*ARGS, "--swarm-repeat=2")
    run = max((suite.path / "reports").rglob("events.jsonl"), key=lambda each: each.stat().st_mtime).parent
    file = suite.path / "base.json"
    capsys.readouterr()
    assert main(["gate", str(run), "--baseline", str(file)]) == 0
    assert "now remembers a look with 2 repeats" in capsys.readouterr().out
    assert json.loads(Path(file).read_text())["looks"] == [2]


def test_a_baseline_that_cannot_be_written_to_costs_no_verdict(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_swarm.errors import BaselineError

    def fail(*_: object) -> None:
        raise BaselineError("baseline base.json: cannot be written: read-only")

    monkeypatch.setattr("pytest_swarm.gate.baseline_change.write_baseline", fail)
    result = suite.runpytest(BASE, *ARGS, "--swarm-repeat=2")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["Gate: inconclusive*", "baseline base.json: cannot be written: read-only; so a later *"]
    )


def test_a_look_changes_nothing_but_looks_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    """Somebody pulled another baseline while the run went on: it stays, and the look is said not to be kept."""
    file = tmp_path / "base.json"
    then, pulled = baseline(*side(4)), replace(baseline(*side(8)), looks=(7,))
    result, run = look(then, 2), RunCases(cases=side(2))
    write_baseline(pulled, file)
    assert remember_look(then, run, replace(result, gate="off"), file=file, shown="base.json") == ()
    (said,) = remember_look(then, run, result, file=file, shown="base.json")
    assert said.startswith("baseline base.json was changed by others while this run went on")
    assert read_baseline(file) == replace(pulled, where=read_baseline(file).where)
    write_baseline(replace(then, looks=(1,)), file)
    remember_look(then, run, result, file=file, shown="base.json")
    assert read_baseline(file).looks == (1, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["base.json"]
