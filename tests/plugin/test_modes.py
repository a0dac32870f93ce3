"""Modes on the command line: third parties' arguments, and what a mode needs before any test runs."""

from __future__ import annotations

import pytest

from pytest_swarm.routing.registry import MODES
from tests.plugin.conftest import Reports, refuses

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
    refuses(suite, f"--swarm-compare=lp,{modes}", says=sentence)


def test_all_has_third_parties_modes_but_none_that_lacks_its_argument(suite: pytest.Pytester) -> None:
    suite.makeconftest(MINE)
    lines = suite.runpytest("--collect-only", "-q", "--swarm-compare=all").outlines
    modes = [line.split("[")[1].removesuffix("-h0-8GB]") for line in lines if "[" in line]
    assert modes[-2:] == ["oracle", "mine"]
    assert {"fixed", "collate"} <= set(modes)


FAST = """
[[model]]
name = "gemma2:2b"
vram_gb = 2
load_time_ms = 600
cost_per_token = 0.4
max_ctx = 8192
prefill_tokens_per_s = 9000
decode_tokens_per_s = 120
[[model]]
name = "llama3.1:8b"
vram_gb = 8
load_time_ms = 1600
cost_per_token = 1.4
max_ctx = 8192
prefill_tokens_per_s = 3000
decode_tokens_per_s = 80
[assign]
math = "gemma2:2b"
"*" = "llama3.1:8b"
"""


def test_all_leaves_out_what_the_fleet_cannot_run_and_says_so(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makefile(".toml", fast=FAST)
    result = suite.runpytest("--swarm-compare=all", "--swarm-report=json")
    able = [spec.name for spec in MODES if spec.stands_alone and "speeds" not in spec.needs]
    result.assert_outcomes(passed=len(able))
    assert "heft" not in reports.report["modes"]
    text = " ".join(result.stdout.str().split())
    assert "left out of all: mode 'heft' needs prefill_tokens_per_s and decode_tokens_per_s of every model" in text
    result = suite.runpytest("--swarm-compare=all", "--swarm-fleet=fast.toml", "--swarm-report=json")
    result.assert_outcomes(passed=len(able) + 1)
    assert "heft" in reports.report["modes"]
    refuses(suite, "--swarm-compare=all,heft", says="mode 'heft' needs prefill_tokens_per_s*measures them")
    refuses(suite, "--swarm-lambda-latency=0.1", says="--swarm-lambda-latency needs prefill_tokens_per_s*measures them")


def test_fixed_takes_the_models_of_the_fleet_file(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makefile(".toml", fast=FAST)
    suite.runpytest("--swarm-compare=fixed", "--swarm-fleet=fast.toml").assert_outcomes(passed=1)
    chosen = {row["task"]: row["model"] for step in reports.of("plan_step") for row in step["executed"]}
    assert chosen == {"fields": "llama3.1:8b", "total": "gemma2:2b"}
    (start,) = reports.of("run_start")
    assert start["fleet"]["assign"] == {"math": "gemma2:2b", "*": "llama3.1:8b"}


def test_planners_are_compared_with_each_other(suite: pytest.Pytester, reports: Reports) -> None:
    args = ("--swarm-compare=llm:gemma2:2b,llm:llama3.1:8b", "--swarm-report=json")
    suite.runpytest(*args).assert_outcomes(passed=2)
    loaded = {mode: set[str]() for mode in reports.report["modes"]}
    assert list(loaded) == ["llm:gemma2:2b", "llm:llama3.1:8b"]
    for switch in reports.of("model_switch"):
        loaded[switch["mode"]].add(switch["model"])
    assert all(mode.removeprefix("llm:") in models for mode, models in loaded.items())


LEARNING = """
from pytest_swarm.routing.plan_builders import rule_plan

class Learning:
    made = 0

    def __init__(self, setup):
        self.name = "learning"
        Learning.made += 1

    async def route(self, view):
        return rule_plan(view, [0] * len(view.tasks))

def pytest_swarm_routers(config):
    return {"learning": Learning}

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"routers made: {Learning.made}")
"""


@pytest.mark.parametrize(("carryover", "made"), [("case", 3), ("group", 1)])
def test_what_a_third_partys_router_learns_lives_as_long_as_our_estimates(
    suite: pytest.Pytester, carryover: str, made: int
) -> None:
    suite.makeconftest(LEARNING)
    suite.makepyfile(
        test_three="""
import pytest
from pytest_swarm import Number, Task, chain

@pytest.mark.parametrize("name", ["x", "y", "z"])
def test_job(swarm_run, name):
    swarm_run(chain(name, Task(id="a", type="math", prompt="1 + 1", estimated_tokens=20, expected=Number(value=2))))
"""
    )
    result = suite.runpytest("test_three.py", "--swarm-compare=learning", f"--swarm-carryover={carryover}")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"routers made: {made}"])


def test_the_oracle_is_refused_where_nobody_knows_the_scores(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-backend=record", "--swarm-cassette=c.jsonl", "--swarm-profile=a40").assert_outcomes(
        passed=1
    )
    refuses(
        suite,
        "--swarm-backend=replay",
        "--swarm-cassette=c.jsonl",
        "--swarm-compare=lp,oracle",
        says="mode 'oracle' needs the realized score of every task on every model*",
    )


@pytest.mark.parametrize("where", ["command line", "marker", "ini"])
def test_the_default_planner_fits_the_smallest_budget_whoever_gives_it(
    suite: pytest.Pytester, reports: Reports, where: str
) -> None:
    suite.makeini(f"[pytest]\nswarm_backend = sim\n{'swarm_vram = 8GB' if where == 'ini' else ''}")
    marker = '@pytest.mark.swarm(vram="8GB")\n' if where == "marker" else ""
    suite.makepyfile(
        test_a=f"import pytest\nfrom test_invoice import dag\n{marker}def test_a(swarm_run, dag): swarm_run(dag)"
    )
    args = ("--swarm-vram=8GB",) if where == "command line" else ()
    suite.runpytest("test_a.py", "--swarm-compare=llm", *args).assert_outcomes(passed=1)
    loaded = {switch["model"] for switch in reports.of("model_switch")}
    assert "llama3.1:8b" in loaded  # the best reasoner of 8 GB
    assert "phi4:14b" not in loaded  # the best of all, of 12.5 GB
