"""A benchmark that passes without a job is named, once, at the end of the run."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import SUITE, Reports

ADVICE = "; call swarm_run(dag) in every case, or skip the test where it has no job"


def with_test(suite: pytest.Pytester, body: str) -> None:
    suite.makepyfile(test_invoice=f"{SUITE}\ndef test_b(swarm_run, swarm_case, dag, subtests):\n    {body}\n")


IN_ALL = "2 cases passed without running a job, so without a figure: test_invoice.py::test_b"
IN_SOME = (
    "1 case passed without running a job, so without a figure: test_invoice.py::test_b[greedy-h0-8GB] "
    "(1 of its 2 cases)"
)


@pytest.mark.parametrize(
    ("body", "named", "xdist"),
    [("pass", IN_ALL, ()), ("pass", IN_ALL, ("-n2",)), ("swarm_case.mode == 'lp' and swarm_run(dag)", IN_SOME, ())],
)
def test_it_is_named_once(
    suite: pytest.Pytester, reports: Reports, body: str, named: str, xdist: tuple[str, ...]
) -> None:
    with_test(suite, body)
    suite.runpytest("--swarm-compare=lp,greedy", *xdist).assert_outcomes(passed=4)
    (end,) = reports.of("run_end")
    assert [note for note in end["notes"] if "without running" in note] == [named + ADVICE]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("pytest.skip('no job today')", "skipped"),
        ("assert False", "failed"),
        ("swarm_run(dag)", "passed"),
        ("with subtests.test('a'): swarm_run(dag)", "passed"),
        ("with subtests.test('a'): pytest.skip('decided')", "passed"),
    ],
)
def test_a_test_that_ran_a_job_or_says_why_not_is_not_named(suite: pytest.Pytester, body: str, outcome: str) -> None:
    with_test(suite, body)
    result = suite.runpytest("-rA")
    result.stdout.fnmatch_lines([f"{outcome.upper()} *test_invoice.py*"])
    assert "without running a job" not in result.stdout.str()


@pytest.mark.parametrize("xdist", [(), ("-n1",)])
def test_another_test_with_the_id_of_a_case_is_not_named(suite: pytest.Pytester, xdist: tuple[str, ...]) -> None:
    suite.makepyfile(
        test_text="import pytest\n@pytest.mark.parametrize('text', ['lp-h0-8GB'])\ndef test_text(text): pass\n"
    )
    result = suite.runpytest(*xdist)
    result.assert_outcomes(passed=2)
    assert "without running a job" not in result.stdout.str()


def test_a_run_without_any_job_says_it_too(suite: pytest.Pytester) -> None:
    with_test(suite, "pass")
    for option, lines in (("-k", 1), ("--swarm-dry-run", 0), ("--collect-only", 0)):
        result = suite.runpytest("-k", "test_b", *([] if option == "-k" else [option]))
        said = "swarm: 1 case passed without running a job, so without a figure: test_invoice.py::test_b;"
        assert [line.startswith(said) for line in result.outlines].count(True) == lines


def test_a_run_without_any_job_says_what_it_does_not_write(suite: pytest.Pytester) -> None:
    with_test(suite, "pytest.skip('no job today')")
    result = suite.runpytest("-k", "test_b", "--swarm-report=json", "--swarm-decide")
    result.assert_outcomes(skipped=1, deselected=1)
    result.stdout.fnmatch_lines([f"No {each}, because no job was run." for each in ("report", "decision")])
