"""--swarm-code-eval, --swarm-context=full, and custom scorers that end a test in pytest's own ways."""

from __future__ import annotations

import pytest

from pytest_swarm.plugin.confinement import confinement_warning
from tests.plugin.conftest import Reports

CODE = """
import pytest
from pytest_swarm import CodeCase, PythonCode, Task, TaskGraph

@pytest.fixture
def dag() -> TaskGraph:
    expected = PythonCode(entry_point="f", cases=(CodeCase(args=(1,), returns=1),))
    task = Task(id="a", type="code", prompt="Write f.", estimated_tokens=60, expected=expected)
    return TaskGraph(name="coding", tasks=(task,))

def test_code(swarm_run, dag):
    swarm_run(dag)
"""

CUSTOM = """
import pytest
from pytest_swarm import Custom, Task, TaskGraph

def scorer(text):
    %s

def test_custom(swarm_run):
    expected = Custom(name="mine", function=scorer)
    task = Task(id="a", type="creative", prompt="A poem.", estimated_tokens=60, expected=expected)
    swarm_run(TaskGraph(name="poems", tasks=(task,)))
"""


@pytest.mark.parametrize("given", ["--swarm-code-eval", "--swarm-code-eval=strict", "--swarm-code-eval=on"])
def test_code_is_run_and_the_report_says_what_confined_it(suite: pytest.Pytester, reports: Reports, given: str) -> None:
    suite.makepyfile(test_invoice=CODE)
    suite.runpytest(given).assert_outcomes(passed=1)
    (event,) = reports.of("task_result")
    assert event["sandbox_layers"][0] == "rlimits"


def test_without_the_option_no_code_is_run(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_invoice=CODE)
    suite.runpytest().assert_outcomes(passed=1)
    (event,) = reports.of("task_result")
    assert "sandbox_layers" not in event


def test_where_the_kernel_does_not_confine_a_line_says_so_once(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile(test_invoice=CODE)
    monkeypatch.setattr("pytest_swarm.scoring.sandbox.run_cases.KERNEL_LAYERS", ("landlock", "moat"))
    result = suite.runpytest_inprocess("--swarm-code-eval")
    result.assert_outcomes(passed=1)
    lines = [line for line in result.outlines if "runs without moat" in line]
    assert len(lines) == 1
    assert "in force: rlimits" in lines[0]
    refused = suite.runpytest_inprocess("--swarm-code-eval=strict")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --swarm-code-eval=strict: this system has no moat to confine answered code*"])


def test_a_machine_that_confines_warns_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = ("rlimits", "landlock", "seccomp")
    monkeypatch.setattr("pytest_swarm.scoring.sandbox.run_cases.layers_in_force", lambda: layers)
    assert confinement_warning(strict=True) is None


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        ("pytest.skip('no reference at hand')", {"skipped": 1}),
        ("pytest.fail('worse than ever')", {"failed": 1}),
        ("raise ValueError('not a poem')", {"failed": 1}),
        ("return float('nan')", {"failed": 1}),
        ("return 1.5", {"failed": 1}),
        ("return 0.5", {"passed": 1}),
    ],
)
def test_a_custom_scorer_ends_a_test_as_pytest_does(
    suite: pytest.Pytester, body: str, outcomes: dict[str, int]
) -> None:
    suite.makepyfile(test_invoice=CUSTOM % body)
    result = suite.runpytest("-rA")
    result.assert_outcomes(**outcomes)
    shown = result.stdout.str()
    assert "was still running when the run stopped" not in shown
    (events,) = suite.path.rglob("events.jsonl")
    assert events.read_text().count('"job_dag_summary"') == 1
    if "pytest." in body:
        assert "the test was ended while the job ran, by" in events.read_text()
    assert "no Ollama server answers" not in shown
    if "raise" in body or "nan" in body or "1.5" in body:
        assert "custom scorer 'mine'" in shown
