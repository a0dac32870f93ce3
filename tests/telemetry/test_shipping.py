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
    for event in unpack(pack(sent)):
        file.emit(event)
    file.close()
    written = (tmp_path / "events.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line) for line in written] == json.loads(json.dumps(sent))


def test_a_receiver_reads_type_case_job_and_mode_and_encodes_nothing_anew() -> None:
    sent = {"event": "dag_structure", "ts_ms": 1.0, "case": "c", "job": "j", "mode": "lp", "graph": {"tasks": [1, 2]}}
    (event,) = unpack(pack([sent]))
    assert event == {"event": "dag_structure", "case": "c", "job": "j", "mode": "lp"}
    assert encode_line(event) == json.dumps(sent, separators=(",", ":"))


def test_a_line_that_is_no_event_is_refused() -> None:
    with pytest.raises(EventsError, match="an event of a worker"):
        unpack('{"ts_ms": 1}')


def test_half_a_surrogate_pair_in_one_line_costs_no_other_one() -> None:
    sent = [{"event": "note", "case": case, "job": "j", "mode": "m", "text": "\ud800"} for case in ("c", "\udfff", "d")]
    assert [event["case"] for event in unpack(pack(sent))] == ["c", "\udfff", "d"]
