"""--swarm-shard: each test in exactly one part, and all cases of a workflow in the same."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import INI, refuses
from tests.plugin.conftest import SUITE as INVOICE

SUITE = """
import pytest
from pytest_swarm import Task, chain

@pytest.mark.parametrize("job", ["ant", "bee", "cow"])
def test_job(swarm_run, job): ...

def test_plain(): ...
"""
ARGUMENTS = ("--collect-only", "-q", "--swarm-compare=lp,milp,greedy", "--swarm-horizon=0,1")


def part(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest(*ARGUMENTS, *arguments)
    assert result.ret == 0
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_each_workflow_is_in_one_part_with_all_its_cases(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_invoice=SUITE)
    parts = [part(suite, f"--swarm-shard={number}/2") for number in (1, 2)]
    assert sorted(test for tests in parts for test in tests) == sorted(part(suite))
    jobs = [{name.rpartition("-")[2] for name in tests if name.startswith("test_job")} for tests in parts]
    assert jobs == [{"ant]", "cow]"}, {"bee]"}]
    assert [len(tests) for tests in parts] == [12, 7]


def test_each_test_is_in_one_part_though_a_plugin_shuffles_them_differently_in_each(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_invoice=SUITE)
    whole, first = part(suite), part(suite, "--swarm-shard=1/2")
    suite.makeconftest("def pytest_collection_modifyitems(items): items.sort(key=lambda item: 'bee' not in item.name)")
    assert sorted(first + part(suite, "--swarm-shard=2/2")) == sorted(whole)


@pytest.mark.parametrize("xdist", [(), ("-n1",)])
def test_more_parts_than_workflows_are_refused(suite: pytest.Pytester, xdist: tuple[str, ...]) -> None:
    suite.makepyfile(test_invoice=SUITE)
    refuses(
        suite,
        "--swarm-shard=2/9",
        *xdist,
        says="--swarm-shard: 9 parts of 4 workflows would leave one empty; give fewer parts",
    )


@pytest.mark.parametrize(("option", "there"), [((), "none"), (("--swarm-shard=2/2",), "2/2")])
def test_a_part_goes_on_as_the_same_part_alone(suite: pytest.Pytester, option: tuple[str, ...], there: str) -> None:
    suite.makepyfile(test_second=INVOICE.replace('"invoice"', '"second"'))
    suite.runpytest("--swarm-shard=1/2").assert_outcomes(passed=1, deselected=1)
    suite.runpytest("--swarm-shard=1/2", "--swarm-resume").assert_outcomes(passed=1, deselected=1)
    refuses(
        suite,
        "--swarm-resume",
        *option,
        says=f"--swarm-resume: run * was made with --swarm-shard=1/2, and this one has {there}; start a new run",
    )


NO_BUDGET = "no VRAM budget for test_b.py::test_b: *"
NO_MODEL = "mode 'single:nobody': fleet 'heavy' has no model 'nobody'*"


@pytest.mark.parametrize("shard", ["1/2", "2/2"])
@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("pytest.mark.swarm", NO_BUDGET),
        ("pytest.mark.swarm(vram='8GB', modes='single:nobody')", NO_MODEL),
        ("pytest.mark.swarm(vram='8GB', modes='policy:nowhere.json')", "*nowhere.json*"),
    ],
)
def test_what_refuses_one_part_refuses_all(suite: pytest.Pytester, marker: str, says: str, shard: str) -> None:
    suite.makeini(INI.replace("swarm_vram = 8GB\n", ""))
    test = "import pytest\n@{}\ndef test_{}(swarm_run): ...\n"
    suite.makepyfile(test_invoice=test.format("pytest.mark.swarm(vram='8GB')", "a"), test_b=test.format(marker, "b"))
    refuses(suite, f"--swarm-shard={shard}", says=says)


def test_parts_without_a_benchmark_want_no_budget(suite: pytest.Pytester) -> None:
    suite.makeini(INI.replace("swarm_vram = 8GB\n", ""))
    suite.makepyfile(test_plain="def test_plain(): ...")
    suite.runpytest("--swarm-skip", "--swarm-shard=1/1").assert_outcomes(passed=1, deselected=1)


def test_group_carryover_is_refused(suite: pytest.Pytester) -> None:
    refuses(suite, "--swarm-carryover=group", "--swarm-shard=1/1", says="*; run it without --swarm-shard")
