"""--swarm-dry-run counts what the run would do: with its estimates and groups, and without what has ended earlier."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, nullcontext

import pytest

from pytest_swarm.simulator.http_server import serve_in_thread
from tests.plugin.conftest import Reports, quick_server
from tests.plugin.test_measure import MEASURE, figures_of, run

THREADS = """
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from test_invoice import dag

def test_threads(swarm_run, dag):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(swarm_run, [replace(dag, name=f"job{number}") for number in range(4)]))
"""
LEARNED = """
import pytest
from pytest_swarm import Number, Task, chain

def test_learned(swarm_run):
    swarm_run(chain(
        "learned",
        Task(id="sum", type="math", prompt="Add 1 and 2.", estimated_tokens=60, expected=Number(value=3)),
        Task(id="code", type="code", prompt="Write it as code.", estimated_tokens=60),
    ))
"""
GROUP = """
import pytest
from dataclasses import replace
from test_invoice import dag

@pytest.mark.parametrize("job", ["first", "second", "third", "last"])
def test_group(swarm_run, dag, job):
    swarm_run(replace(dag, name=job))
"""


def test_jobs_in_threads_are_measured_played_and_counted(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_threads=THREADS)
    counted = run(suite, "test_threads.py", *MEASURE, "--swarm-dry-run")
    counted.assert_outcomes(skipped=1)
    assert figures_of(counted, "dry run of")[1] == 0
    run(suite, "test_threads.py", *MEASURE).assert_outcomes(passed=1)
    run(suite, "test_threads.py", "--swarm-backend=measure", "--swarm-offline").assert_outcomes(passed=1)


def test_a_store_that_is_damaged_ends_a_dry_run_in_a_sentence(suite: pytest.Pytester) -> None:
    run(suite, *MEASURE).assert_outcomes(passed=1)
    with closing(sqlite3.connect(suite.path / ".swarm-answers")) as database, database:
        database.execute("UPDATE answers SET answer = '{'")
    result = run(suite, *MEASURE, "--swarm-dry-run")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["--swarm-dry-run: answers *.swarm-answers*"])
    assert "dry run of" not in result.stdout.str()


def test_after_a_run_that_learned_from_its_answers_nothing_is_new(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_learned=LEARNED)
    arguments = ("test_learned.py", *MEASURE, "--swarm-compare=milp,greedy,llm")
    run(suite, *arguments).assert_outcomes(passed=3)
    assert figures_of(run(suite, *arguments, "--swarm-dry-run"), "now: about")[:3] == [0, 0, 0]


def test_estimates_of_a_file_count(suite: pytest.Pytester) -> None:
    """A file that believes in the model that is not the fleet's best sends the questions to that one."""
    believed = {"qwen2.5-coder:7b": 1.0, "llama3.1:8b": 0.0, "gemma2:2b": 0.0, "phi4:14b": 0.0}
    rows = [
        {"model": model, "type": kind, "prior": share, "mean": share, "count": 9, "estimate": share}
        for model, share in believed.items()
        for kind in ("extraction", "math")
    ]
    rest = [{"model": model, "estimate": share} for model, share in believed.items()]
    file = {"schema": "swarm-estimates/1", "source": "r", "answers": 9, "jobs": 9, "strength": 9.0, "estimates": rows}
    suite.path.joinpath("e.json").write_text(json.dumps({**file, "rest": rest}))
    run(suite, *MEASURE, "--swarm-compare=greedy", "--swarm-estimates=e.json").assert_outcomes(passed=1)
    dry = run(suite, *MEASURE, "--swarm-compare=greedy", "--swarm-estimates=e.json", "--swarm-dry-run")
    assert figures_of(dry, "dry run of") == [1, 2]  # a case, whose answers are known
    assert figures_of(dry, "now: about")[0] == 0


@pytest.mark.parametrize("served", [False, True], ids=["sim", "http"])
def test_jobs_of_a_group_keep_their_models(suite: pytest.Pytester, reports: Reports, served: bool) -> None:
    suite.makepyfile(test_group=GROUP)
    arguments = ("test_group.py", "--swarm-compare=single:gemma2:2b", "--swarm-carryover=group", "--swarm-report=json")
    run(suite, *arguments).assert_outcomes(passed=4)
    loads = len([event for event in reports.of("model_switch") if event["action"] == "load"])
    with serve_in_thread(quick_server()) if served else nullcontext() as url:
        asked = ("--swarm-backend=ollama", f"--swarm-host={url}") if served else ()
        _, calls, counted, tokens, *_ = figures_of(run(suite, *arguments, *asked, "--swarm-dry-run"), "dry run of")
    assert (calls, counted) == (8, loads)
    assert tokens > 4 * 2 * 60  # of all jobs


def test_cases_that_have_ended_earlier_cost_nothing(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_group=GROUP)
    run(suite, "test_group.py", "-k", "not last").assert_outcomes(passed=3, deselected=1)
    result = run(suite, "test_group.py", "--swarm-resume", "--swarm-dry-run")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["dry run of 1 case (3 more have ended earlier): about 2 calls, *"])
    run(suite, "test_group.py", "--swarm-resume").assert_outcomes(passed=4)
    result = run(suite, "test_group.py", "--swarm-resume", "--swarm-dry-run")
    result.stdout.fnmatch_lines(["dry run of 0 cases (4 have ended earlier)"])


def test_minutes_that_rest_on_an_assumed_speed_say_so(suite: pytest.Pytester) -> None:
    """Half the speed is twice the time: a dry run that assumes a speed must say which, and of which models."""
    fleet = suite.path / "slow.toml"
    row = '[[model]]\nname = "gemma2:2b"\nvram_gb = 2.0\nload_time_ms = 0\ncost_per_token = 0.4\nmax_ctx = 8192\n'
    said = "the minutes assume 50 tokens/s for gemma2:2b, whose speed is not known: *decode_tokens_per_s *fleet file"
    fleet.write_text(row)
    arguments = (*MEASURE, "--swarm-compare=greedy", f"--swarm-fleet={fleet}", "--swarm-dry-run")
    run(suite, *arguments).stdout.fnmatch_lines([said])
    fleet.write_text(f"{row}decode_tokens_per_s = 5.0\n")
    run(suite, *arguments).stdout.no_fnmatch_line("the minutes assume*")


def test_a_test_of_several_graphs_is_said_to_be_counted_once(suite: pytest.Pytester) -> None:
    result = run(suite, "--swarm-dry-run")
    result.stdout.fnmatch_lines(["a test that runs several graphs is counted with the first of them alone"])


def test_one_that_is_cut_off_says_that_the_run_costs_more(suite: pytest.Pytester) -> None:
    said = "the dry run did not come to its end, so the run costs more"
    run(suite, "--swarm-dry-run").stdout.no_fnmatch_line(said)
    suite.makepyfile(test_stop="def test_stop():\n    raise KeyboardInterrupt")
    result = suite.runpytest("test_invoice.py", "test_stop.py", "--swarm-dry-run", no_reraise_ctrlc=True)
    result.stdout.fnmatch_lines(["dry run of 1 case: about *", said])


def test_options_that_it_ignores_are_named(suite: pytest.Pytester) -> None:
    result = run(suite, "--swarm-dry-run", "--swarm-update-baseline", "--swarm-decide")
    ignored = ("--swarm-update-baseline", "--swarm-decide")
    result.stdout.fnmatch_lines([f"{flag} has no effect on a dry run" for flag in ignored])
    run(suite, "--swarm-dry-run").stdout.no_fnmatch_line("*has no effect*")


def test_repeats_that_may_be_left_out_are_said_to_be_counted(suite: pytest.Pytester) -> None:
    run(suite, "--swarm-update-baseline").assert_outcomes(passed=1)
    result = run(suite, "--swarm-baseline=swarm-baseline.json", "--swarm-repeat=auto:3", "--swarm-dry-run")
    said = "all repeats are counted; --swarm-repeat=auto leaves out those of a case that is decided"
    result.stdout.fnmatch_lines(["dry run of 3 cases: about *", said])
    run(suite, "--swarm-repeat=3", "--swarm-dry-run").stdout.no_fnmatch_line(said)
