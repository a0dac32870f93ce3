"""`--swarm-decide`: the decision at the end of a run."""

from __future__ import annotations

import csv
import json
from collections import Counter
from fnmatch import fnmatch

import pytest

from pytest_swarm.cli import main
from pytest_swarm.routing.policy_file import read_policy
from tests.plugin.conftest import INI, refuses

JOBS = """
import pytest
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

@pytest.mark.parametrize("graph", [job.graph for job in generate_jobs({jobs}, 1)], ids=lambda graph: graph.name)
def test_generated(swarm_run, graph):
    assert swarm_run(graph).status == "completed"
"""


def decided(pytester: pytest.Pytester, jobs: int, *args: str) -> pytest.RunResult:
    pytester.makeini(INI)
    pytester.makepyfile(test_jobs=JOBS.format(jobs=jobs))
    return pytester.runpytest("--swarm-decide", "--swarm-report=json", *args)


def test_the_run_ends_with_a_decision_and_a_policy_for_each_budget(pytester: pytest.Pytester) -> None:
    result = decided(pytester, 8, "--swarm-compare=fixed,greedy", "--swarm-vram=8GB,24GB")
    assert result.ret == 0
    ruling = "*8 jobs, 2 policies, decided by score.*"
    result.stdout.fnmatch_lines(["*pytest-swarm decision*", "8GB: *", ruling, "24GB: *", ruling])
    other, path = sorted(pytester.path.glob("reports/*/policy*"))
    assert (other.name, path.name) == ("policy-24GB.json", "policy-8GB.json")
    policy = read_policy(path)
    assert policy.mode in ("fixed", "greedy")
    assert policy.provenance.jobs == 8
    again = pytester.runpytest(f"--swarm-compare=policy:{path}", "--swarm-report=json")
    assert again.ret == 0
    for other in ("--swarm-vram=8GB,24GB", "--swarm-horizon=0,3"):
        refuses(
            pytester,
            f"--swarm-compare=fixed,policy:{path}",
            other,
            says="policy *was decided for horizon 0 and 8GB, not for *; run it with*",
        )
    refuses(
        pytester,
        f"--swarm-compare=policy:{path}",
        "--swarm-lambda-token=0,1",
        says="--swarm-lambda-token: several weights run each case*has its own weights; *",
    )


FAMILIES = """
import json
from dataclasses import replace
import pytest
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

GRAPHS = [job.graph for job in generate_jobs(18, 1)]

@pytest.mark.swarm(family="marked")
@pytest.mark.parametrize("graph", GRAPHS[:2], ids=lambda graph: graph.name)
def test_marked(swarm_run, graph):
    swarm_run(replace(graph, family="of the graph"))

@pytest.mark.parametrize("n", range(2, 18))
def test_graphs(swarm_run, n):
    swarm_run(replace(GRAPHS[n], family=f"template {n % 8}" if n % 8 else None))
"""


def test_families_are_counted_in_a_run_its_files_and_its_merged_parts(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """18 jobs: two of the marker's family, two without one, and seven families of two: ten of them."""
    pytester.makeini(INI)
    pytester.makepyfile(test_families=FAMILIES)
    counted = "*18 jobs in 10 families, 2 policies, decided by score.*"
    args = ("--swarm-compare=fixed,greedy", "--swarm-report=json", "--swarm-report=csv")
    whole = pytester.runpytest("--swarm-decide", *args)
    whole.stdout.fnmatch_lines([counted])
    (folder,) = pytester.path.glob("reports/*/")
    assert read_policy(folder / "policy.json").provenance.families == 10
    report = json.loads((folder / "report.json").read_text())
    assert Counter(each.get("family") for each in report["cases"]) == {
        **{f"template {n}": 4 for n in range(1, 8)},
        "marked": 4,
        None: 4,
    }
    assert [each["difference_interval"]["clusters"] for each in report["comparisons"]] == [10]
    assert {each["score_interval"]["clusters"] for each in report["modes"].values()} == {10}
    with (folder / "jobs.csv").open(newline="", encoding="utf-8") as file:
        assert Counter(row["family"] for row in csv.DictReader(file))["template 3"] == 4
    for part in (1, 2):
        pytester.runpytest(f"--swarm-shard={part}/2", *args)
    parts = [path for path in pytester.path.glob("reports/*/") if path != folder]
    assert len(parts) == 2
    assert main(["merge", *map(str, parts), "--out", "reports/merged"]) == 0
    assert main(["decide", "reports/merged"]) == 0
    assert fnmatch(capsys.readouterr().out, f"*{counted}")


def test_two_jobs_decide_nothing(pytester: pytest.Pytester) -> None:
    result = decided(pytester, 2, "--swarm-compare=fixed,milp")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["8GB: 2 jobs decide nothing: measure at least 8, each under every policy."])
    assert not list(pytester.path.glob("reports/*/policy*"))


def test_the_headline_command_decides_with_the_planner_for_what_is_done_now(pytester: pytest.Pytester) -> None:
    result = decided(pytester, 8, "--swarm-compare=both", "--swarm-report=html")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "8GB: *",
            "*No mode with figures at 8GB says what you do now, so LLM stands for it; *",
            "*No policy file: no policy was chosen, and LLM only stands for what is done now*",
        ]
    )
    assert not list(pytester.path.glob("reports/*/policy*"))
    (page,) = pytester.path.glob("reports/*/report.html")
    assert '<section id="decision">' in page.read_text(encoding="utf-8")
