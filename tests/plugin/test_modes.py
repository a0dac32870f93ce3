"""Modes on the command line: third parties' arguments, and what a mode needs before any test runs."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Reports

MINE = """
from pytest_swarm import Assignment, Origin, Plan, PlanStatus
from pytest_swarm.routing.registry import ModeArgument, ModeSpec

class Mine:
    def __init__(self, setup):
        self.name = "mine"
        self.tag = {None: "gemma2:2b", "small": "gemma2:2b", "large": "llama3.1:8b"}[setup.argument]

    async def route(self, view):
        chosen = tuple(Assignment(task=t.id, model=self.tag, origin=Origin.RULE) for t in view.tasks)
        return Plan(assignments=chosen, residency=(frozenset({self.tag}),), status=PlanStatus.HEURISTIC)

def pytest_swarm_routers(config):
    return {
        "mine": Mine,
        "timed": ModeSpec(name="timed", factory=Mine, needs=("speeds",)),
        "one": ModeSpec(name="one", factory=Mine, argument=ModeArgument(metavar="TAG", example="a:1b", kind="model")),
    }
"""


def test_a_third_party_mode_takes_an_argument_and_is_shown_everywhere(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(MINE)
    args = ("--swarm-compare=mine:small,mine:large,mine,oracle", "--swarm-report=json", "--swarm-report=html")
    result = suite.runpytest(*args)
    result.assert_outcomes(passed=4)
    chosen = {step["mode"]: {row["model"] for row in step["executed"]} for step in reports.of("plan_step")}
    assert chosen["mine:small"] == chosen["mine"] == {"gemma2:2b"}
    assert chosen["mine:large"] == {"llama3.1:8b"}
    assert list(reports.report["modes"]) == ["oracle", "mine", "mine:large", "mine:small"]
    page = (reports.folder / "report.html").read_text()
    for mode in ("mine", "mine:large", "mine:small"):
        result.stdout.fnmatch_lines([f"{mode} *"])
        assert mode in page


@pytest.mark.parametrize(
    ("modes", "sentence"),
    [
        (
            "greedy:fast",
            "*: mode 'greedy' takes no argument, but 'greedy:fast' gives one; write 'greedy'",
        ),
        ("mine:", "--swarm-compare: mode 'mine:' names no argument; write for example mine:fast"),
        ("one", "--swarm-compare: mode 'one' names no model; write for example one:a:1b"),
        ("one:x", "mode 'one:x': fleet 'heavy' has no model 'x'; it has gemma2:2b,*"),
        ("timed", "mode 'timed' needs prefill_tokens_per_s and decode_tokens_per_s of every model; fleet 'heavy' *"),
        (
            "other",
            "*: unknown mode 'other'; known are both, all, lp,*, mine[[]:ARGUMENT], timed, one:TAG",
        ),
    ],
)
def test_what_cannot_run_ends_the_run_before_any_test(suite: pytest.Pytester, modes: str, sentence: str) -> None:
    suite.makeconftest(MINE)
    result = suite.runpytest(f"--swarm-compare=lp,{modes}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])
    assert "passed" not in result.stdout.str()


def test_all_has_third_parties_modes_but_none_that_lacks_its_argument(suite: pytest.Pytester) -> None:
    suite.makeconftest(MINE)
    lines = suite.runpytest("--collect-only", "-q", "--swarm-compare=all").outlines
    modes = [line.split("[")[1].removesuffix("-h0-8GB]") for line in lines if "[" in line]
    assert modes[-3:] == ["oracle", "mine", "timed"]


def test_the_oracle_is_refused_where_nobody_knows_the_scores(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-profile=a40").assert_outcomes(
        passed=1
    )
    result = suite.runpytest("--swarm-backend=replay", "--swarm-cassette=c.jsonl", "--swarm-compare=lp,oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mode 'oracle' needs the realized score of every task on every model*"])


def test_help_lists_the_table_of_modes(suite: pytest.Pytester) -> None:
    text = " ".join(suite.runpytest("--help").stdout.str().split())
    assert "both (= lp,llm), all, or a comma list of lp, milp, staged, llm, greedy, single:TAG," in text
