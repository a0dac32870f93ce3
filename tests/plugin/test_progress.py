"""How long a run still takes: said after one, two, four ... minutes, by the pace of what was run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partialmethod

import pytest

from pytest_swarm.plugin import progress
from pytest_swarm.plugin.progress import Progress


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


CASES = [f"t.py::t[{number}]" for number in range(100)]


def report(took_s: float, test: str, *, skipped: bool = False) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=test, location=("t.py", 1, "t"), keywords={}, outcome="skipped" if skipped else "passed", longrepr=None,
        when="call", duration=took_s, user_properties=[] if skipped else [("swarm.job", "wb1")],
    )  # fmt: skip


def progress_of(clock: Clock, count: int, *, resumed: int = 0) -> Progress:
    """The last `resumed` cases are those that an earlier run has finished."""
    return Progress(cases=frozenset(CASES[:count]), resumed=frozenset(CASES[count - resumed : count]), clock=clock)


def said(whole: Progress, clock: Clock, *durations: float) -> list[str | None]:
    sentences = []
    for took_s, test in zip(durations, CASES, strict=False):
        clock.now_s += took_s
        sentences.append(whole.sentence(report(took_s, test)))
    return sentences


def test_the_rest_is_told_after_one_two_and_four_minutes() -> None:
    clock = Clock()
    sentences = said(progress_of(clock, 100), clock, *[20.0] * 12)
    assert [number for number, each in enumerate(sentences, start=1) if each is not None] == [3, 6, 12]
    assert sentences[2] == "3 of 100 cases have ended; at their pace the others take about 32 min"


def test_too_few_cases_tell_nothing_and_the_last_one_leaves_nothing() -> None:
    clock = Clock()
    assert [each is None for each in said(progress_of(clock, 4), clock, *[100.0] * 4)] == [
        *(True, True, False, True),
    ]


def test_cases_of_an_earlier_run_tell_nothing_of_the_pace() -> None:
    clock = Clock()
    whole = progress_of(clock, 100, resumed=80)
    assert [whole.sentence(report(0.0, test)) for test in CASES[20:]] == [None] * 80
    sentences = said(whole, clock, *[20.0] * 3)
    assert sentences[-1] == "83 of 100 cases have ended; at their pace the others take about 6 min"


def test_cases_of_an_earlier_run_may_come_after_the_others_or_be_left_out() -> None:
    clock = Clock()
    assert said(progress_of(clock, 100, resumed=80), clock, *[20.0] * 3)[-1] == (
        "3 of 100 cases have ended; at their pace the others take about 6 min"
    )
    clock = Clock()
    chosen = Progress(cases=frozenset(CASES[:6]), resumed=frozenset(CASES[20:]), clock=clock)  # -k
    assert said(chosen, clock, *[20.0] * 3)[-1] == "3 of 6 cases have ended; at their pace the others take about 60 s"


def test_a_repeat_that_was_not_needed_has_ended_too() -> None:
    clock = Clock()
    whole = progress_of(clock, 6)
    assert said(whole, clock, 10.0, 10.0) == [None, None]
    whole.sentence(report(0.0, CASES[2], skipped=True))
    clock.now_s += 40.0
    sentence = whole.sentence(report(40.0, CASES[3]))
    assert sentence == "4 of 6 cases have ended; at their pace the others take about 30 s"


def test_a_report_that_comes_twice_is_one_case() -> None:
    clock = Clock()
    whole = progress_of(clock, 10)
    clock.now_s += 20.0
    words = [whole.word(report(20.0, CASES[0])) for _ in range(3)]
    assert words == ["PASSED (1/10, 3 min left)"] * 3


def test_cases_beside_each_other_count_by_the_clock() -> None:
    clock = Clock()
    whole = progress_of(clock, 8)
    clock.now_s += 60.0
    sentences = [whole.sentence(report(60.0, test)) for test in CASES[:4]]  # four workers
    assert sentences[-1] is None  # the third has said it
    assert sentences[2] == "3 of 8 cases have ended; at their pace the others take about 2 min"


def test_a_case_that_will_run_again_has_not_ended() -> None:
    clock = Clock()
    whole = progress_of(clock, 3)
    again = report(20.0, CASES[0])
    again.outcome = "rerun"  # type: ignore[assignment]  # pytest-rerunfailures'
    whole.count(again)
    clock.now_s += 40.0
    assert whole.word(report(40.0, CASES[0])) == "PASSED (1/3, 80 s left)"
    assert whole.word(report(0.0, CASES[1])) == "PASSED (2/3, 20 s left)"


def test_a_case_of_which_a_subtest_has_ended_has_not_ended() -> None:
    clock = Clock()
    whole = progress_of(clock, 3)
    part = report(20.0, CASES[0])
    part.__dict__["context"] = "n=1"  # pytest's since version 9, before that pytest-subtests'
    assert whole.sentence(part) is None
    assert not progress.is_benchmark_call(part)
    clock.now_s += 40.0
    assert whole.word(report(40.0, CASES[1])) == "PASSED (1/3, 80 s left)"


def test_the_word_of_a_benchmark_of_several_jobs_has_their_mean_score() -> None:
    whole = progress_of(Clock(), 1)
    both = report(1.0, CASES[0])
    both.user_properties = [("swarm.score", 1.0), ("swarm.score", None), ("swarm.score", 0.5)]
    assert whole.word(both) == "PASSED 75 %"


@pytest.mark.parametrize("workers", [(), ("-n", "1", "-p", "xdist")], ids=["alone", "worker"])
def test_a_resumed_run_counts_its_first_case(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    suite.runpytest_inprocess("--swarm-compare=lp,greedy,milp", "-k", "not milp and not greedy").assert_outcomes(
        passed=1, deselected=2
    )
    monkeypatch.setattr(progress, "_FEWEST", 1)
    monkeypatch.setattr(Progress, "__init__", partialmethod(Progress.__init__, _next_s=1e-9))
    shown = suite.runpytest_inprocess("--swarm-compare=lp,greedy,milp", "--swarm-resume", *workers)
    shown.stdout.fnmatch_lines(["swarm: 2 of 3 cases have ended; at their pace the others take about *"])


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_run_without_a_terminal_runs(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    shown = suite.runpytest_inprocess("-p", "no:terminal", "--swarm-compare=lp,greedy", *options)
    assert shown.ret == 0, shown.stderr.str()
    assert "Error" not in shown.stdout.str() + shown.stderr.str()


def test_a_run_says_it_on_a_line_of_its_own(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FEWEST", 1)
    monkeypatch.setattr(Progress, "__init__", partialmethod(Progress.__init__, _next_s=1e-9))
    line = "swarm: 1 of 3 cases have ended; at their pace the others take about *"

    shown = suite.runpytest_inprocess("--swarm-compare=lp,greedy,milp")
    shown.stdout.fnmatch_lines([line])
    shown.assert_outcomes(passed=3)
    for option in ("-q", "-v", "--swarm-dry-run"):
        assert "at their pace" not in suite.runpytest_inprocess("--swarm-compare=lp,greedy", option).stdout.str()
