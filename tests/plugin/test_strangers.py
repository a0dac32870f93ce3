"""What strangers do: odd tests, odd places, secrets in URLs. None of it costs a run, or ends in a traceback."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugin.conftest import Reports, refuses


def test_a_job_of_a_fixture_that_fails_is_kept_under_xdist(suite: pytest.Pytester, reports: Reports) -> None:
    pytest.importorskip("xdist")
    suite.makepyfile(
        test_fixture="""
        import pytest
        from test_invoice import dag

        @pytest.fixture
        def ran(swarm_run, dag):
            swarm_run(dag)
            raise RuntimeError("later")

        def test_a(ran): ...
        """
    )
    suite.runpytest("test_fixture.py", "-n1", "--swarm-compare=greedy").assert_outcomes(errors=1)
    assert len(reports.of("job_dag_summary")) == 1


def test_a_password_in_a_url_reaches_no_file(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://me:sEcret@127.0.0.1:9")
    result = suite.runpytest("--swarm-backend=auto", "--swarm-compare=lp,greedy")
    result.assert_outcomes(passed=2)
    assert "sEcret" not in result.stdout.str()
    assert all("sEcret" not in path.read_text() for path in reports.folder.iterdir())
    assert "127.0.0.1:9" in (reports.folder / "events.jsonl").read_text()


@pytest.mark.parametrize("host", ["::1", "127.0.0.1:abc", "http://127.0.0.1:99999"])
def test_a_strange_ollama_host_is_one_sentence(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    refuses(suite, "--swarm-backend=auto", says="OLLAMA_HOST: * is not the URL of an HTTP server*")


def test_an_expected_failure_that_passes_stays_one_with_v(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_x="import pytest\nfrom test_invoice import dag\n"
        "@pytest.mark.xfail\ndef test_x(swarm_run, dag): swarm_run(dag)"
    )
    suite.runpytest("test_x.py", "-v").assert_outcomes(xpassed=1)


def test_reports_that_cannot_be_written_end_the_run_before_it_starts(suite: pytest.Pytester) -> None:
    (suite.path / "reports").write_text("a file")
    refuses(suite, says="*reports: no run can be written there*--rootdir=FOLDER")
    elsewhere = suite.mkdir("elsewhere")
    suite.runpytest(f"--rootdir={elsewhere}").assert_outcomes(passed=1)
    assert list(elsewhere.glob("reports/*/events.jsonl"))


def test_inside_a_running_loop_it_says_so(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_async="""
        import asyncio
        from test_invoice import dag

        def test_async(swarm_run, dag):
            async def inside(): swarm_run(dag)
            asyncio.run(inside())
        """
    )
    result = suite.runpytest("test_async.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*await asyncio.to_thread(swarm_run, graph)*"])


def test_in_a_notebook_it_says_what_to_do_and_that_works(suite: pytest.Pytester) -> None:
    async def cell() -> pytest.RunResult:
        return suite.runpytest_inprocess()

    async def cell_with_thread() -> pytest.RunResult:
        return await asyncio.to_thread(suite.runpytest_inprocess)

    refused = asyncio.run(cell())
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*in a notebook `await asyncio.to_thread(pytest.main, [[]...])`*"])
    asyncio.run(cell_with_thread()).assert_outcomes(passed=1)


def test_threads_of_one_test_wait_for_each_other(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_threads="""
        from concurrent.futures import ThreadPoolExecutor
        from dataclasses import replace
        from test_invoice import dag

        def test_threads(swarm_run, dag):
            with ThreadPoolExecutor(4) as pool:
                results = list(pool.map(swarm_run, [replace(dag, name=f"job{n}") for n in range(8)]))
            assert [each.record.case.job for each in results] == [f"job{n}" for n in range(8)]
        """
    )
    suite.runpytest("test_threads.py").assert_outcomes(passed=1)
    ended = [event for event in reports.events if event["event"] in ("dag_structure", "job_dag_summary")]
    assert [event["event"] for event in ended] == ["dag_structure", "job_dag_summary"] * 8


def test_one_case_run_twice_is_said(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_twice="from test_invoice import dag\ndef test_twice(swarm_run, dag): swarm_run(dag); swarm_run(dag)"
    )
    suite.runpytest("test_twice.py").assert_outcomes(passed=1)
    (note,) = reports.of("run_end")[0]["notes"]
    assert note.startswith("1 case was run more than once, ")
    suite.runpytest("test_twice.py", "--swarm-compare=lp,milp").assert_outcomes(passed=2)
    (note,) = reports.of("run_end")[0]["notes"]
    assert note.startswith("2 cases were run more than once, ")


def test_a_task_of_the_wrong_types_is_refused_where_it_is_made(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_types="""
        import pytest
        from pytest_swarm import Number, SwarmError, Task

        @pytest.mark.parametrize("wrong", [
            {"estimated_tokens": 4.5}, {"estimated_tokens": True}, {"expected": 3}, {"expected": Number},
            {"difficulty": "x"}, {"prompt": None}, {"id": 3},
        ])
        def test_types(wrong):
            with pytest.raises(SwarmError, match="task"):
                Task(**({"id": "a", "type": "math", "prompt": "what", "estimated_tokens": 4} | wrong))
        """
    )
    suite.runpytest("test_types.py").assert_outcomes(passed=7)


@pytest.mark.parametrize("options", [(), ("--swarm-only",), ("--swarm-shard=1/1",), ("--swarm-carryover=group",)])
def test_a_test_that_pytest_cannot_parametrize_is_told_so(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    suite.makepyfile(
        test_unit="""
        import unittest
        import pytest

        class TestUnit(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def take(self, swarm_run): ...
            def test_unit(self): ...

        def test_late(request):
            request.getfixturevalue("swarm_run")
        """
    )
    result = suite.runpytest("test_unit.py", *options)
    late = "--swarm-only" not in options  # what names swarm_run only while it runs is not seen before
    result.assert_outcomes(errors=1, failed=int(late), deselected=int(not late))
    tests = ("TestUnit::test_unit", "test_late")[: 1 + late]
    result.stdout.fnmatch_lines_random([f"test_unit.py::{name}: has no case, because *unittest*" for name in tests])
    result.stdout.no_fnmatch_line("*swarm_case(request*")
