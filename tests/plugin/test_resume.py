"""--swarm-resume goes on where a run was cut off, and refuses what would not be the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Reports, mode_that, refuses

FLAKY = mode_that("flaky", "if Path('armed').exists():\n    raise SwarmError('out of order')")


def test_a_job_that_ended_in_an_error_runs_again(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(FLAKY)
    Path("armed").touch()
    suite.runpytest("--swarm-compare=lp,flaky").assert_outcomes(passed=1, failed=1)
    assert [case["status"] for case in reports.report["cases"]] == ["completed", "error"]
    Path("armed").unlink()
    suite.runpytest("--swarm-compare=lp,flaky", "--swarm-resume").assert_outcomes(passed=2)
    assert [case["status"] for case in reports.report["cases"]] == ["completed"] * 2
    assert [each["mode"] for each in reports.of("dag_structure")] == ["lp", "flaky", "flaky"]


@pytest.mark.parametrize("cut", [1, 37, 120])
def test_a_torn_last_line_costs_only_that_line(suite: pytest.Pytester, reports: Reports, cut: int) -> None:
    suite.runpytest("--swarm-compare=lp,greedy", "-k", "lp").assert_outcomes(passed=1, deselected=1)
    events = reports.folder / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-cut])
    result = suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume")
    result.assert_outcomes(passed=2)
    assert "Traceback" not in result.stdout.str()
    assert {case["mode"] for case in reports.report["cases"]} == {"lp", "greedy"}
    suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume").assert_outcomes(passed=2)


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_the_header_names_the_run_that_goes_on_and_what_it_has(
    suite: pytest.Pytester, reports: Reports, workers: tuple[str, ...]
) -> None:
    options = ("--swarm-compare=lp,greedy", "--swarm-backend=sim")
    suite.runpytest(*options, "-k", "lp").assert_outcomes(passed=1, deselected=1)
    name = reports.folder.name
    again = suite.runpytest(*options, "--swarm-resume", *workers)
    again.assert_outcomes(passed=2)
    again.stdout.fnmatch_lines([f"swarm: goes on with run {name}, which had come to its end: it has 1 of 2 cases"])
    path = reports.folder / "events.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "run_end" not in line))
    third = suite.runpytest(*options, "--swarm-resume", *workers)
    third.stdout.fnmatch_lines([f"swarm: goes on with run {name}: it has 2 of 2 cases"])


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_a_resume_that_runs_no_job_ends_no_test_that_it_was_not_to_run(
    suite: pytest.Pytester, reports: Reports, workers: tuple[str, ...]
) -> None:
    options = ("--swarm-compare=lp,greedy", "--swarm-backend=sim")
    suite.runpytest(*options).assert_outcomes(passed=2)
    path = reports.folder / "events.jsonl"
    killed = [line for line in path.read_text().splitlines(keepends=True) if "run_end" not in line]
    path.write_text("".join(line for line in killed if '"mode":"greedy"' not in line))
    suite.runpytest(*options, "--swarm-resume", "-k", "lp", *workers).assert_outcomes(passed=1)
    assert [each["event"] for each in reports.events][-2:] == ["collection", "run_end"]
    assert "1 benchmark of a session that was cut off may lack jobs" in reports.report["notes"][0]


def test_the_latest_run_is_the_one_that_began_last(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    old = reports.folder.rename(reports.root / "zzz")
    (reports.root / "zzzz").mkdir()
    (reports.root / "zzzz" / "events.jsonl").write_text('{"event":"run_st')
    suite.runpytest("--swarm-compare=lp").assert_outcomes(passed=1)
    before = (old / "events.jsonl").read_bytes()
    suite.runpytest("--swarm-compare=lp,milp", "--swarm-resume").assert_outcomes(passed=2)
    assert (old / "events.jsonl").read_bytes() == before


OTHER_EXPERIMENTS = {
    "--swarm-lambda-token=5": "*was made with --swarm-lambda-token=0.5, and this one has 5*",
    "--swarm-code-eval": "*was made with --swarm-code-eval=off, and this one has on; start a new run",
    "--swarm-carryover=group": "*was made with --swarm-carryover=case, and this one has group*",
    "--swarm-seed=3": "*was made with seed 0, and this one has 3; start a new run",
    "--swarm-fleet=fast": "*was made with fleet 'heavy', and this one has fleet 'fast'; start a new run",
}


def test_another_experiment_is_refused(suite: pytest.Pytester) -> None:
    suite.runpytest().assert_outcomes(passed=1)
    for option, sentence in OTHER_EXPERIMENTS.items():
        refuses(suite, "--swarm-resume", option, says=f"--swarm-resume: run {sentence}")


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_a_run_that_could_not_go_on_is_left_as_it_was(
    suite: pytest.Pytester, reports: Reports, workers: tuple[str, ...]
) -> None:
    suite.runpytest().assert_outcomes(passed=1)
    before = {path.name: path.read_bytes() for path in reports.folder.iterdir()}
    result = suite.runpytest("--swarm-resume", "--swarm-seed=3", *workers)
    result.stdout.no_fnmatch_line("*did not come to its end*")
    assert {path.name: path.read_bytes() for path in reports.folder.iterdir()} == before


def test_an_option_that_is_given_as_what_it_was_is_no_other_experiment(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-timeout=2m").assert_outcomes(passed=1)
    suite.runpytest("--swarm-resume", "--swarm-lambda-token=0.5", "--swarm-dispatch=layers").assert_outcomes(passed=1)


def test_a_group_cannot_be_picked_up_in_the_middle(suite: pytest.Pytester) -> None:
    suite.runpytest("--swarm-carryover=group").assert_outcomes(passed=1)
    refuses(suite, "--swarm-resume", "--swarm-carryover=group", says="*carries over from job to job (group)*")


def test_a_group_of_a_marker_cannot_be_picked_up_in_the_middle(suite: pytest.Pytester) -> None:
    suite.runpytest().assert_outcomes(passed=1)
    suite.makeconftest(
        "import pytest\ndef pytest_itemcollected(item): item.add_marker(pytest.mark.swarm(carryover='group'))"
    )
    refuses(suite, "--swarm-resume", says="--swarm-carryover=group carries over from job to job (group), and --swarm-*")


def test_a_graph_that_changed_is_refused_and_mixes_no_results(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp,greedy", "-k", "lp").assert_outcomes(passed=1, deselected=1)
    file = suite.path / "test_invoice.py"
    file.write_text(file.read_text().replace("Add net and tax.", "Add tax and net."))
    result = suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume", "-k", "lp")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["--swarm-resume: run * ran 'invoice' with another graph, *; start a new run"])
    assert len(reports.of("dag_structure")) == 1


def test_a_family_that_changed_is_refused(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=lp,greedy", "-k", "lp").assert_outcomes(passed=1, deselected=1)
    suite.makeconftest(
        "import pytest\ndef pytest_itemcollected(item): item.add_marker(pytest.mark.swarm(family='bills'))"
    )
    result = suite.runpytest("--swarm-compare=lp,greedy", "--swarm-resume", "-k", "lp")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["--swarm-resume: run * ran 'invoice' with another family, *; start a new run"])
    assert len(reports.of("dag_structure")) == 1


def test_two_graphs_of_one_name_in_a_test_are_no_change(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_two="""
        import os
        from dataclasses import replace
        from test_invoice import dag

        def test_two(swarm_run, dag):
            swarm_run(dag)
            if os.path.exists("whole"):
                swarm_run(replace(dag, version=7))
        """
    )
    suite.runpytest("test_two.py").assert_outcomes(passed=1)
    (suite.path / "whole").touch()
    suite.runpytest("test_two.py", "--swarm-resume").assert_outcomes(passed=1)
    suite.runpytest("test_two.py", "--swarm-resume").assert_outcomes(passed=1)
    assert len(reports.of("dag_structure")) == 2
