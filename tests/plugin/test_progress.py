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


def report(took_s: float) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="t.py::t", location=("t.py", 1, "t"), keywords={}, outcome="passed", longrepr=None, when="call",
        duration=took_s, user_properties=[("swarm.job", "wb1")],
    )  # fmt: skip


def said(whole: Progress, clock: Clock, *durations: float) -> list[str | None]:
    sentences = []
    for took_s in durations:
        clock.now_s += took_s
        sentences.append(whole.sentence(report(took_s)))
    return sentences


def test_the_rest_is_told_after_one_two_and_four_minutes() -> None:
    clock = Clock()
    sentences = said(Progress(total=100, clock=clock), clock, *[20.0] * 12)
    assert [number for number, each in enumerate(sentences, start=1) if each is not None] == [3, 6, 12]
    assert sentences[2] == "3 of 100 cases have ended; at their pace the others take about 32 min"


def test_too_few_cases_tell_nothing_and_the_last_one_leaves_nothing() -> None:
    clock = Clock()
    assert [each is None for each in said(Progress(total=4, clock=clock), clock, *[100.0] * 4)] == [
        *(True, True, False, True),
    ]


def test_cases_of_an_earlier_run_tell_nothing_of_the_pace() -> None:
    clock = Clock()
    sentences = said(Progress(total=100, resumed=80, clock=clock), clock, *[0.0] * 80, *[20.0] * 3)
    assert sentences[-1] == "83 of 100 cases have ended; at their pace the others take about 6 min"


def test_cases_beside_each_other_count_by_the_clock() -> None:
    clock = Clock()
    whole = Progress(total=8, clock=clock)
    clock.now_s += 60.0
    sentences = [whole.sentence(report(60.0)) for _ in range(4)]  # four workers
    assert sentences[-1] is None  # the third has said it
    assert sentences[2] == "3 of 8 cases have ended; at their pace the others take about 2 min"


def test_a_run_says_it_on_a_line_of_its_own(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FEWEST", 1)
    monkeypatch.setattr(Progress, "__init__", partialmethod(Progress.__init__, _next_s=1e-9))
    line = "swarm: 1 of 3 cases have ended; at their pace the others take about *"

    shown = suite.runpytest_inprocess("--swarm-compare=lp,greedy,milp")
    shown.stdout.fnmatch_lines([line])
    shown.assert_outcomes(passed=3)
    for option in ("-q", "-v", "--swarm-dry-run"):
        assert "at their pace" not in suite.runpytest_inprocess("--swarm-compare=lp,greedy", option).stdout.str()
