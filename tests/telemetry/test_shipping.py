"""Events that are sent from process to process arrive as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.codec import encode_line
from pytest_swarm.errors import EventsError
from pytest_swarm.telemetry.shipping import pack, unpack
from pytest_swarm.telemetry.sink import FileSink, ListSink
from tests.execution.lab import case, graph, run


def test_what_arrives_is_what_was_sent(tmp_path: Path) -> None:
    sink = ListSink()
    run(case(graph(("a", "b")), "milp"), sink=sink)
    odd = {"event": "note", "ts_ms": 1.0, "case": "c", "job": "j", "mode": "m", "text": "two\nlines, \u2028 and \ud800"}
    sent = [*sink.events, odd]
    file = FileSink(tmp_path / "events.jsonl")
    file.append(unpack(pack(sent)).lines)
    file.close()
    written = (tmp_path / "events.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line) for line in written] == json.loads(json.dumps(sent))


def test_a_receiver_knows_which_lines_open_a_run_and_which_jobs_begin() -> None:
    opening = [{"event": "run_start", "run": "r"}, {"event": "collection", "tests": ["t"]}]
    jobs = [{"event": "dag_structure", "case": number, "job": "j\udfff", "mode": "lp"} for number in ("1", "2", "1")]
    sent = unpack(pack([*jobs, {"event": "note", "text": "2"}], opening=opening))
    assert sent.opening == tuple(map(encode_line, opening))
    assert [json.loads(line)["event"] for line in sent.lines.split("\n")] == [*3 * ["dag_structure"], "note"]
    one, two = ("1", "j\udfff [lp], case 1"), ("2", "j\udfff [lp], case 2")
    assert sent.begun == (one, two, one)


def test_a_text_that_nobody_packed_is_refused() -> None:
    with pytest.raises(EventsError, match="the events of a worker"):
        unpack('{"ts_ms": 1}')
