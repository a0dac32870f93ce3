"""Which cases a benchmark is run as: command line > marker > ini, and their ids."""

from __future__ import annotations

import pytest

from pytest_swarm.routing.registry import MODES
from tests.plugin.conftest import Reports


def ids(result: pytest.RunResult) -> list[str]:
    return [line.split("[")[1].rstrip("]") for line in result.outlines if line.startswith("test_") and "[" in line]


def collect(suite: pytest.Pytester, *args: str) -> list[str]:
    return ids(suite.runpytest("--collect-only", "-q", *args))


def test_without_a_comparison_a_benchmark_runs_once(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_horizon = 2,3\nswarm_vram = 8GB,24GB\naddopts = -p no:randomly")
    assert collect(suite) == ["lp-h2-8GB"]
    told = "swarm: without --swarm-compare each benchmark runs once: lists of markers and of the ini file count with *"
    suite.runpytest("--swarm-backend=sim").stdout.fnmatch_lines([told])
    assert "runs once" not in suite.runpytest("--swarm-backend=sim", "--swarm-compare=lp").stdout.str()


def test_a_list_of_the_ini_file_may_stand_in_lines(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_compare =\n  lp\n  greedy\nswarm_horizon =\n  2\n  flat\nswarm_vram = 8GB")
    assert sorted(collect(suite)) == ["greedy-flat-8GB", "greedy-h2-8GB", "lp-flat-8GB", "lp-h2-8GB"]


@pytest.mark.parametrize(
    ("arguments", "cases"),
    [
        ("--swarm-horizon=0,flat --swarm-vram=8,7.5GB", "lp-h0-8GB lp-h0-7.5GB lp-flat-8GB lp-flat-7.5GB"),
        ("--swarm-compare=both", "lp-h0-8GB llm-h0-8GB"),
        ("--swarm-compare=single:phi4:14b", "single:phi4:14b-h0-8GB"),
        ("--swarm-repeat=2", "lp-h0-8GB-r1 lp-h0-8GB-r2"),
        ("--swarm-lambda-token=0.25", "lp-h0-8GB"),
        ("--swarm-lambda-token=0.25,0.250", "lp-h0-8GB"),
        (
            "--swarm-lambda-token=0,0.25,1 --swarm-compare=lp,milp",
            "lp-h0-8GB-t0 lp-h0-8GB-t0.25 lp-h0-8GB-t1 milp-h0-8GB-t0 milp-h0-8GB-t0.25 milp-h0-8GB-t1",
        ),
    ],
)
def test_the_command_line_makes_the_cases(suite: pytest.Pytester, arguments: str, cases: str) -> None:
    assert collect(suite, *arguments.split()) == cases.split()


def test_all_modes(suite: pytest.Pytester) -> None:
    modes = [each.removesuffix("-h0-8GB") for each in collect(suite, "--swarm-compare=all")]
    assert modes == [spec.name for spec in MODES if spec.stands_alone and "speeds" not in spec.needs]


def test_marker_beats_ini_and_command_line_beats_marker(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_marked="""
        import pytest

        @pytest.mark.swarm(modes="greedy,milp", horizon=[1, "flat"], vram="24GB")
        def test_a(swarm_run): ...
        """
    )
    marked = collect(suite, "test_marked.py")
    assert marked == ["greedy-h1-24GB", "greedy-flat-24GB", "milp-h1-24GB", "milp-flat-24GB"]
    assert collect(suite, "test_marked.py", "--swarm-compare=lp", "--swarm-horizon=3") == ["lp-h3-24GB"]


def test_each_keyword_is_that_of_the_closest_marker_with_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_marked="""
        import pytest

        pytestmark = pytest.mark.swarm(modes="greedy,milp", horizon=1, vram="24GB")

        @pytest.mark.swarm(horizon=3)
        class TestOne:
            @pytest.mark.swarm(vram="8GB")
            def test_a(self, swarm_run): ...

        def test_b(swarm_run): ...
        """
    )
    cases = ["greedy-h3-8GB", "milp-h3-8GB", "greedy-h1-24GB", "milp-h1-24GB"]
    assert collect(suite, "test_marked.py") == cases


def test_the_ini_twin_of_compare(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_compare = lp,greedy\nswarm_vram = 8GB\naddopts = -p no:randomly")
    assert collect(suite) == ["lp-h0-8GB", "greedy-h0-8GB"]


def test_only_and_skip(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_plain="def test_plain(): pass")
    suite.runpytest("--swarm-only").assert_outcomes(passed=1, deselected=1)
    suite.runpytest("--swarm-skip").assert_outcomes(passed=1, deselected=1)
    suite.runpytest("--swarm-skip", "-v").stdout.fnmatch_lines(["*test_plain*PASSED*"])


def test_groups_have_one_order_of_workflows_though_the_tests_are_shuffled(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_more="def test_b(swarm_run): ...\ndef test_c(swarm_run): ...")
    suite.makeconftest(
        """
        def pytest_collection_modifyitems(items):
            order = ["test_b[greedy-h0-8GB]", "test_c[lp-h0-8GB]", "test_b[lp-h0-8GB]", "test_c[greedy-h0-8GB]"]
            items.sort(key=lambda item: order.index(item.name))
        """
    )
    result = suite.runpytest(
        "--collect-only", "-q", "test_more.py", "--swarm-compare=lp,greedy", "--swarm-carryover=group"
    )
    assert [line.partition("::")[2] for line in result.outlines if "::" in line] == [
        *("test_b[greedy-h0-8GB]", "test_c[greedy-h0-8GB]", "test_b[lp-h0-8GB]", "test_c[lp-h0-8GB]")
    ]


def test_the_case_comes_before_the_parameters_of_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_swarm import Task, TaskGraph

        @pytest.fixture(params=["invoice", "letter"])
        def dag(request):
            return TaskGraph(name=request.param, tasks=(Task(id="a", type="math", prompt="p", estimated_tokens=9),))

        def test_jobs(swarm_run, dag): ...
        """
    )
    result = pytester.runpytest("--collect-only", "-q", "--swarm-compare=lp", "--swarm-vram=8GB")
    result.stdout.fnmatch_lines(["*::test_jobs?lp-h0-8GB-invoice?", "*::test_jobs?lp-h0-8GB-letter?"])


def test_each_benchmark_and_each_parameter_keeps_its_own_marker(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_versions="""
        import pytest
        from test_invoice import dag

        @pytest.mark.parametrize("n", [pytest.param(n, marks=pytest.mark.swarm(version=1 + n)) for n in (1, 2)])
        def test_marked(swarm_run, dag, n):
            swarm_run(dag)

        def test_plain(swarm_run, dag):
            swarm_run(dag)
        """
    )
    suite.runpytest("test_versions.py", "--swarm-compare=greedy").assert_outcomes(passed=3)
    versions = {each["test"].partition("::")[2]: each["graph"]["version"] for each in reports.of("dag_structure")}
    assert versions == {
        "test_marked[greedy-h0-8GB-1]": 2,
        "test_marked[greedy-h0-8GB-2]": 3,
        "test_plain[greedy-h0-8GB]": 1,
    }
