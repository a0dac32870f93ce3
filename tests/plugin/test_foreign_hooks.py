"""A hook of a third party that fails or returns nonsense is one sentence, and costs no report but its own."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Reports


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return ['x']", "hook pytest_swarm_routers returned a list; return a dict of mode name to factory"),
        ("raise ValueError('no idea')", "hook pytest_swarm_routers failed: ValueError: no idea"),
        ("return {'x': 3}", "hook pytest_swarm_routers: mode 'x' is an int; give a factory (RouterSetup to Router)"),
        ("return {3: print}", "hook pytest_swarm_routers: 3 cannot be the name of a mode; use a plain word"),
    ],
)
def test_routers_that_are_nonsense_end_the_run_before_it_starts(
    suite: pytest.Pytester, body: str, sentence: str
) -> None:
    suite.makeconftest(f"def pytest_swarm_routers(config): {body}")
    for arguments in ((), ("--swarm-compare=greedy",)):
        result = suite.runpytest(*arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert f"ERROR: {sentence}" in result.stderr.str().splitlines()
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_a_misspelled_hook_is_named_with_its_file(suite: pytest.Pytester) -> None:
    conftest = suite.makeconftest("def pytest_swarm_router(config): return {'mine': print}")
    result = suite.runpytest("--swarm-compare=mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    sentence = f"ERROR: {conftest}: pytest_swarm_router is no hook; known are pytest_swarm_report_context, "
    assert sentence in result.stderr.str()


def test_two_plugins_with_one_mode_are_both_named(suite: pytest.Pytester) -> None:
    suite.syspathinsert()
    suite.makepyfile(other="def pytest_swarm_routers(config): return {'mine': print}")
    conftest = suite.makeconftest("def pytest_swarm_routers(config): return {'mine': print, 'yours': print}")
    result = suite.runpytest("-p", "other", "--swarm-compare=greedy")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str()
    assert "ERROR: hook pytest_swarm_routers: mode 'mine' is given by " in text
    assert str(conftest) in text
    assert str(suite.path / "other.py") in text
    assert "'yours'" not in text


@pytest.mark.parametrize(
    ("hook", "sentence"),
    [
        ("context(context): raise ValueError('no idea')", "hook *report_context failed: ValueError: no idea"),
        ("template(): raise ValueError('no idea')", "hook *report_template failed: ValueError: no idea"),
        ("template(): return 3", "hook *report_template returned an int; return the template's path as a text"),
        ("template(): return 'gone.j2'", "gone.j2*"),
    ],
)
def test_a_broken_report_hook_costs_no_other_report(
    suite: pytest.Pytester, reports: Reports, hook: str, sentence: str
) -> None:
    suite.makeconftest(f"def pytest_swarm_report_{hook}")
    result = suite.runpytest("--swarm-report=html", "--swarm-report=json", "--swarm-report=md")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"ERROR: *{sentence}"])
    assert "Traceback" not in result.stdout.str()
    assert {path.name for path in reports.folder.iterdir()} == {"events.jsonl", "report.json", "report.md"}
