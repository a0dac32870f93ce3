"""Expected answers of a reference model or for a judge: what is guessed, written, read again, and said in reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm.calibration.reference_answers import reference_answers
from pytest_swarm.cli import main
from pytest_swarm.domain.expectation import Exact, Expectation, JsonFields, Judge, Keywords, Number, YesNo
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.errors import GraphError
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.report.html import render_html
from pytest_swarm.report.markdown import render_markdown
from pytest_swarm.report.report_model import build_report
from pytest_swarm.scoring.guess_expectation import guess_expectation
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.expected_files import ExpectedAnswer, expected_path, write_expected
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph, save_graph
from pytest_swarm.workloads.importers.import_files import import_files
from tests.report.factories import key, record, run
from tests.report.test_html import fragments

LONG = "Photosynthesis converts sunlight into chemical energy.\nChlorophyll absorbs it."


def graph() -> TaskGraph:
    first = Task(id="first", type=TaskType.MATH, prompt="Compute it.", estimated_tokens=60)
    last = Task(
        id="last one",
        type=TaskType.MATH,
        prompt="Double {{answer: first}}.",
        estimated_tokens=60,
        expected=Number(value=4),
    )
    return TaskGraph(name="job", tasks=(first, last), edges=(("first", "last one"),))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('```json\n{"a": 1, "b": [2], "c": null}\n```', JsonFields(fields={"a": 1, "c": None})),
        ("Yes, it is.", YesNo(value=True)),
        ("**No**", YesNo(value=False)),
        ("The answer is 42.", Number(value=42)),
        ("<think>7 or 8</think>8", Number(value=8)),
        ("Paris", Exact(text="Paris")),
        (r"\boxed{346}", Number(value=346)),
        (f"{LONG}\n<answer>Yes</answer>", YesNo(value=True)),
        (rf"{LONG} \boxed{{Paris}}", Exact(text="Paris")),
        (
            LONG,
            Keywords(words=("photosynthesis", "converts", "sunlight", "chemical", "energy", "chlorophyll", "absorbs")),
        ),
        ("", None),
        ("? !\n?", None),
    ],
)
def test_an_expectation_is_guessed_from_the_shape_of_an_answer(answer: str, expected: Expectation | None) -> None:
    assert guess_expectation(answer) == expected
    if expected is not None:
        assert score_text(expected, answer).value == 1


def test_a_reference_model_answers_what_has_no_expectation() -> None:
    fleet = load_fleet("heavy")
    backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), fleet)
    told: list[str] = []
    answered = reference_answers((graph(), graph()), fleet.tags[0], backend, report_progress=told.append)
    found = next(answered)  # and not only when the second job is answered too: its server may go away
    assert list(found) == ["first"]
    assert found["first"].reference_model == fleet.tags[0]
    assert told == [f"asking {fleet.tags[0]}: job, 1 task"]


def test_a_file_for_a_judge_says_nothing_of_a_reference_model(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    save_graph(graph(), job)
    assert main(["expect", str(job), "--judge", "big 7b"]) == 4  # a name that no server takes
    assert main(["expect", str(job), "--judge", "big:7b"]) == 0
    text = expected_path(job).read_text()
    assert "reference_model" not in text
    assert "run with --swarm-judge=big:7b" in text


def test_expected_answers_are_read_with_their_job(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    save_graph(graph(), job)
    answers = {"first": ExpectedAnswer(expected=JsonFields(fields={"x": None}), reference_model="m:1")}
    path = write_expected(job, answers, answered="Answers of m:1.")
    assert path == tmp_path / "expected" / "job.toml"
    for loaded in (load_graph(job), TaskGraph.load(job)):
        assert loaded.task("first").expected == JsonFields(fields={"x": None})
        assert loaded.task("first").reference_model == "m:1"
        assert loaded.task("last one") == graph().task("last one")
    with pytest.raises(GraphError, match=r"expected.job\.toml: exists already; remove it to write it anew"):
        write_expected(job, answers, answered="")
    by_hand = '[tasks.first]\nexpected = { kind = "yes_no", value = true }\n'
    path.write_text(by_hand)
    assert (load_graph(job).task("first").expected, load_graph(job).task("first").reference_model) == (
        YesNo(value=True),
        None,
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[tasks.z]\nexpected = { kind = "number", value = 1 }', "there is no task 'z' in "),
        ("[tasks.first]\nexpected = 3", "must be a table, not 3"),
        ("[task.first]", "unknown key 'task'; did you mean 'tasks'?"),
        ('[tasks.first]\nexpected = { kind = "numbr", value = 1 }', "numbr"),
    ],
)
def test_expected_answers_that_are_not_valid(text: str, reason: str, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    save_graph(graph(), job)
    expected_path(job).parent.mkdir()
    expected_path(job).write_text(text)
    with pytest.raises(GraphError) as refused:
        load_graph(job)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_command_writes_for_a_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_graph(graph(), tmp_path / "job.toml")
    assert main(["expect", str(tmp_path), "--judge", "m:1"]) == 0
    assert capsys.readouterr().out.endswith("\nnext: look them over, then run the jobs: pytest --swarm-judge=m:1\n")
    assert main(["expect", str(tmp_path), "--judge", "m:1"]) == 0
    assert "next: " not in capsys.readouterr().out  # nothing was written
    loaded = load_graph(tmp_path / "job.toml")
    assert isinstance(loaded.task("first").expected, Judge)
    assert loaded.task("last one").expected == Number(value=4)
    summary = import_files([tmp_path / "job.toml"], tmp_path / "out")
    assert load_graph(summary.imported[0].path) == loaded
    assert main(["expect", str(tmp_path / "expected" / "none"), "--judge", "m:1"]) == 1
    silent = ["expect", str(tmp_path), "--reference", "m:1", "--host", "http://127.0.0.1:1"]
    assert main(silent) == 0  # there is nothing to ask
    expected_path(tmp_path / "job.toml").unlink()
    assert main(silent) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_reports_call_it_agreement_and_not_truth() -> None:
    base = graph()
    first = Task(
        id="first",
        type=TaskType.MATH,
        prompt="Compute it.",
        estimated_tokens=60,
        expected=Number(value=2),
        reference_model="m:1",
    )
    marked = TaskGraph(name="job", tasks=(first, base.tasks[1]), edges=base.edges)
    sentence = "Scores are agreement with m:1, not truth: its answers are expected of 1 of 2 scored tasks."
    report = build_report(run(record(graph=marked, case=key("lp")), record(graph=marked, case=key("milp"))))
    page = render_html(report)
    assert sentence in page
    assert "Agreement with m:1, not truth." in page + "".join(fragments(page, "jobs"))
    assert sentence in render_markdown(report)
    plain = build_report(run(record(graph=base, case=key("lp"))))
    assert "agreement with" not in render_html(plain)
