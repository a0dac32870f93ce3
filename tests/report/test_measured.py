"""What a report says of a run on measured answers, and that it is told apart from every other kind of run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_swarm.domain.measured_run import MeasuredTest, PredictedAndReal, VerifiedCase
from pytest_swarm.domain.record import Run
from pytest_swarm.report.html import render_html
from pytest_swarm.report.markdown import render_markdown
from pytest_swarm.report.measured import measure_summary, measured_once, verified_rows
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from pytest_swarm.schemas import load_schema
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.events import encode_note, encode_run_end, encode_run_start
from pytest_swarm.telemetry.measured_events import encode_measured_test, encode_verified_case
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink
from tests.report.factories import document_of, info, key, record, run

TEST = MeasuredTest(test="t.py::test_a", job="wb1", waves=3, answers=30, asked=20, loads=5, server_s=100.0)
REAL = {"simulated": False, "profile": None, "backend_detail": "ollama at http://gpu:11434"}
KINDS: dict[str, dict[str, Any]] = {
    "measured": {**REAL, "backend": "measure"},
    "plain": {**REAL, "backend": "ollama"},
    "simulated": {"backend": "sim"},
    "replayed": {**REAL, "backend": "replay"},
    "measured from a simulator": {"backend": "measure"},
}
WORDS = {
    "measured": "MEASURED ANSWERS, PREDICTED TIMES",
    "plain": None,
    "simulated": "SIMULATED",
    "replayed": "REPLAYED",
    "measured from a simulator": "SIMULATED",
}
ALL_WORDS = ("MEASURED ANSWERS", "SIMULATED", "REPLAYED")


def verified(predicted: float = 10.0, real: float = 10.0, number: int = 0) -> VerifiedCase:
    pairs = {
        "makespan_s": PredictedAndReal(predicted=predicted, real=real),
        "load_s": PredictedAndReal(predicted=4.0, real=4.0),
    }
    return VerifiedCase(case=f"{number:016x}", job="wb1", mode="lp", label="lp-h3-8GB", figures=pairs)


@pytest.mark.parametrize(
    ("questions", "others", "said"),
    [
        (9, 2, "9 questions were asked again, and 2 got another answer: the server is not deterministic"),
        (1, 0, "1 question was asked again, with the same answer."),
        (0, 0, None),
    ],
)
def test_answers_that_differ_when_they_are_asked_again_are_told(questions: int, others: int, said: str | None) -> None:
    case = replace(verified(), questions=questions, other_answers=others)
    report = build_report(measured(case))
    text = " ".join("\n".join(terminal_summary(report, width=100, verbose=0)).split())
    assert (said in text) if said else "asked again" not in text
    block = document_of(report)["run"]
    entry = block["measure"]["verified"][0]
    assert (entry["questions"], entry["other_answers"]) == (questions, others)


def measured(*cases: VerifiedCase, tests: tuple[MeasuredTest, ...] = (TEST,)) -> Run:
    jobs = (record(case=key("lp")), record(case=key("llm")))
    return replace(run(*jobs, **KINDS["measured"]), measured=tests, verified=cases)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_run_has_its_own_mark_everywhere(kind: str) -> None:
    report = build_report(run(record(case=key("lp")), record(case=key("llm")), **KINDS[kind]))
    word = WORDS[kind]
    page = render_html(report)
    texts = [
        "\n".join(terminal_summary(report, width=100, verbose=0)),
        page[page.index("<main>") : page.index('id="scoreboard"')],
        render_markdown(report),
    ]
    for text in texts:
        assert [each for each in ALL_WORDS if each in text] == [each for each in ALL_WORDS if word and each in word]


@pytest.mark.parametrize("kind", KINDS)
def test_report_json_tells_them_apart_and_fits_its_schema(kind: str) -> None:
    document = document_of(build_report(run(record(), **KINDS[kind])))
    Draft202012Validator(load_schema("swarm-report-1")).validate(document)
    block: Any = document["run"]
    assert (block["measure"] is not None) == kind.startswith("measured")
    assert block["simulated"] is KINDS[kind].get("simulated", True)
    assert block["backend"] == KINDS[kind]["backend"]


def test_the_block_holds_what_was_measured() -> None:
    block = document_of(build_report(measured(verified(9.0, 10.0))))["run"]
    found = block["measure"]
    assert {name: found[name] for name in ("answers_known", "answers_asked", "loads", "server_s", "waves")} == {
        "answers_known": 10,
        "answers_asked": 20,
        "loads": 5,
        "server_s": 100.0,
        "waves": 3,
    }
    assert found["without_store_s"] == sum(job.makespan_s or 0.0 for job in measured().jobs)
    assert found["verified"][0]["figures"]["makespan_s"] == {"predicted": 9.0, "real": 10.0}
    assert found["verified_figures"][0]["off"] == pytest.approx(-0.1)


def test_answers_that_another_process_asked_are_no_known_ones() -> None:
    waited = replace(TEST, asked=0, loads=0, server_s=0.0, waves=0)
    summary = measure_summary(build_report(measured(tests=(TEST, waited))))
    assert summary is not None
    assert (summary.answers_asked, summary.answers_known) == (20, 10)
    told = measure_summary(build_report(measured(tests=(replace(TEST, known=4), replace(waited, known=24)))))
    assert told is not None
    assert told.answers_known == 4  # the process that came later knew what the first one had asked


def test_answers_that_another_run_stored_meanwhile_are_told_where_this_one_asked_none() -> None:
    none_asked = replace(TEST, asked=0, loads=0, server_s=0.0, waves=0, known=4)
    for tests, said in (((none_asked,), 26), ((TEST, replace(none_asked, known=0)), 0)):
        summary = measure_summary(build_report(measured(tests=tests)))
        assert summary is not None
        assert summary.answers_of_others == said
        assert ("known before, 26 asked by another run meanwhile)" in measured_once(summary)) is bool(said)


def test_prompts_that_are_played_faster_than_they_were_read_are_told() -> None:
    stalled = replace(TEST, stalled=2, stalled_s=19.1)
    report = build_report(measured(tests=(TEST, replace(stalled, test="t.py::test_b"), stalled)))
    text = " ".join("\n".join(terminal_summary(report, width=100, verbose=0)).split())
    assert "4 prompts took over 8 times as long to read as usual, 38.2 s more, as where" in text
    assert "they are played at the usual speed. No case was run" in text
    block = document_of(report)["run"]
    assert (block["measure"]["stalled"], block["measure"]["stalled_s"]) == (4, pytest.approx(38.2))
    assert "as long to read" not in "\n".join(terminal_summary(build_report(measured()), width=1000, verbose=0))


def test_without_verification_no_time_is_confirmed() -> None:
    text = "\n".join(terminal_summary(build_report(measured()), width=100, verbose=0))
    assert "no time is confirmed" in " ".join(text.split())


@pytest.mark.parametrize(
    ("test", "said"),
    [(TEST, True), (replace(TEST, server_s=0.01), False), (replace(TEST, unmeasured=1), False)],
    ids=["it took longer", "it took less", "not all was measured"],
)
def test_measuring_that_took_longer_than_it_saved_says_so(test: MeasuredTest, said: bool) -> None:
    text = " ".join("\n".join(terminal_summary(build_report(measured(tests=(test,))), width=100, verbose=0)).split())
    assert ("took longer than the cases would have without a store" in text) is said


def test_predicted_and_real_figures_are_means_with_their_units() -> None:
    report = build_report(measured(verified(9.0, 10.0), verified(10.0, 12.0, number=1)))
    summary = measure_summary(report)
    assert summary is not None
    makespan = next(row for row in verified_rows(summary) if row[0].startswith("Makespan"))
    assert makespan[1:5] == ("2", "9.5 s", "11.0 s", "-14 %")


@pytest.mark.parametrize(("predicted", "grey"), [(12.5, True), (11.5, False), (7.5, True), (8.5, False)])
def test_a_figure_that_is_off_by_more_than_a_fifth_is_grey_and_said_so(predicted: float, grey: bool) -> None:
    report = build_report(measured(verified(predicted, 10.0)))
    page, text = render_html(report), "\n".join(terminal_summary(report, width=100, verbose=0))
    assert ("td[data-metric=makespan_s]{color:var(--muted)" in page) is grey
    assert "td[data-metric=load_s]{" not in page
    assert ("these figures are grey" in " ".join(text.split())) is grey
    assert ("Makespan (grey)" in text) is grey
    block = document_of(report)["run"]
    assert block["measure"]["verified_figures"][0]["far_off"] is grey


def test_the_interval_is_that_of_the_relative_error_of_a_case() -> None:
    cases = [verified(9.0, 10.0, 0), verified(10.0, 10.0, 1), verified(11.0, 10.0, 2)]
    summary = measure_summary(build_report(measured(*cases)))
    assert summary is not None
    makespan = summary.figures[0]
    assert (makespan.cases, makespan.off) == (3, 0.0)
    assert makespan.high == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-4)  # Student's t with 2 degrees of freedom
    assert makespan.low == pytest.approx(-(makespan.high or 0.0))


def test_a_figure_that_was_not_measured_is_left_out() -> None:
    unknown = replace(verified(), figures={"makespan_s": PredictedAndReal(predicted=1.0, real=None)})
    summary = measure_summary(build_report(measured(unknown)))
    assert summary is not None
    assert summary.figures == ()


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "events.jsonl")
    sink.emit(encode_run_start(info(**KINDS["measured"])))
    sink.emit(encode_measured_test(TEST, 1.0))
    sink.emit(encode_measured_test(replace(TEST, known=7), 1.5))
    a_record = record(case=key("lp"))
    written = replace(verified(), case=a_record.case.digest, questions=9, other_answers=2)
    sink.emit(encode_verified_case(written, 2.0))
    sink.emit(encode_note(a_record.case, "a note", 3.0))
    sink.emit(encode_run_end(RunEndEvent(ts_ms=4.0, complete=True, notes=())))
    sink.close()
    found = read_run(tmp_path)
    assert found.measured == (TEST, replace(TEST, known=7))
    events = tmp_path / "events.jsonl"
    older = [json.loads(line) for line in events.read_text().splitlines()]
    for each in older:
        for name in ("known", "stalled", "stalled_s"):
            each.pop(name, None)
    events.write_text("".join(json.dumps(each) + "\n" for each in older))
    assert read_run(tmp_path).measured == (TEST, TEST)
    assert found.verified == (written,)
