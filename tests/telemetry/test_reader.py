"""events.jsonl is read back as it was written; what is broken in it is named, and a cut-off end is forgiven."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.codec import JsonDecoder, encode_line
from pytest_swarm.domain.record import JobRecord, Run, TaskOutcome, TaskStatus
from pytest_swarm.errors import EventsError
from pytest_swarm.metrics.run_measurer import RunMeasurer
from pytest_swarm.telemetry import events
from pytest_swarm.telemetry.event_types import RunEndEvent, TaskResultEvent
from pytest_swarm.telemetry.reader import RunReader, read_run
from pytest_swarm.telemetry.sink import FileSink, ListSink
from tests.execution.lab import case, graph, run
from tests.report.factories import info as run_info

CASE = case(graph(("a", "b"), name="job"), "lp")


def written(path: Path) -> Run:
    """A run of one job in `path`/events.jsonl."""
    sink = ListSink()
    record = run(CASE, sink=sink)
    file = FileSink(path / "events.jsonl")
    file.emit(events.encode_run_start(run_info()))
    for event in sink.events:
        file.emit(event)
    file.emit(events.encode_job_summary(record, 1.0, {}))
    file.emit(events.encode_run_end(RunEndEvent(ts_ms=2.0, complete=True, notes=("a note",))))
    file.close()
    return Run(info=run_info(), jobs=(record,), complete=True, notes=("a note",))


def test_a_run_is_read_back_equal(tmp_path: Path) -> None:
    assert written(tmp_path) == read_run(tmp_path)
    assert read_run(tmp_path / "events.jsonl") == read_run(tmp_path)


def test_notes_on_cases_do_not_depend_on_which_case_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    case = next(each["case"] for each in map(json.loads, lines) if each["event"] == "dag_structure")
    notes = [
        json.dumps({"event": "note", "ts_ms": 1.0, "case": case, "job": "job", "mode": "lp", "text": text}) + "\n"
        for text in ("b: one", "a: two", "b: one")
    ]
    path.write_text("".join([*lines[:-1], *notes, lines[-1]]))
    there = read_run(path).notes
    path.write_text("".join([*lines[:-1], *reversed(notes), lines[-1]]))
    assert read_run(path).notes == there == ("a note", "a: two", "b: one")


def test_a_cut_off_last_line_is_forgiven_and_said(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    back = read_run(path)
    assert len(back.jobs) == 1
    assert not back.complete
    assert "cut off" in back.notes[-1]


def test_a_job_that_was_still_running_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]))
    back = read_run(path)
    assert back.jobs == ()
    assert back.notes == ("job [lp-h1-8GB] was still running when the run stopped",)


def test_a_run_that_ended_without_the_end_of_a_job_is_not_complete(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["event"] != "job_dag_summary"]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept))
    back = read_run(path)
    assert (back.jobs, back.complete) == ((), False)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: ["not json\n", *lines], r"\(line 1: is not valid JSON: .*\); name the folder of a run, such as"),
        (lambda lines: [lines[0][:-3] + "\n", *lines], "line 1: is not valid JSON: Expecting"),
        (lambda _: ['{"cassette": 1}\n'], r"\(it holds a recording\); name the folder"),
        (lambda _: ["<html>"], r"is no events.jsonl of pytest-swarm \(it holds no run_start event\); name the folder"),
        (lambda lines: lines[1:], "holds no run_start"),
        (
            lambda lines: [lines[0].replace('"schema_version":1', '"schema_version":99'), *lines[1:]],
            "99 is newer than 1",
        ),
        (
            lambda lines: [*lines[:2], lines[2].replace('"event":', '"schema_version":99,"event":'), *lines[3:]],
            "line 3: schema version 99 is newer than 1",
        ),
        (
            lambda lines: [lines[0].replace('"seed":7', '"seed":-1'), *lines[1:]],
            "line 1: field 'seed': expected int >= 0; restore the file, or run the tests again$",
        ),
        (lambda lines: ["[]\n", *lines], "line 1: expected object, found array"),
        (lambda _: [], "holds no run_start"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, change, sentence: str) -> None:  # type: ignore[no-untyped-def]
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))
    with pytest.raises(EventsError, match=sentence) as error:
        read_run(path)
    assert str(path) in str(error.value)


def test_a_file_that_grows_is_read_on_by_whole_lines(tmp_path: Path) -> None:
    two_jobs(tmp_path)
    path, growing = tmp_path / "events.jsonl", tmp_path / "growing.jsonl"
    written = path.read_bytes()
    ended: list[JobRecord] = []
    growing.write_bytes(b"")
    reader = RunReader(growing, ended=ended.append)
    for start in range(0, len(written), 700):  # now and then in the middle of a line
        with growing.open("ab") as file:
            file.write(written[start : start + 700])
        reader.read_on()
        assert written[: reader.file.end].endswith(b"\n") or reader.file.end == 0
        assert reader.file.end > start - 2000  # a line is shorter
    assert reader.finish() == read_run(path)
    assert tuple(ended) == read_run(path).jobs
    assert all(isinstance(each.outcomes, tuple) for each in ended)


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replaced(path: Path) -> None:
    path.with_name("aside").write_bytes(path.read_bytes())
    path.with_name("aside").replace(path)


@pytest.mark.parametrize("change", [shorter, replaced])
def test_another_file_than_the_one_that_was_read_is_not_read_on(tmp_path: Path, change: Callable[[Path], None]) -> None:
    written(tmp_path)
    reader = RunReader(tmp_path)
    reader.read_on()
    change(tmp_path / "events.jsonl")
    with pytest.raises(EventsError, match="was changed after it was read"):
        reader.read_on()


def two_jobs(path: Path) -> list[str]:
    """The lines of a run of two jobs, the second of them in another mode."""
    file = FileSink(path / "events.jsonl")
    file.emit(events.encode_run_start(run_info()))
    for mode in ("lp", "greedy"):
        sink = ListSink()
        record = run(case(graph(("a", "b"), name="job"), mode), sink=sink)
        for event in (*sink.events, events.encode_job_summary(record, 1.0, {})):
            file.emit(event)
    file.emit(events.encode_run_end(RunEndEvent(ts_ms=2.0, complete=True, notes=(), jobs=2)))
    file.close()
    return (path / "events.jsonl").read_text().splitlines(keepends=True)


def retold(line: str) -> str:
    """A line that says what another one says, of a later time."""
    return line.replace('"ts_ms":', '"ts_ms":1')


def line_of(lines: list[str], kind: str, mode: str) -> int:
    return next(n for n, line in enumerate(lines) if f'"event":"{kind}"' in line and f'"mode":"{mode}"' in line)


@pytest.mark.parametrize("kind", ["dag_structure", "plan_step", "task_result", "job_dag_summary"])
@pytest.mark.parametrize("damage", ["torn", "joined", "zeros"])
def test_a_damaged_line_costs_its_job_and_no_other(tmp_path: Path, kind: str, damage: str) -> None:
    lines = two_jobs(tmp_path)
    number = line_of(lines, kind, "lp")
    torn = {"torn": lines[number][:-30] + "\n", "joined": lines[number][:-30], "zeros": "\0" * 40 + "\n"}[damage]
    path = tmp_path / "events.jsonl"
    path.write_text("".join((*lines[:number], torn, *lines[number + 1 :])))
    back = read_run(path)
    modes = [job.case.key.mode for job in back.jobs]
    lost_beginning = damage == "joined" and kind == "job_dag_summary"  # of the next job
    assert modes == ([] if lost_beginning else ["greedy"])
    assert not back.complete
    assert f"1 damaged line (first: line {number + 1}: is not valid JSON: " in back.notes[-1]
    assert ("left out, and with them job [lp-h1-8GB]; go on with" in back.notes[-1]) is (kind != "dag_structure")


def test_a_job_that_ran_again_after_a_damaged_line_is_not_missing(tmp_path: Path) -> None:
    lines = two_jobs(tmp_path)
    first, second = line_of(lines, "dag_structure", "lp"), line_of(lines, "dag_structure", "greedy")
    path = tmp_path / "events.jsonl"
    path.write_text("".join((lines[0], lines[first], "{torn\n", *lines[first:second])))
    back = read_run(path)
    assert len(back.jobs) == 1
    assert "left out; go on" in back.notes[-1]


@pytest.mark.parametrize(
    ("kind", "collected", "ran_again", "whole"),
    [
        ("task_result", ["one", "two"], True, True),
        ("dag_structure", ["one", "two"], True, True),
        ("job_dag_summary", ["one", "two"], True, True),
        ("task_result", ["one", "two"], False, False),
        ("dag_structure", ["one", "two"], False, False),
        ("task_result", ["two"], True, False),  # what the damage hid of test one is not known
        ("run_end", ["one", "two"], True, True),  # a line of no job
    ],
)
def test_a_damaged_run_is_whole_once_a_session_has_run_its_jobs_again(
    tmp_path: Path, kind: str, collected: list[str], *, ran_again: bool, whole: bool
) -> None:
    lines = two_jobs(tmp_path)
    first, second = line_of(lines, "dag_structure", "lp"), line_of(lines, "dag_structure", "greedy")
    at = len(lines) - 1 if kind == "run_end" else line_of(lines, kind, "lp")
    damaged = [*lines[:at], lines[at][:-30] + "\n", *lines[at + 1 :]]
    before, later = (encode_line(events.encode_collection(1.0, tests)) + "\n" for tests in (["one", "two"], collected))
    again = [*map(retold, lines[first:second])] if ran_again else []
    path = tmp_path / "events.jsonl"
    path.write_text("".join((lines[0], before, *damaged[1:], retold(later), *again)))
    assert (read_run(path).complete, len(read_run(path).lost)) == (False, 1)
    path.write_text(path.read_text() + retold(lines[-1]))
    back = read_run(path)
    assert (back.complete, back.lost == ()) == (whole, whole)
    assert ("1 damaged line" in back.notes[-1], "what was missing ran later" in back.notes[-1]) == (
        True,
        whole,
    )


@pytest.mark.parametrize("how", ["byte order mark", "line separator", "blank lines", "windows"])
def test_a_file_that_others_rewrote_is_read_in_full(tmp_path: Path, how: str) -> None:
    whole = written(tmp_path)
    path = tmp_path / "events.jsonl"
    text = path.read_text()
    rewritten = {
        "byte order mark": "\ufeff" + text,
        "line separator": text.replace("a note", "a\u2028note"),
        "blank lines": text.replace("\n", "\n\n"),
        "windows": text.replace("\n", "\r\n"),
    }[how]
    path.write_bytes(rewritten.encode())
    notes = ("a\u2028note",) if how == "line separator" else whole.notes
    assert read_run(path) == replace(whole, notes=notes)


def test_unknown_events_are_passed_over(tmp_path: Path) -> None:
    file = FileSink(tmp_path / "events.jsonl")
    file.emit(events.encode_run_start(run_info()))
    file.emit({"event": "weather", "ts_ms": 1})
    file.close()
    assert read_run(tmp_path).jobs == ()


texts = st.none() | st.text(st.characters(), max_size=50)
numbers = st.none() | st.floats(0, allow_nan=False, allow_infinity=False)


@given(
    answer=texts,
    error=texts,
    score=st.none() | st.floats(0, 1),
    seconds=numbers,
    tokens=st.none() | st.integers(0, 2**53),
)
def test_any_outcome_survives_the_line(
    answer: str | None, error: str | None, score: float | None, seconds: float | None, tokens: int | None
) -> None:
    outcome = TaskOutcome(
        task="a",
        status=TaskStatus.OK,
        answer=answer,
        error=error,
        score=score,
        prompt_tokens=tokens,
        started_s=seconds,
        token_cost=seconds,
    )
    line = encode_line(events.encode_task_result(CASE, outcome, 0.0))
    assert line.isascii()
    assert "\n" not in line
    event = JsonDecoder[TaskResultEvent](TaskResultEvent, error=EventsError).decode(line, where="line")
    assert events.decode_task_result(event) == outcome


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('["a","b"]', '["a","z"]', "dangling edge a -> z"),
        ('["a","b"]', '["a"]', r"field 'graph\.edges\[0\]': expected array of length 2"),
        ('"kind":"number"', '"kind":"guess"', "unknown expectation 'guess'"),
        ('"difficulty":1.0', '"difficulty":1.0,"mood":1', "unknown field mood"),
    ],
)
def test_a_graph_that_is_not_valid_costs_its_job(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    back = read_run(path)
    assert back.jobs == ()
    assert re.search(rf"1 damaged line \(first: line 2.*{sentence}", back.lost[0])


def test_the_same_graph_is_decoded_once(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "events.jsonl"
    first, *job, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join((first, *job, *map(retold, job), last)))
    one, two = read_run(path).jobs
    assert one == two
    assert one.case.graph is two.case.graph


def changed(path: Path, kind: str, **fields: object) -> Path:
    """The events of a run with some fields of the first event of a kind changed."""
    written(path)
    file = path / "events.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    next(each for each in lines if each["event"] == kind).update(fields)
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return file


@pytest.mark.parametrize(
    ("kind", "name", "value", "sentence"),
    [
        ("dag_structure", "vram_budget_gb", -8.0, r"float >= 0\.0"),
        ("dag_structure", "repeat", 0, "int >= 1"),
        ("dag_structure", "horizon_depth", -1, "int >= 0"),
        ("plan_step", "decision_ms", -0.5, r"float >= 0\.0"),
        ("plan_step", "lambda_token", -1.0, r"float >= 0\.0"),
        ("task_result", "score", 1.5, r"float <= 1\.0"),
        ("task_result", "score", -0.5, r"float >= 0\.0"),
        ("task_result", "local_score", 2, r"float <= 1\.0"),
        ("task_result", "prompt_tokens", -1, "int >= 0"),
        ("task_result", "completion_tokens", 2**53 + 1, "int <= 9007199254740992"),
        ("task_result", "prompt_tokens", 10**400, "int"),
        ("task_result", "latency_s", -1.0, r"float >= 0\.0"),
        ("task_result", "finished_s", -1.0, r"float >= 0\.0"),
        ("model_switch", "action", "lift", "'lift'"),
        ("task_result", "status", "fine", "invalid enum value 'fine'"),
        ("job_dag_summary", "makespan_s", -1.0, r"float >= 0\.0"),
    ],
)
def test_a_value_that_cannot_be_costs_its_job(
    tmp_path: Path, kind: str, name: str, value: object, sentence: str
) -> None:
    back = read_run(changed(tmp_path, kind, **{name: value}))
    assert (back.jobs, len(back.lost)) == ((), 1)
    found = rf"1 damaged line \(first: line \d+: field '{name}': .*{sentence}.*\), left out, and with them job \[lp-"
    assert bool(re.search(found, back.lost[0])) is (kind != "dag_structure")
    assert re.search(rf"field '{name}': .*{sentence}", back.lost[0])


@pytest.mark.parametrize("line", ["[]", "null", '{"event": 3}', '{"event": "run_end", "complete": 1}', "{torn"])
def test_a_line_of_no_job_costs_none_that_has_ended(tmp_path: Path, line: str) -> None:
    lines = two_jobs(tmp_path)
    begin = encode_line(events.encode_collection(1.0, ["one"])) + "\n"
    path = tmp_path / "events.jsonl"
    path.write_text("".join((lines[0], begin, *lines[1:-1], line + "\n", lines[-1])))
    back = read_run(path)
    assert (len(back.jobs), back.complete, len(back.lost)) == (2, False, 1)
    path.write_text(path.read_text() + retold(begin) + retold(lines[-1]))
    back = read_run(path)
    assert (len(back.jobs), back.complete, back.lost) == (2, True, ())


def test_a_fleet_that_cannot_be_is_refused(tmp_path: Path) -> None:
    file = changed(tmp_path, "run_start")
    start, *others = [json.loads(line) for line in file.read_text().splitlines()]
    start["fleet"]["models"] *= 2
    file.write_text("".join(json.dumps(each) + "\n" for each in (start, *others)))
    with pytest.raises(EventsError, match=r"events\.jsonl, line 1: fleet .* appears twice; restore the file, or run"):
        read_run(file)


def test_a_number_beyond_all_floats_costs_its_job(tmp_path: Path) -> None:
    file = changed(tmp_path, "task_result", token_cost=123456789.25)
    for huge in ("1e400", "-1e400", "1" + 400 * "0"):
        file.write_text(file.read_text().replace("123456789.25", huge))
        assert re.search(r"line \d+: field 'token_cost': number out of range", read_run(file).lost[0])
        file.write_text(file.read_text().replace(huge, "123456789.25"))


def other(line: str, **fields: object) -> str:
    return encode_line(json.loads(line) | fields) + "\n"


def test_two_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    lines = two_jobs(tmp_path)
    (tmp_path / "events.jsonl").write_text("".join((*lines, other(lines[0], run="another"), *lines[1:])))
    with pytest.raises(EventsError, match=rf"line {len(lines) + 1}: field 'event': a second run_start; .* split it"):
        read_run(tmp_path)


COPIES: dict[str, Callable[[list[str], int], list[str]]] = {
    "the whole file": lambda lines, _: [*lines, *lines],
    "the end": lambda lines, first: [*lines, *lines[first - 2 :]],
    "a part that goes on elsewhere": lambda lines, first: [*lines[: first - 2], *lines],
    "each line": lambda lines, _: [line for line in lines for _ in range(2)],
    "the lines of a job": lambda lines, first: [*lines[:first], *lines[1:first], *lines[first:]],
    "a plan": lambda lines, _: [*lines[:4], lines[3], *lines[4:]],
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_line_that_stands_there_twice_counts_once(tmp_path: Path, copy: str) -> None:
    lines = two_jobs(tmp_path)
    whole = read_run(tmp_path)
    copied = COPIES[copy](lines, line_of(lines, "dag_structure", "greedy"))
    path = tmp_path / "copied.jsonl"
    path.write_text("".join(copied))
    twice = len(copied) - len(lines)
    back = read_run(path)
    assert back == replace(whole, notes=back.notes)
    assert (len(back.notes), f" {twice} line" in back.notes[0], "count once" in back.notes[0]) == (1, True, True)


CONTRADICTIONS: dict[str, tuple[str, Callable[[str], list[str]], str]] = {
    "a second result": ("task_result", lambda line: [line, retold(line)], "field 'task': a second task_result of 'a'"),
    "no result": ("task_result", lambda _: [], "field 'status': the job is completed, but has no task_result of 'a'"),
    "no beginning": ("dag_structure", lambda _: [], "vram_sample of a job that no dag_structure opened"),
    "no plan": ("plan_step", lambda _: [], "field 'events': 2 of plan_step, where the job has 1"),
    "a load told again": ("model_switch", lambda line: [line, retold(line)], "'events': 1 of model_switch, where the"),
    "a second end": ("job_dag_summary", lambda line: [line, retold(line)], "job_dag_summary of a job that has ended"),
    "an unknown model": ("task_result", lambda line: [other(line, model="nobody:1b")], "the fleet has no model 'nob"),
    "an unknown task": ("task_result", lambda line: [other(line, task="z")], "the graph of 'job' has no task 'z'"),
    "time that runs back": (
        "task_result",
        lambda line: [other(line, started_s=5.0, finished_s=4.0)],
        "field 'finished_s': 4 is before started_s, which is 5",
    ),
    "a value of another type": ("task_result", lambda line: [other(line, score="1")], "field 'score': expected float"),
    "a graph of one task less": (
        "dag_structure",
        lambda line: [line.replace('["a","b"]', '["a","z"]')],
        "dangling edge a -> z",
    ),
    "a plan of unknown sizes": ("plan_step", lambda line: [other(line, vram_gb={})], "has no entry for model '"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_costs_its_job_until_that_ran_again(tmp_path: Path, name: str) -> None:
    kind, change, reason = CONTRADICTIONS[name]
    lines = two_jobs(tmp_path)
    number, first = line_of(lines, kind, "lp"), line_of(lines, "dag_structure", "greedy")
    begin = encode_line(events.encode_collection(1.0, ["one"])) + "\n"
    path = tmp_path / "events.jsonl"
    damaged = [lines[0], begin, *lines[1:number], *change(lines[number]), *lines[number + 1 :]]
    path.write_text("".join(damaged))
    back = read_run(path)
    assert [job.case.key.mode for job in back.jobs] == ["greedy"]
    assert (back.complete, len(back.lost)) == (False, 1)
    assert "damaged line (first: line " in back.lost[0]
    assert reason in back.lost[0]
    assert ("with them job [lp-h1-8GB]; go on with --swarm-resume" in back.lost[0]) is (kind != "dag_structure")
    path.write_text("".join((*damaged, retold(begin), *map(retold, lines[1:first]), retold(lines[-1]))))
    again = read_run(path)
    assert [job.case.key.mode for job in again.jobs] == ["greedy", "lp"]
    assert (again.complete, again.lost) == (True, ())


@pytest.mark.parametrize("kind", ["plan_step", "job_dag_summary"])
def test_lines_out_of_order_cost_their_job(tmp_path: Path, kind: str) -> None:
    lines = two_jobs(tmp_path)
    number = line_of(lines, kind, "lp")
    path = tmp_path / "events.jsonl"
    path.write_text("".join((lines[0], lines[number], *lines[1:number], *lines[number + 1 :])))
    assert [job.case.key.mode for job in read_run(path).jobs] == ["greedy"]


@pytest.mark.parametrize(("again", "whole"), [(["one"], False), (["one", "two"], True)])
def test_jobs_of_which_every_line_was_removed_are_missed(tmp_path: Path, again: list[str], whole: bool) -> None:
    lines = two_jobs(tmp_path)
    begin, of_some = (f"{encode_line(events.encode_collection(1.0, each))}\n" for each in (["one", "two"], again))
    left = [lines[0], begin, *(line for line in lines[1:] if '"mode":"lp"' not in line)]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(left))
    back = read_run(path)
    assert (len(back.jobs), back.complete) == (1, False)
    assert back.lost == back.notes == ("events.jsonl has 1 of 2 jobs; go on with --swarm-resume to run the others",)
    path.write_text("".join((*left, retold(of_some), retold(lines[-1]).replace('"jobs":2', '"jobs":1'))))
    assert read_run(path).complete is whole


@pytest.mark.parametrize(
    ("sessions", "lost", "failed"),
    [
        ([("one two", False, ""), ("two", True, "")], "1 benchmark of a session that was cut off", ""),
        ([("one two", None, ""), ("two", True, "")], "1 benchmark of a session that was cut off", ""),
        ([("one two", False, ""), ("two", True, ""), ("one", True, "")], "", ""),
        ([("one two", False, ""), ("one two", True, "")], "", ""),
        ([("one two", True, "one two other"), ("two", True, "")], "", "one"),
        ([("one two", True, "one"), ("two", True, "two"), ("one", True, "")], "", "two"),
    ],
)
def test_a_resume_of_some_tests_says_nothing_of_the_others(
    tmp_path: Path, sessions: list[tuple[str, bool | None, str]], lost: str, failed: str
) -> None:
    told = [events.encode_run_start(run_info())]
    for n, (tests, complete, failures) in enumerate(sessions):
        told.append(events.encode_collection(n, tests.split()))
        if complete is not None:
            end = RunEndEvent(ts_ms=n, complete=complete, notes=(), failed=tuple(failures.split()))
            told.append(events.encode_run_end(end))
    (tmp_path / "events.jsonl").write_text("".join(encode_line(each) + "\n" for each in told))
    back = read_run(tmp_path)
    assert (back.complete, len(back.lost), back.failed) == (not lost, bool(lost), tuple(failed.split()))
    assert "".join(back.lost).startswith(lost)


def test_a_line_of_another_run_costs_no_job(tmp_path: Path) -> None:
    lines = two_jobs(tmp_path)
    strange = other(lines[line_of(lines, "task_result", "lp")], case="0123456789abcdef")
    begin = encode_line(events.encode_collection(1.0, [])) + "\n"
    path = tmp_path / "events.jsonl"
    path.write_text("".join((*lines[:5], strange, *lines[5:])))
    back = read_run(path)
    assert ([job.case.key.mode for job in back.jobs], back.complete) == (["lp", "greedy"], False)
    assert "1 damaged line (first: line 6: task_result of a job that no dag_structure opened)" in back.lost[0]
    path.write_text(path.read_text() + begin + retold(lines[-1]))
    assert read_run(path).complete


def test_what_was_measured_of_a_job_goes_with_it(tmp_path: Path) -> None:
    lines = two_jobs(tmp_path)
    (tmp_path / "events.jsonl").write_text("".join((*lines, retold(lines[3]))))
    _, measured = RunMeasurer(tmp_path).finish()
    assert [job.record.case.key.mode for job in measured] == ["greedy"]


def test_a_folder_of_runs_names_the_newest_of_them(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match=r"holds no events.jsonl; name the folder of a run, such as reports/RUN"):
        read_run(tmp_path)
    for name in ("20260101-a", "20260102-b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.jsonl").touch()
    with pytest.raises(EventsError, match=r"such as .*20260102-b$"):
        read_run(tmp_path)


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match=r"events.jsonl: there is no such file or folder; name a run"):
        read_run(tmp_path / "events.jsonl")
    (tmp_path / "events.jsonl").write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(EventsError, match=r"line 1: is not valid JSON: it is not UTF-8 text \(byte 7\)"):
        read_run(tmp_path)
