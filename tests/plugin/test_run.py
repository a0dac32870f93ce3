"""A benchmark is run: what it leaves behind, and what a failure of any kind looks like."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from pytest_swarm.telemetry.reader import read_run
from tests.plugin.conftest import INI, Reports
from tests.plugin.test_record_replay import comparable


def test_a_run_leaves_events_and_a_report(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeini(INI.replace("swarm_report = json\n", ""))
    result = suite.runpytest("--swarm-compare=both", "--swarm-horizon=0,1")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["swarm: SIMULATED Ollama, profile a40, seed 0 (asked for by --swarm-backend)"])
    assert [event["event"] for event in reports.events][:: len(reports.events) - 1] == ["run_start", "run_end"]
    assert reports.report["schema"] == "swarm-report/1"
    assert {case["mode"] for case in reports.report["cases"]} == {"lp", "llm"}
    assert (reports.folder / "report.html").read_text().startswith("<!doctype html>")
    assert (reports.root / ".gitignore").read_text().startswith("*")


def test_a_plan_step_holds_the_whole_problem(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-horizon=1").assert_outcomes(passed=1)
    first = reports.of("plan_step")[0]
    assert (first["step"], first["horizon_depth"], first["vram_budget_gb"]) == (0, 1, 8.0)
    assert first["horizon_tasks"] == ["fields", "total"]
    assert first["ready_tasks"] == ["fields"]
    assert first["stages"] == {"fields": 0, "total": 1}
    assert first["resident_before"] == []
    rows = {(row["task"], row["model"]): row for row in first["estimates"]}
    assert len(rows) == 8  # two tasks on four models
    row = rows["total", "gemma2:2b"]
    assert row["utility"] == pytest.approx(row["quality"] - 0.5 * row["token_cost"])
    used = {each["model"] for each in first["assignments"]}
    worth = sum(rows[each["task"], each["model"]]["utility"] for each in first["assignments"])
    loads = sum(first["switch_cost"][tag] for tag in used)
    assert first["value"] == pytest.approx(worth - 0.2 * loads)
    assert first["planned_vram_gb"] == pytest.approx(sum(first["vram_gb"][tag] for tag in used))
    assert first["executed"] == [each for each in first["assignments"] if each["task"] == "fields"]


def test_a_finished_task_is_never_in_the_horizon(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-horizon=3").assert_outcomes(passed=1)
    assert [step["horizon_tasks"] for step in reports.of("plan_step")] == [["fields", "total"], ["total"]]


def test_flat_runs_everything_at_once_without_handing_on(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-horizon=flat").assert_outcomes(passed=1)
    (step,) = reports.of("plan_step")
    assert step["horizon_depth"] == "flat"
    assert step["ready_tasks"] == ["fields", "total"]
    assert step["stages"] == {"fields": 0, "total": 0}


def test_the_report_is_what_the_events_say(suite: pytest.Pytester, reports: Reports) -> None:
    from pytest_swarm.report.json_report import write_json
    from pytest_swarm.report.report_model import build_report

    suite.runpytest("--swarm-compare=lp,greedy", "--swarm-repeat=2").assert_outcomes(passed=4)
    rebuilt = reports.folder / "rebuilt.json"
    write_json(build_report(read_run(reports.folder)), rebuilt)
    assert json.loads(rebuilt.read_text()) == reports.report


def run_report(suite: pytest.Pytester, reports: Reports, *args: str) -> object:
    suite.runpytest("--swarm-compare=lp,llm,random", "--swarm-repeat=2", *args).assert_outcomes(passed=6)
    run = reports.report["run"]
    assert run["seed"] == (7 if "--swarm-seed=7" in args else 0)
    return comparable({**reports.report, "run": {}})


def test_the_same_seed_gives_the_same_report_and_another_seed_does_not(
    suite: pytest.Pytester, reports: Reports
) -> None:
    first = run_report(suite, reports)
    assert run_report(suite, reports) == first
    assert run_report(suite, reports, "--swarm-seed=7") != first


def test_junit_properties(suite: pytest.Pytester) -> None:
    suite.runpytest("--junitxml=junit.xml").assert_outcomes(passed=1)
    tree = ET.parse(suite.path / "junit.xml")
    properties = {each.get("name"): each.get("value") for each in tree.iter("property")}
    assert properties["swarm.mode"] == "lp"
    assert properties["swarm.job"] == "invoice"
    assert float(properties["swarm.score"] or "nan") >= 0


def test_an_infeasible_job_fails_with_one_sentence_and_has_no_score(suite: pytest.Pytester, reports: Reports) -> None:
    result = suite.runpytest("--swarm-vram=1GB", "--swarm-compare=lp,milp,greedy,random,llm")
    result.assert_outcomes(failed=5)
    sentences = [line for line in result.outlines if "budget" in line and "gemma2:2b" in line]
    assert len(sentences) >= 5
    assert "Traceback" not in result.stdout.str()
    assert {case["score"] for case in reports.report["cases"]} == {None}
    assert {each["status"] for each in reports.of("job_dag_summary")} == {"infeasible"}


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        ("{'tasks': []}", "swarm_run takes a TaskGraph, but was given dict"),
        ("chain('g', Task(**TASK, expected=Exact(text='')))", "graph 'g': task 'a': expected exact: the text is em*"),
    ],
)
def test_a_graph_of_which_no_score_could_come_fails_before_it_runs(
    suite: pytest.Pytester, graph: str, says: str
) -> None:
    suite.makepyfile(
        test_wrong="from pytest_swarm import Exact, Task, chain\n"
        "TASK = {'id': 'a', 'type': 'math', 'prompt': '?', 'estimated_tokens': 9}\n"
        f"def test_wrong(swarm_run): swarm_run({graph})"
    )
    result = suite.runpytest("test_wrong.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([says])


def test_a_failing_assert_of_the_test_keeps_the_job(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_strict="from test_invoice import dag\ndef test_strict(swarm_run, dag): assert swarm_run(dag).score > 2"
    )
    suite.runpytest("test_strict.py").assert_outcomes(failed=1)
    assert len(reports.report["cases"]) == 1


def test_nothing_is_written_without_a_benchmark(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_plain="def test_plain(): pass")
    suite.runpytest("test_plain.py").assert_outcomes(passed=1)
    suite.runpytest("--collect-only").assert_outcomes()
    assert not (suite.path / "reports").exists()


def test_third_party_router_hook_and_finished_hook(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(
        """
        from pytest_swarm import Assignment, Origin, Plan, PlanStatus

        class Smallest:
            name = "smallest"
            def __init__(self, setup): self.tag = setup.fleet.smallest.tag
            async def route(self, view):
                chosen = tuple(Assignment(task=t.id, model=self.tag, origin=Origin.RULE) for t in view.tasks)
                return Plan(assignments=chosen, residency=(frozenset({self.tag}),), status=PlanStatus.HEURISTIC)

        def pytest_swarm_routers(config):
            return {"smallest": Smallest}

        def pytest_swarm_run_finished(record):
            print("FINISHED", record.case.job, record.case.key.label)
        """
    )
    result = suite.runpytest("--swarm-compare=lp,smallest", "-s")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*FINISHED invoice smallest-h0-8GB*"])
    chosen = {
        row["model"] for step in reports.of("plan_step") if step["mode"] == "smallest" for row in step["executed"]
    }
    assert chosen == {"gemma2:2b"}


def test_a_third_party_plan_that_is_nonsense_fails_its_job(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(
        """
        from pytest_swarm import Assignment, Origin, Plan, PlanStatus

        class Lazy:
            name = "lazy"
            async def route(self, view):
                return Plan(assignments=(), residency=(frozenset(),), status=PlanStatus.HEURISTIC)

        def pytest_swarm_routers(config):
            return {"lazy": lambda setup: Lazy()}
        """
    )
    result = suite.runpytest("--swarm-compare=lazy")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["router 'lazy', invoice, step 0: task 'fields' is not assigned"])
    assert reports.of("job_dag_summary")[0]["status"] == "error"


@pytest.mark.parametrize("broken", ["route", "factory"])
def test_a_third_party_router_that_raises_is_counted_as_an_error(
    suite: pytest.Pytester, reports: Reports, broken: str
) -> None:
    suite.makeconftest(
        f"""
        class Broken:
            def __init__(self, setup):
                if {broken!r} == "factory":
                    raise ValueError("no idea")

            async def route(self, view):
                raise ValueError("no idea")

        def pytest_swarm_routers(config):
            return {{"broken": Broken}}
        """
    )
    result = suite.runpytest("--swarm-compare=greedy,broken")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["router of mode 'broken' failed: ValueError: no idea (conftest.py, line *)"])
    assert "Traceback" not in result.stdout.str()
    assert "site-packages" not in result.stdout.str()
    assert [each["status"] for each in reports.of("job_dag_summary")] == ["completed", "error"]
    assert reports.report["modes"]["broken"]["errors"] == 1


def test_a_result_is_copied_and_pickled(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_again="import copy, pickle\nfrom test_invoice import dag\ndef test_again(swarm_run, dag):\n"
        "    result = swarm_run(dag)\n"
        "    assert copy.deepcopy(result) == pickle.loads(pickle.dumps(result)) == result"
    )
    suite.runpytest("test_again.py", "--swarm-compare=lp,fixed").assert_outcomes(passed=2)


def test_context_none_hands_nothing_on(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-context=none").assert_outcomes(passed=1)
    assert reports.of("dag_structure")[0]["graph"]["context"] == "none"


def test_carryover_group_keeps_residency_and_what_was_learned(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_again="from test_invoice import dag\ndef test_first(swarm_run, dag): swarm_run(dag)\n"
        "def test_second(swarm_run, dag): swarm_run(dag)"
    )
    suite.runpytest("test_again.py", "--swarm-carryover=group", "--swarm-compare=single:gemma2:2b")
    first_of_each_job = [step for step in reports.of("plan_step") if step["step"] == 0]
    assert [step["resident_before"] for step in first_of_each_job] == [[], ["gemma2:2b"]]
    learned = [step["estimates"][0]["quality"] for step in first_of_each_job]
    assert learned[0] != learned[1]


def test_resume_runs_only_what_is_missing(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp,greedy", "-k", "lp").assert_outcomes(passed=1, deselected=1)
    folder = reports.folder
    assert len(reports.of("dag_structure")) == 1
    suite.runpytest("--swarm-compare=lp,greedy", f"--swarm-resume={folder.name}").assert_outcomes(passed=2)
    assert reports.folder == folder
    assert [each["mode"] for each in reports.of("dag_structure")] == ["lp", "greedy"]
    assert {case["mode"] for case in reports.report["cases"]} == {"lp", "greedy"}


def test_works_without_pytest_benchmark_and_in_random_order(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        import random
        def pytest_collection_modifyitems(items): random.Random(4).shuffle(items)
        """
    )
    suite.runpytest("-p", "no:benchmark", "--swarm-compare=lp,milp,greedy").assert_outcomes(passed=3)


def test_last_failed(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_vram = 8GB\nswarm_backend = sim\naddopts = -p no:randomly")
    suite.makepyfile(test_odd="def test_odd(swarm_run): assert swarm_run.key.mode == 'lp'")
    suite.runpytest("test_odd.py", "--swarm-compare=lp,greedy").assert_outcomes(passed=1, failed=1)
    suite.runpytest("test_odd.py", "--swarm-compare=lp,greedy", "--lf").assert_outcomes(failed=1)


def test_fleet_fixture(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_fleet="def test_fleet(swarm_fleet): assert swarm_fleet.smallest.tag == 'gemma2:2b'")
    suite.runpytest("test_fleet.py").assert_outcomes(passed=1)


def test_verbose_lines_say_score_and_progress(suite: pytest.Pytester) -> None:
    result = suite.runpytest("-v", "--swarm-compare=lp,greedy,milp")
    result.stdout.re_match_lines(
        [r".*\[lp-h0-8GB\] PASSED \d+ % \(1/3, \d+ s left\)", r".*\[milp-h0-8GB\] PASSED \d+ %"]
    )
    assert "left" not in suite.runpytest("--swarm-compare=lp,greedy").stdout.str()
