"""--swarm-backend=measure: each answer once, every case on the stored answers."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.plugin.server_lock import ServerLock
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.workloads.fleet import load_fleet
from tests.plugin.conftest import SUITE, Reports, quick_server, refuses

MEASURE = ("--swarm-backend=measure", "--swarm-profile=a40")
OFFLINE = ("--swarm-backend=measure", "--swarm-offline")


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_inprocess(*arguments)


def scores(reports: Reports) -> list[tuple[object, ...]]:
    """The cases of the last report, without the computing time of routers."""
    return [
        (case["mode"], case["horizon_depth"], case["repeat"], case["score"], case["makespan_s"], case["switches"])
        for case in reports.report["cases"]
    ]


def test_a_second_run_asks_nothing_and_reports_the_same(suite: pytest.Pytester, reports: Reports) -> None:
    modes = ("--swarm-compare=lp,llm", "--swarm-repeat=2")
    first = run(suite, *MEASURE, *modes)
    first.assert_outcomes(passed=4)
    first.stdout.fnmatch_lines(
        [
            "swarm: answers measured once, kept in *",
            "swarm: 4 cases; 0 answers in the store; each test says what it will ask *",
            "swarm: invoice: 4 cases; about * calls, * loads, * tokens, * of the server; 0 answers are known",
            "swarm: invoice, wave 1: *",
        ]
    )
    before = scores(reports)
    second = run(suite, *MEASURE, *modes)
    second.assert_outcomes(passed=4)
    second.stdout.no_fnmatch_line("*wave 1*")
    second.stdout.no_fnmatch_line("swarm: invoice: *")
    assert scores(reports) == before
    assert (suite.path / ".swarm-answers").is_file()


def test_what_was_measured_can_be_played_offline(suite: pytest.Pytester, reports: Reports) -> None:
    run(suite, *MEASURE, "--swarm-compare=lp,greedy").assert_outcomes(passed=2)
    before = scores(reports)
    run(suite, *OFFLINE, "--swarm-compare=lp,greedy").assert_outcomes(passed=2)
    assert scores(reports) == before


def test_an_export_can_be_played_offline_from_another_file(suite: pytest.Pytester) -> None:
    from pytest_swarm.cli import main

    run(suite, *MEASURE).assert_outcomes(passed=1)
    store, export = suite.path / ".swarm-answers", suite.path / "answers.jsonl"
    assert main(["answers", "export", "--answers", str(store), "--out", str(export)]) == 0
    store.unlink()
    run(suite, *OFFLINE, "--swarm-answers=answers.jsonl").assert_outcomes(passed=1)
    assert not store.exists()


def test_offline_a_missing_answer_names_model_task_and_file(suite: pytest.Pytester) -> None:
    run(suite, *MEASURE, "--swarm-compare=single:gemma2:2b").assert_outcomes(passed=1)
    result = run(suite, *OFFLINE, "--swarm-compare=single:gemma2:2b,single:phi4:14b", "--swarm-vram=16GB")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*answers *.swarm-answers: invoice * lacks *answer of phi4:14b to task 'fields'; measure it without*"]
    )


def test_without_a_server_it_says_so_before_any_test(suite: pytest.Pytester) -> None:
    refuses(
        suite,
        "--swarm-backend=measure",
        "--swarm-host=http://127.0.0.1:9",
        says="*127.0.0.1:9*--swarm-offline plays what was measured before",
    )


def test_the_store_is_beside_the_ini_file(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = suite.mkdir("inside")
    monkeypatch.chdir(inside)
    run(suite, *MEASURE, "..").assert_outcomes(passed=1)
    assert (suite.path / ".swarm-answers").is_file()
    assert not (Path(inside) / ".swarm-answers").exists()


def test_time_that_is_up_skips_the_rest_and_the_next_run_goes_on(suite: pytest.Pytester, reports: Reports) -> None:
    modes = "--swarm-compare=lp,random,single:qwen2.5-coder:7b"
    result = run(suite, *MEASURE, modes, "--swarm-max-time=32s", "-rs")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] >= 1
    assert outcomes["skipped"] >= 1
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*was not measured: it lacks *--swarm-max-time*the next run goes on*"])
    assert any("was not measured: it lacks" in note for note in reports.report["notes"])
    run(suite, *MEASURE, modes).assert_outcomes(passed=3)


def test_a_store_that_another_run_keeps_is_waited_for_until_the_time_is_up(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_swarm.plugin.server_lock.wait_for_lock", pytest.fail)  # for ever
    lock = ServerLock((suite.path / ".swarm-answers").as_uri(), tell=print)
    with lock.held():
        result = run(suite, *MEASURE, "--swarm-compare=lp,greedy", "--swarm-max-time=50ms", "-rs")
    lock.path.unlink()
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(
        [
            "swarm: waiting for the answer store *",
            "ERROR: No job was run, so nothing was measured; *",
            "*--swarm-max-time was reached, and the next *",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # not one case was measured
    assert [note.split(":")[0] for note in reports.report["notes"]] == [
        f"invoice [{mode}-h0-8GB] was not measured" for mode in ("lp", "greedy")
    ]


TIMED = """
import asyncio
import pytest
from pytest_swarm.execution.asked_server import AskedServer

measure, begun = AskedServer.measure, []

async def timed(self, *args, **kwargs):
    if not begun:
        begun.append(True)
        asyncio.get_running_loop().call_later(0.1, pytest.fail, "too slow")
        await asyncio.sleep(60)
    return await measure(self, *args, **kwargs)

@pytest.fixture(autouse=True)
def time_limit(monkeypatch):
    monkeypatch.setattr(AskedServer, "measure", timed)
"""


def test_a_case_whose_test_is_ended_while_answers_are_asked_was_not_measured(
    suite: pytest.Pytester, reports: Reports
) -> None:
    """So does pytest-timeout, whose signal may come inside a callback of the loop."""
    suite.makeconftest(TIMED)
    run(suite, *MEASURE, "--swarm-compare=lp,greedy").assert_outcomes(passed=1, failed=1)
    (note,) = (each for each in reports.report["notes"] if "was not measured" in each)
    assert note == (
        "invoice [lp-h0-8GB] was not measured: its test was ended while answers were asked, by Failed: too slow; "
        "what was answered is kept, and the next run goes on"
    )
    assert [case["mode"] for case in reports.report["cases"]] == ["greedy"]


def test_a_resumed_run_measures_only_what_is_left(suite: pytest.Pytester, reports: Reports) -> None:
    run(suite, *MEASURE, "--swarm-compare=lp").assert_outcomes(passed=1)
    run(suite, *MEASURE, "--swarm-compare=lp,greedy", "--swarm-resume").assert_outcomes(passed=2)
    assert sorted(case["mode"] for case in reports.report["cases"]) == ["greedy", "lp"]


def test_a_selection_asks_only_for_itself(suite: pytest.Pytester) -> None:
    run(suite, *MEASURE, "--swarm-compare=single:gemma2:2b,single:llama3.1:8b", "-k", "gemma2").assert_outcomes(
        passed=1, deselected=1
    )
    run(suite, *OFFLINE, "--swarm-compare=single:llama3.1:8b").assert_outcomes(failed=1)


def test_cases_that_failed_last_ask_only_what_they_lack(suite: pytest.Pytester, reports: Reports) -> None:
    both = ("--swarm-compare=single:gemma2:2b,single:llama3.1:8b", "-o", "addopts=")  # pytest's cache is needed
    run(suite, *MEASURE, "--swarm-compare=single:gemma2:2b").assert_outcomes(passed=1)
    run(suite, *OFFLINE, *both).assert_outcomes(passed=1, failed=1)
    run(suite, *MEASURE, *both, "--lf").assert_outcomes(passed=1)
    assert [case["mode"] for case in reports.report["cases"]] == ["single:llama3.1:8b"]
    assert reports.report["run"]["measure"]["answers_asked"] == 2


def test_workers_of_xdist_share_the_store(suite: pytest.Pytester, reports: Reports) -> None:
    modes = ("--swarm-compare=milp,greedy,random", "--swarm-repeat=2")  # lp would import CVXPY in each process
    result = suite.runpytest(*MEASURE, *modes, "-n2", "-p", "xdist")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "swarm: answers measured once, kept in *",
            "swarm: 6 cases; 0 answers in the store; each test says what it will ask *",
            "swarm: invoice: 6 cases; about * calls, * loads, * tokens, * of the server; 0 answers are known",
            "swarm: invoice, wave 1: *",
        ]
    )
    assert len([line for line in result.outlines if line.startswith("swarm: invoice: ")]) == 1
    together = sorted(scores(reports))
    run(suite, *OFFLINE, *modes).assert_outcomes(passed=6)
    assert sorted(scores(reports)) == together


def test_a_scorer_that_skips_its_test_skips_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_skips="""
import pytest
from pytest_swarm import Custom, Task, TaskGraph

def skip(answer):
    pytest.skip("not today")

def test_skips(swarm_run):
    swarm_run(TaskGraph(name="skips", tasks=(
        Task(id="a", type="math", prompt="2 + 2?", estimated_tokens=20, expected=Custom(name="skip", function=skip)),)))
"""
    )
    run(suite, *MEASURE, "test_skips.py", "-rs").stdout.fnmatch_lines(["*not today*"])


def test_verified_cases_are_run_for_real_and_compared(suite: pytest.Pytester, reports: Reports) -> None:
    result = run(suite, *MEASURE, "--swarm-compare=lp,greedy,milp", "--swarm-verify=2")
    result.assert_outcomes(passed=3)
    measure = reports.report["run"]["measure"]
    assert len(measure["verified"]) == 2
    assert {row["metric"]: row["cases"] for row in measure["verified_figures"]}["makespan_s"] == 2
    assert all(abs(row["off"]) < 0.03 for row in measure["verified_figures"])
    result.stdout.fnmatch_lines(["mean per case * predicted * real * off *", "Makespan *"])
    assert len(reports.of("verified_case")) == 2


def test_what_no_server_can_run_is_not_drawn(suite: pytest.Pytester, reports: Reports) -> None:
    """Over HTTP, where nobody knows all answers beforehand, and each question gets the same answer again."""
    with serve_in_thread(quick_server()) as url:
        arguments = ("--swarm-backend=measure", f"--swarm-host={url}", "--swarm-complete", "--swarm-vram=16GB")
        run(suite, *arguments, "--swarm-compare=greedy,oracle", "--swarm-verify=9").assert_outcomes(passed=2)
    measure = reports.report["run"]["measure"]
    [verified] = measure["verified"]
    assert verified["label"].startswith("greedy")
    assert (verified["questions"], verified["other_answers"]) == (2, 0)
    assert any("a server can run 1 of the 2 cases" in note for note in reports.report["notes"])
    assert not any("could not be verified" in note for note in reports.report["notes"])


def test_the_shards_of_a_run_verify_the_cases_that_the_whole_run_verifies(
    suite: pytest.Pytester, reports: Reports
) -> None:
    suite.makepyfile(test_bill=SUITE.replace('"invoice"', '"bill"'))
    found = []
    for shard in ("1/1", "1/2", "2/2"):
        run(suite, *MEASURE, "--swarm-compare=lp,greedy,milp,random", "--swarm-verify=3", f"--swarm-shard={shard}")
        found.append([(each["job"], each["label"]) for each in reports.of("verified_case")])
    whole, first, second = found
    assert len(whole) == 3
    assert sorted(first + second) == sorted(whole)


def test_a_resumed_run_verifies_what_has_ended_unverified(suite: pytest.Pytester, reports: Reports) -> None:
    modes = ("--swarm-compare=lp,greedy,milp", "--swarm-report=json")
    run(suite, *MEASURE, *modes, "--swarm-verify=1").assert_outcomes(passed=3)
    again = (*MEASURE, *modes, "--swarm-resume", "--swarm-verify=3")
    dry = run(suite, *again, "--swarm-dry-run")
    dry.stdout.fnmatch_lines(
        ["dry run of 0 cases (3 have ended earlier)", "2 cases for real as well: about 4 calls, *"]
    )
    run(suite, *again).assert_outcomes(passed=3)
    assert [len({each["case"] for each in reports.of("verified_case")}), len(reports.of("verified_case"))] == [3, 3]
    assert len(reports.report["run"]["measure"]["verified"]) == 3


def test_the_report_tells_what_was_measured(suite: pytest.Pytester, reports: Reports) -> None:
    run(suite, *MEASURE, "--swarm-compare=lp,greedy")
    first = reports.report["run"]["measure"]
    assert (first["answers_known"], first["answers_asked"]) == (0, 3)
    assert first["loads"] >= 3
    assert first["server_s"] > 0
    run(suite, *MEASURE, "--swarm-compare=lp,greedy")
    second = reports.report["run"]["measure"]
    assert (second["answers_known"], second["answers_asked"], second["loads"], second["server_s"]) == (3, 0, 0, 0.0)
    assert second["without_store_s"] == first["without_store_s"] > 0
    assert second["verified"] == []


@pytest.mark.parametrize("now", [0.0, 1e15], ids=["clock back", "clock ahead"])
def test_what_was_known_is_counted_by_the_store_and_by_no_clock(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    monkeypatch.setattr("pytest_swarm.execution.asked_answers.now_ms", lambda: now)
    counts = []
    for modes in ("greedy", "lp,greedy"):
        run(suite, *MEASURE, f"--swarm-compare={modes}")
        found = reports.report["run"]["measure"]
        counts.append((found["answers_known"], found["answers_asked"]))
    assert counts == [(0, 2), (2, 1)]


def test_what_the_run_has_asked_is_not_known_before_it_to_a_worker_that_replaces_another(
    suite: pytest.Pytester, reports: Reports
) -> None:
    suite.makepyfile(
        test_dying="import os\nfrom test_invoice import dag\n"
        "def test_a(swarm_run, dag): swarm_run(dag)\n"
        "def test_b(): os._exit(9)\n"
        "def test_c(swarm_run, dag): swarm_run(dag)\n"
    )
    result = suite.runpytest("test_dying.py", *MEASURE, "--swarm-compare=greedy", "-n1")
    result.assert_outcomes(passed=2, failed=1)
    found = reports.report["run"]["measure"]
    assert (found["answers_known"], found["answers_asked"]) == (0, 2)


def figures_of(result: pytest.RunResult, start: str) -> list[int]:
    """The whole numbers in the line of a dry run that begins so."""
    [line] = [line for line in result.outlines if line.startswith(start)]
    return [int(text.replace(",", "")) for text in re.findall(r"[0-9][0-9,]*", line)]


def test_a_dry_run_asks_nothing_and_tells_what_is_known(suite: pytest.Pytester) -> None:
    modes = ("--swarm-compare=lp,greedy,random", "--swarm-repeat=2")
    before = run(suite, *MEASURE, *modes, "--swarm-dry-run")
    before.assert_outcomes(skipped=6)
    assert figures_of(before, "dry run of") == [6, 0]
    calls, loads, *_ = figures_of(before, "now: about")
    whole_calls, whole_loads, *_ = figures_of(before, "without the store: about")
    assert 0 < calls < whole_calls == 12
    assert 0 < loads < whole_loads
    assert not (suite.path / "reports").exists() or not list((suite.path / "reports").glob("*/events.jsonl"))
    assert not (suite.path / ".swarm-answers").exists()
    run(suite, *MEASURE, *modes).assert_outcomes(passed=6)
    store = suite.path / ".swarm-answers"
    store.chmod(0o444)
    content = store.read_bytes()
    after = run(suite, *MEASURE, *modes, "--swarm-dry-run", "--swarm-verify=2")
    assert store.read_bytes() == content
    assert figures_of(after, "dry run of")[1] > 0
    assert figures_of(after, "now: about")[:3] == [0, 0, 0]
    verified, calls, *_ = figures_of(after, "2 cases for real as well: about")
    assert (verified, calls) == (2, 4)


@pytest.mark.parametrize("backend", ["sim", "measure"])
def test_a_dry_run_counts_the_cases_that_would_be_run(suite: pytest.Pytester, backend: str) -> None:
    result = run(suite, f"--swarm-backend={backend}", "--swarm-profile=a40", "--swarm-dry-run", "-k", "lp")
    result.assert_outcomes(skipped=1)
    start = "dry run of" if backend == "sim" else "without the store"
    numbers = figures_of(result, start)
    assert numbers[-4 if backend == "sim" else 0] in (1, 2)


def test_a_dry_run_counts_in_one_process_whatever_xdist_is_told(suite: pytest.Pytester) -> None:
    result = suite.runpytest(*MEASURE, "--swarm-dry-run", "--swarm-compare=greedy", "-n2", "-p", "xdist")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["dry run of 1 case; 0 answers are known*"])


def test_the_oracle_needs_every_model_on_every_task(suite: pytest.Pytester) -> None:
    result = run(suite, *MEASURE, "--swarm-compare=oracle")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*oracle has no realized score of task 'fields'*--swarm-complete*"])


def test_complete_asks_the_whole_matrix_and_no_regret_is_below_zero(suite: pytest.Pytester, reports: Reports) -> None:
    modes = ("--swarm-compare=oracle,lp,random,single:gemma2:2b", "--swarm-repeat=2", "--swarm-vram=16GB")
    run(suite, *MEASURE, "--swarm-compare=lp", "--swarm-vram=16GB").assert_outcomes(passed=1)
    before = reports.report["run"]["measure"]["answers_asked"]
    run(suite, *MEASURE, *modes, "--swarm-complete").assert_outcomes(passed=8)
    assert reports.report["run"]["measure"]["answers_known"] == before
    with AnswerStore(suite.path / ".swarm-answers", writable=False) as store:
        kinds = Counter((answer.task, question.model.tag) for question, answer in store.entries())
    assert len(kinds) == 2 * 4  # two tasks, four models
    assert min(kinds.values()) >= 2  # two repeats
    regrets = [case["regret"] for case in reports.report["cases"]]
    assert len([each for each in regrets if each is not None]) >= 6
    assert min(each for each in regrets if each is not None) >= 0
    again = run(suite, *MEASURE, *modes, "--swarm-complete")
    again.assert_outcomes(passed=8)
    assert reports.report["run"]["measure"]["answers_asked"] == 0
    run(suite, *OFFLINE, *modes).assert_outcomes(passed=8)


def test_an_oracle_that_ran_out_of_time_is_skipped_and_not_failed(suite: pytest.Pytester) -> None:
    complete = (*MEASURE, "--swarm-complete", "--swarm-compare=oracle,greedy", "--swarm-vram=16GB")
    result = run(suite, *complete, "--swarm-max-time=20s", "-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*oracle-h0-16GB* was not measured: it lacks *--swarm-max-time was reached*"])
    run(suite, *complete).assert_outcomes(passed=2)


def test_the_gate_compares_a_measured_run_with_measured_runs_only(suite: pytest.Pytester) -> None:
    baseline = ("--swarm-baseline=base.json", "--swarm-compare=lp,greedy")
    run(suite, *MEASURE, *baseline, "--swarm-update-baseline=all").assert_outcomes(passed=2)
    same = run(suite, *MEASURE, *baseline)
    assert same.ret == pytest.ExitCode.OK
    same.stdout.no_fnmatch_line("*not-comparable*")
    other = run(suite, "--swarm-backend=sim", *baseline, "--swarm-incomparable=fail")
    assert other.ret == pytest.ExitCode.TESTS_FAILED
    other.stdout.fnmatch_lines(["*measure then, sim now*"])


def test_repeats_until_the_gate_has_decided_are_measured_one_round_at_a_time(suite: pytest.Pytester) -> None:
    baseline = ("--swarm-baseline=base.json", "--swarm-compare=lp")
    run(suite, *MEASURE, *baseline, "--swarm-repeat=4", "--swarm-update-baseline=all").assert_outcomes(passed=4)
    result = run(suite, *MEASURE, *baseline, "--swarm-repeat=auto:4")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] + outcomes.get("skipped", 0) == 4
    result.stdout.no_fnmatch_line("*wave 1*")


def test_repeats_that_may_be_left_out_are_not_drawn_to_be_verified(suite: pytest.Pytester, reports: Reports) -> None:
    baseline = (*MEASURE, "--swarm-baseline=base.json", "--swarm-compare=lp,greedy,milp")
    run(suite, *baseline, "--swarm-update-baseline=all").assert_outcomes(passed=3)
    run(suite, *baseline, "--swarm-repeat=auto:6", "--swarm-verify=3").assert_outcomes(passed=3, skipped=15)
    assert len(reports.of("verified_case")) == 3


def test_answers_of_a_simulated_server_are_not_those_of_another_one(suite: pytest.Pytester) -> None:
    for seed, asked in ((0, 2), (1, 2), (0, 0)):
        with serve_in_thread(quick_server(seed=seed)) as url:
            result = run(suite, "--swarm-backend=measure", f"--swarm-host={url}")
        result.stdout.fnmatch_lines([f"*measured once ({asked} answers asked in*"])


def test_a_server_behind_an_address_tells_its_files_and_that_it_is_simulated(
    suite: pytest.Pytester, reports: Reports
) -> None:
    """A policy that was decided with another file of a model is told, as on the backend `ollama`."""
    with serve_in_thread(quick_server()) as url:
        measured = ("--swarm-backend=measure", f"--swarm-host={url}")
        first = run(suite, *measured)
        first.assert_outcomes(passed=1)
        first.stdout.fnmatch_lines(["SIMULATED: no model was run;*", "*measured once (2 answers asked in*"])
        (start,) = reports.of("run_start")
        digests = start["model_digests"]
        assert start["host"] == url
        assert set(digests) == {"gemma2:2b", "llama3.1:8b", "phi4:14b", "qwen2.5-coder:7b"}
        assert all(case["simulated"] for case in reports.report["cases"])
        policy = write_policy(suite.path, {**digests, "phi4:14b": "00" * 32})
        told = run(suite, *measured, f"--swarm-compare=policy:{policy}")
        told.assert_outcomes(passed=1)
        told.stdout.fnmatch_lines(["swarm: policy policy.json: *phi4:14b*"])
        assert any("phi4:14b" in note for note in reports.report["notes"])
        told.stdout.no_fnmatch_line("*policy.json: *gemma2*")
    offline = run(suite, *OFFLINE, f"--swarm-compare=policy:{policy}")
    offline.stdout.fnmatch_lines(["swarm: policy policy.json: *phi4:14b*"])
    assert reports.report["run"]["simulated"] is True


CUSTOM = """
import pytest
from pytest_swarm import Custom, Task, TaskGraph, chain

seen = []

def scorer(answer):
    seen.append(answer)
    assert "imagined" not in answer
    return 0.5

SCORED = Custom(name="c", function=scorer)

def job(name):
    return chain(
        name,
        Task(id="a", type="math", prompt="How much is 2 + 2?", estimated_tokens=20, expected=SCORED),
        Task(id="b", type="math", prompt="How much is 3 + 2?", estimated_tokens=20),
    )

@pytest.mark.parametrize("graph", [job("one"), job("two")], ids=str)
def test_custom(swarm_run, graph):
    assert swarm_run(graph).score == 0.5

def test_calls():
    assert len(seen) == CALLS
"""


def test_graphs_that_are_parameters_tell_the_cost_of_the_whole_run_and_own_scorers_see_no_imagined_answer(
    suite: pytest.Pytester,
) -> None:
    arguments = (*MEASURE, "--swarm-compare=single:gemma2:2b,single:llama3.1:8b", "test_custom.py")
    suite.makepyfile(test_custom=CUSTOM.replace("CALLS", "0"))
    dry = run(suite, *arguments, "--swarm-dry-run")
    dry.assert_outcomes(passed=1, skipped=4)
    [now] = [line for line in dry.outlines if line.startswith("now: about ")]
    whole = now.replace("now: about", "swarm: 4 cases; about") + "; 0 answers are known"
    result = run(suite, *arguments, "--deselect=test_custom.py::test_calls")
    result.assert_outcomes(passed=4, deselected=1)
    result.stdout.fnmatch_lines([whole])
    (suite.path / ".swarm-answers").unlink()
    workers = run(suite, *arguments, "--deselect=test_custom.py::test_calls", "-n1", "-p", "xdist")
    workers.assert_outcomes(passed=4)
    workers.stdout.fnmatch_lines([whole])
    suite.makepyfile(test_custom=CUSTOM.replace("CALLS", "4"))
    run(suite, *arguments).assert_outcomes(
        passed=5
    )  # a simulated server that is asked calls them too, a store does not


@pytest.mark.parametrize("backend", ["sim", "measure"])
def test_a_dry_run_tells_what_the_run_would_tell_of_a_case(suite: pytest.Pytester, backend: str) -> None:
    arguments = (f"--swarm-backend={backend}", "--swarm-profile=a40", "--swarm-compare=greedy,single:phi4:14b")
    result = run(suite, *arguments, "--swarm-dry-run")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["--swarm-dry-run: *phi4:14b*8GB*", "dry run of 1 case (1 more would not complete)*"])


def test_a_dry_run_that_is_refused_says_that_alone(suite: pytest.Pytester) -> None:
    policy = write_policy(suite.path, {})  # of 8 GB
    compared = f"--swarm-compare=greedy,policy:{policy}"
    result = run(suite, *MEASURE, compared, "--swarm-vram=16GB", "--swarm-dry-run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *policy*8GB*16GB*"])
    assert "dry run of" not in result.stdout.str()


def test_a_dry_run_of_oracle_counts_the_matrix_that_complete_asks(suite: pytest.Pytester) -> None:
    arguments = (*MEASURE, "--swarm-compare=oracle", "--swarm-vram=16GB")
    run(suite, *arguments, "--swarm-dry-run").assert_outcomes(failed=1)
    dry = run(suite, *arguments, "--swarm-complete", "--swarm-dry-run")
    dry.assert_outcomes(skipped=1)
    assert figures_of(dry, "now: about")[:2] == [9, 8]  # two tasks, four models, and an answer that is handed on


def write_policy(folder: Path, digests: dict[str, str]) -> str:
    """Write a policy that was decided with these files of the models, and return its name."""
    models = [
        {
            "name": model.tag,
            "vram_gb": model.vram_gb,
            "load_time_ms": model.load_time_ms,
            "cost_per_token": model.cost_per_token,
            "max_ctx": model.max_ctx,
            "num_ctx": model.num_ctx,
            "capabilities": dict(model.capabilities),
            "digest": digests.get(model.tag),
        }
        for model in load_fleet("heavy")
    ]
    origin = {
        "runs": [],
        "backend": "sim",
        "backend_detail": "",
        "simulated": True,
        "profile": None,
        "versions": {},
        "written": "",
        "tool_version": "",
        "ruling": "use",
        "decided_by": "score",
        "against": "fixed",
        "jobs": 1,
        "repeats": 1,
    }
    policy = {
        "schema": "swarm-policy/1",
        "mode": "greedy",
        "horizon_depth": 0,
        "vram_budget_gb": 8.0,
        "weights": {"token": 0.5, "switch": 0.2},
        "fleet_name": "heavy",
        "models": models,
        "estimates": [],
        "table": [],
        "provenance": origin,
    }
    (folder / "policy.json").write_text(json.dumps(policy))
    return "policy.json"
