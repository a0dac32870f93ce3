"""Parts of one run: which belong together, what is missing, and that the merged run is the whole run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.cli import main
from pytest_swarm.domain.merged_parts import MergedParts
from pytest_swarm.domain.record import Case, JobRecord, JobStatus
from pytest_swarm.errors import EventsError
from pytest_swarm.gate.shards import SHARD, read_shards
from pytest_swarm.telemetry.event_types import RunEndEvent
from pytest_swarm.telemetry.events import (
    encode_collection,
    encode_dag_structure,
    encode_job_summary,
    encode_run_end,
    encode_run_start,
    encode_task_result,
)
from pytest_swarm.telemetry.merging import write_merged
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.telemetry.sink import FileSink
from tests.plugin.conftest import INI
from tests.report.factories import WORKFLOWBENCH, info, key, record

WALL_CLOCK = {"run", "started_ts_ms", "decision_ms", "decision_ms_median", "decision_ms_per_step", "solve_ms"}
WALL_CLOCK |= {"solve_ms_per_step"}
SUITE = """
import pytest
from pytest_swarm import Number, Task, TaskGraph, chain

@pytest.mark.parametrize("job", ["ant", "bee", "cow", "doe"])
def test_job(swarm_run, job):
    tasks = [Task(id=name, type="math", prompt=f"{job} {name}: 20 + 22?", estimated_tokens=9, expected=Number(value=42))
             for name in ("first", "second")]
    swarm_run(chain(job, *tasks))

def test_plain():
    pass
"""


def a_job(number: int, *, mode: str = "lp") -> JobRecord:
    graph = replace(WORKFLOWBENCH[0], name=f"job{number}")
    case = Case(graph=graph, key=key(mode), test=f"test_jobs.py::test_job[{mode}-h0-8GB-job{number}]")
    return replace(record(graph=graph), steps=(), case=case)


def a_part(
    folder: Path,
    *jobs: JobRecord,
    options: Mapping[str, str] | None = None,
    collected: tuple[str, ...] = (),
    seed: int = 0,
    ends: bool = True,
    **more: Any,
) -> Path:
    """The events of a part of a run."""
    file = FileSink(folder / "events.jsonl")
    file.emit(encode_run_start(replace(info(run=folder.name), options=options or {}, seed=seed, **more)))
    file.emit(encode_collection(1.0, collected or [job.case.test for job in jobs]))
    for began_at, job in enumerate(jobs, start=1):
        file.emit(encode_dag_structure(job.case, began_at, simulated=True))
        for outcome in job.outcomes:
            file.emit(encode_task_result(job.case, outcome, began_at))
        file.emit(encode_job_summary(job, began_at, {}))
    if ends:
        file.emit(encode_run_end(RunEndEvent(ts_ms=4.0, complete=True, notes=())))
    file.close()
    return folder


def test_parts_that_declare_two_families_for_one_job_are_refused(tmp_path: Path) -> None:
    def part(name: str, mode: str, family: str | None) -> Path:
        job = a_job(1, mode=mode)
        return a_part(
            tmp_path / name, replace(job, case=replace(job.case, graph=replace(job.case.graph, family=family)))
        )

    first = part("first", "lp", "letters")
    assert len(read_shards([first, part("second", "milp", None)]).jobs) == 2
    with pytest.raises(
        EventsError, match=r"job 'job1' is of family 'letters' in .*first and of family 'mails' in .*third"
    ):
        read_shards([first, part("third", "milp", "mails")])


def merged(tmp_path: Path, *parts: Path) -> Path:
    shards = read_shards(parts)
    pairs = [*zip(shards.paths, shards.runs, strict=True)]
    return write_merged(pairs, tmp_path / "all", missing=shards.missing, numbered=shards.numbered)


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name not in WALL_CLOCK}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def test_three_parts_of_a_run_make_the_report_of_the_whole(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(SUITE)
    whole_and_parts = []
    for shard in ((), ("--swarm-shard=1/3",), ("--swarm-shard=2/3",), ("--swarm-shard=3/3",)):
        before = set(pytester.path.glob("reports/*/"))
        arguments = ("--swarm-compare=milp,greedy", "--swarm-repeat=2", "--swarm-report=json", *shard)
        assert pytester.runpytest(*arguments).ret == 0
        (folder,) = set(pytester.path.glob("reports/*/")) - before
        whole_and_parts.append(folder)
    whole, *parts = whole_and_parts
    assert sorted(len(read_run(part).jobs) for part in parts) == [4, 4, 8]
    out = pytester.path / "merged"
    assert main(["merge", *map(str, parts), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"16 jobs of 3 parts\nnext: python -m pytest_swarm gate {out} --baseline FILE" in said
    file = whole / "events.jsonl"
    assert main(["merge", *map(str, parts), "--out", str(file)]) == 1
    assert f"{file / 'events.jsonl'}: cannot be written: File exists; give another --out" in capsys.readouterr().err
    assert main(["report", str(out), "--type=json"]) == 0
    there, here = (json.loads((folder / "report.json").read_text()) for folder in (whole, out))
    assert len(here["cases"]) == 16
    assert timeless(here) == timeless(there)
    assert set(read_run(out).collected) == set(read_run(whole).collected)


def test_each_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    third = a_part(tmp_path / "c", a_job(3), options={SHARD: "3/4"})
    assert list(read_shards([third, a_part(tmp_path / "x", a_job(1))]).missing) == [
        f"part {part} of 4 is not among the runs" for part in (1, 2, 4)
    ]


@pytest.mark.parametrize("fault", ["", "did not come to its end", "has no job"])
def test_the_part_that_a_merged_run_lacked_completes_it_where_it_lacks_no_more(fault: str, tmp_path: Path) -> None:
    lost = ("test_jobs.py::test_lost",) if fault == "has no job" else ()
    ends = fault != "did not come to its end"
    first, second, third, fourth = (
        a_part(
            tmp_path / str(n),
            a_job(n),
            options={SHARD: f"{n}/4"},
            collected=(a_job(n).case.test, *lost),
            ends=ends,
        )
        for n in (1, 2, 3, 4)
    )
    some, more, whole = (tmp_path / name for name in ("some", "more", "whole"))
    assert main(["merge", str(third), str(first), "--out", str(some)]) == 1
    assert main(["merge", str(second), str(some), "--out", str(more)]) == 1
    assert "part 4 of 4 is not among the runs" in read_run(more).notes
    assert main(["merge", str(fourth), str(more), "--out", str(whole)]) == bool(fault)
    run = read_run(whole)
    assert run.complete is not bool(fault)
    assert not any("not among the runs" in note for note in run.notes)
    assert any(note.endswith(fault) for note in run.notes) is bool(fault)


DAMAGES = {
    "no JSON": (b'"event":"task_result",', b'"event":"task_result"'),
    "no UTF-8": (b'"event":"task_result",', b'"event":"task_result","odd":"\xff",'),
    "a second result of a task": (b'"task":"s0"', b'"task":"s1"'),
    "an event in which a job begins": (b'"event":"dag_structure",', b'"event" '),
    "a value of another type": (b'"task":"s0"', b'"task":0'),
    "no event": (b'"event":"task_result"', b'"event":7'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_costs_its_job_in_the_merged_run_as_in_a_report(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = a_part(tmp_path / "first", a_job(1), a_job(2), options={SHARD: "1/2"})
    file = first / "events.jsonl"
    file.write_bytes(file.read_bytes().replace(*DAMAGES[damage], 1))
    assert [job.case.job for job in read_run(first).jobs] == ["job2"]
    second, out = a_part(tmp_path / "second", a_job(3), options={SHARD: "2/2"}), tmp_path / "all"
    assert main(["merge", str(first), str(second), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert f"MISSING: {first} is not whole: events.jsonl has 1 damaged line (first: line " in said
    assert f"MISSING: {a_job(1).case.test} has no job" in said
    run = read_run(out)
    assert ([job.case.job for job in run.jobs], run.complete, run.lost) == (["job2", "job3"], False, ())
    assert next(note for note in run.notes if "damaged" in note).startswith(f"{first} is not whole")
    assert f"{out} did not come to its end" in read_shards([out]).missing


def test_a_merged_run_that_was_damaged_is_not_completed_by_other_parts(tmp_path: Path) -> None:
    parts = [a_part(tmp_path / str(n), a_job(n), options={SHARD: f"{n}/3"}) for n in (1, 2, 3)]
    file = merged(tmp_path, *parts[:2])
    file.write_bytes(file.read_bytes().replace(*DAMAGES["no JSON"], 1))
    shards = read_shards([file.parent, parts[2]])
    assert f"{file.parent} is not whole: events.jsonl has 1 damaged line" in "".join(shards.missing)
    assert shards.numbered == MergedParts(count=3, absent=(), whole=False)


@pytest.mark.parametrize(
    "parts", [{"count": 0, "absent": []}, {"count": 10**15, "absent": []}, {"count": 2, "absent": [3]}]
)
def test_parts_that_cannot_be_are_damage(parts: dict[str, Any], tmp_path: Path) -> None:
    file = a_part(tmp_path / "a", a_job(1), ends=False) / "events.jsonl"
    end = {**encode_run_end(RunEndEvent(ts_ms=4.0, complete=False, notes=())), "parts": {**parts, "whole": True}}
    file.write_text(file.read_text() + json.dumps(end) + "\n")
    assert re.search(r"field 'parts': .* are not among 1 to", read_run(file).lost[0])


@pytest.mark.parametrize("options", [[{SHARD: f"{n}/3"} for n in (1, 2, 3)], [{}] * 3], ids=["numbered", "not"])
def test_the_order_of_the_parts_changes_no_byte(options: list[dict[str, str]], tmp_path: Path) -> None:
    parts = [a_part(tmp_path / str(n), a_job(n), options=each) for n, each in enumerate(options)]
    texts = set()
    for number, order in enumerate(permutations(parts)):
        out = tmp_path / str(number + 3) / "all"
        assert main(["merge", *map(str, order), "--out", str(out)]) == 0
        texts.add((out / "events.jsonl").read_bytes())
    assert len(texts) == 1


def test_an_attempt_that_ran_again_is_no_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (replace(a_job(n), status=JobStatus.ERROR, error="busy") for n in (1, 2))
    parts = [a_part(tmp_path / "a", one, a_job(1)), a_part(tmp_path / "b", two, two)]
    assert main(["merge", *map(str, parts), "--out", str(tmp_path / "all")]) == 0
    first, second, wrote, _ = capsys.readouterr().out.splitlines()
    assert first.endswith("a: 1 job")
    assert second.endswith("b: 1 job, 1 of them an error: run it again in its part, with --swarm-resume")
    assert ": 2 jobs of 2 parts, 1 of them an error: " in wrote


def test_what_a_merged_run_lacks_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left_out = "test_jobs.py::test_job[lp-h0-8GB-job9]"
    first = a_part(tmp_path / "a", a_job(1), options={SHARD: "1/3"}, collected=(a_job(1).case.test, left_out))
    third = a_part(tmp_path / "c", a_job(3), options={SHARD: "3/3"}, ends=False)
    assert main(["merge", str(third), str(first), "--out", str(tmp_path / "all")]) == 1
    *_, last = (lines := capsys.readouterr().out.splitlines())
    assert last.startswith("next: run what is missing, then merge it with ")
    missing = [line for line in lines if line.startswith("MISSING: ")]
    assert missing == [
        "MISSING: part 2 of 3 is not among the runs",
        f"MISSING: {third} did not come to its end",
        f"MISSING: {left_out} has no job",
    ]
    run = read_run(tmp_path / "all")
    assert not run.complete
    assert [job.case.job for job in run.jobs] == ["job1", "job3"]
    assert "part 2 of 3 is not among the runs" in run.notes


def test_a_job_that_was_tried_again_is_counted_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tried = a_job(1)
    part = a_part(tmp_path / "part", replace(tried, status=JobStatus.ERROR), tried, a_job(2))
    assert main(["merge", str(part), "--out", str(tmp_path / "all")]) == 0
    assert capsys.readouterr().out.startswith(f"{part}: 2 jobs\nwrote {tmp_path / 'all' / 'events.jsonl'}: 2 jobs of")


def test_a_case_in_two_parts_is_refused(tmp_path: Path) -> None:
    parts = [a_part(tmp_path / name, a_job(1), a_job(n)) for n, name in ((2, "a"), (3, "b"))]
    with pytest.raises(EventsError, match=r"both hold the case test_jobs\.py::test_job\[lp-h0-8GB-job1\], repeat 1"):
        read_shards(parts)


def test_one_graph_in_two_tests_is_no_case_twice(tmp_path: Path) -> None:
    job = a_job(1)
    other = replace(job, case=replace(job.case, test="test_other.py::test_job[lp-h0-8GB]"))
    run = read_run(merged(tmp_path, a_part(tmp_path / "a", job), a_part(tmp_path / "b", other)))
    assert len(run.jobs) == 2


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 3}, "other seed: 0 and 3"),
        ({"options": {"swarm_lambda_token": "0.9"}}, "other --swarm-lambda-token: 0.5 and 0.9"),
        ({"options": {"swarm_judge": "phi4:14b"}}, "other --swarm-judge"),
        ({"options": {SHARD: "2/4"}}, "one of 3 parts and one of 4"),
    ],
)
def test_parts_that_were_run_otherwise_are_refused(tmp_path: Path, change: dict[str, Any], difference: str) -> None:
    first = a_part(tmp_path / "a", a_job(1), options={SHARD: "1/3"})
    other = a_part(tmp_path / "b", a_job(2), **({"options": {SHARD: "2/3"}} | change))
    with pytest.raises(EventsError, match="is no part of the same run as") as error:
        read_shards([first, other])
    assert difference in str(error.value)


def test_options_of_a_matrix_stand_side_by_side(tmp_path: Path) -> None:
    first = a_part(tmp_path / "a", a_job(1), options={"swarm_compare": "lp", SHARD: "1/2"})
    other = a_part(tmp_path / "b", a_job(1, mode="milp"), options={"swarm_compare": "milp", SHARD: "2/2"})
    run = read_run(merged(tmp_path, first, other))
    assert run.info.options == {"swarm_compare": "lp,milp"}
    assert run.complete


def test_versions_in_which_parts_differ_are_noted_each_once(tmp_path: Path) -> None:
    """Also where a part is a merged run, which has several already."""
    versions = ({"python": "3.12.1", "cvxpy": "1.6"}, {"python": "3.12.1", "cvxpy": "1.7"}, {"cvxpy": "1.6"})
    parts = [
        a_part(tmp_path / str(number), a_job(number), options={SHARD: f"{number}/3"}, versions=each)
        for number, each in enumerate(versions, start=1)
    ]
    two = merged(tmp_path, *parts[:2]).parent.rename(tmp_path / "two")
    run = read_run(merged(tmp_path, two, parts[2]))
    assert run.info.versions == {"python": "3.12.1", "cvxpy": "1.6,1.7"}
    assert [note for note in run.notes if "versions" in note] == [
        "the parts were run with several versions of cvxpy: 1.6, 1.7"
    ]


@pytest.mark.parametrize("backend", ["ollama", "measure"])
@pytest.mark.parametrize("hosts", [("http://a:11434", "http://b:11434"), ("http://a:11434",) * 2, (None, None)])
def test_the_server_of_a_job_is_told_where_parts_had_several(
    hosts: tuple[str | None, ...], backend: str, tmp_path: Path
) -> None:
    parts = [a_part(tmp_path / f"part{n}", a_job(n), host=host, backend=backend) for n, host in enumerate(hosts)]
    run = read_run(merged(tmp_path, *parts))
    several = len(set(hosts)) > 1
    named = several and backend == "ollama"  # measured answers are played, on no server
    assert [job.host for job in run.jobs] == [host if named else None for host in hosts]
    assert run.info.host == (None if several else hosts[0])


def test_an_unfinished_job_and_a_torn_line_stay_behind(tmp_path: Path) -> None:
    torn = a_part(tmp_path / "a", a_job(1), ends=False)
    with (torn / "events.jsonl").open("a") as file:
        opened = replace(a_job(2).case, test="test_jobs.py::test_killed")
        file.write(json.dumps(encode_dag_structure(opened, 5.0, simulated=True)) + '\n{"event": "plan_st')
    path = merged(tmp_path, torn, a_part(tmp_path / "b", a_job(3)))
    run = read_run(path)
    assert [job.case.job for job in run.jobs] == ["job1", "job3"]
    assert "test_killed" not in path.read_text()
    assert any("job2" in note and "still running" in note for note in run.notes)


def test_a_run_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    part = a_part(tmp_path / "a", a_job(1))
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "events.jsonl").write_text("mine\n")
    with pytest.raises(EventsError, match="is there already; give another folder"):
        merged(tmp_path, part)
    assert (tmp_path / "all" / "events.jsonl").read_text() == "mine\n"


def test_a_merge_that_is_stopped_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    part = a_part(tmp_path / "a", a_job(1))
    monkeypatch.setattr("pytest_swarm.telemetry.merging.encode_run_end", stop)
    with pytest.raises(KeyboardInterrupt):
        merged(tmp_path, part)
    assert [*(tmp_path / "all").iterdir()] == []
