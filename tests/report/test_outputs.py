"""Every kind of report, written by its name and rebuilt from runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.report.output_kinds import KINDS, Output, check_apart, parse_output
from pytest_swarm.report.outputs import Source, rebuild, restricted, write_output
from tests.report.factories import info
from tests.report.played import small_report, small_run


def source(folder: Path, name: str = "one") -> Source:
    folder = folder / name
    folder.mkdir()
    events = folder / "events.jsonl"
    events.write_text('{"event": "run_start"}\n', encoding="ascii")
    return Source(run=replace(small_run(horizons=(3,), budgets_gb=(8.0,)), info=info(run=name)), events=events)


def test_each_kind_goes_into_the_runs_folder_by_default(tmp_path: Path) -> None:
    of = source(tmp_path)
    outputs = [Output(kind=kind) for kind in KINDS if kind != "md-append"]
    written = rebuild([of], outputs)
    names = {path.name for path in written}
    assert names == {"report.html", "report.json", "events.jsonl", "jobs.csv", "tasks.csv", "report.md"}
    assert all(path.parent == of.events.parent and path.stat().st_size > 0 for path in written)


def test_several_runs_make_one_page_and_their_own_data(tmp_path: Path) -> None:
    first, second = source(tmp_path, "one"), source(tmp_path, "two")
    written = rebuild([first, second], [Output(kind="html"), Output(kind="json")], folder=tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
        "one/report.html",
        "one/report.json",
        "two/report.json",
    ]
    page = written[0].read_text(encoding="utf-8")
    assert "Runs side by side" in page
    assert json.loads(written[2].read_text())["run"]["run"] == "two"


def test_a_named_file_of_several_runs_gets_the_runs_names(tmp_path: Path) -> None:
    first, second = source(tmp_path, "one"), source(tmp_path, "two")
    written = rebuild([first, second], [Output(kind="md", path=tmp_path / "x.md")])
    assert [path.name for path in written] == ["x-one.md", "x-two.md"]


def test_jobs_can_be_picked_by_name(tmp_path: Path) -> None:
    written = rebuild([source(tmp_path)], [Output(kind="json")], job="wb2")
    assert {case["job"] for case in json.loads(written[0].read_text())["cases"]} == {"wb2"}


def test_picking_no_job_is_one_sentence() -> None:
    with pytest.raises(OptionError, match="has no job whose name contains 'wb9'"):
        restricted(small_run(), "wb9")


def test_copying_events_onto_themselves_keeps_them(tmp_path: Path) -> None:
    of = source(tmp_path)
    before = of.events.read_bytes()
    rebuild([of], [Output(kind="jsonl")])
    assert of.events.read_bytes() == before


@pytest.mark.parametrize("kind", ["html", "json", "md", "md-append"])
def test_no_report_replaces_the_events_of_a_run(tmp_path: Path, kind: str) -> None:
    """Neither its own nor another one's: they are what was measured, and reports can be made again."""
    of, other = source(tmp_path), source(tmp_path, "two")
    for events in (of.events, other.events):
        with pytest.raises(OptionError, match=r"events.jsonl: cannot be written: it holds the events of a run"):
            rebuild([of], [Output(kind=kind, path=events)])
        assert events.read_bytes() == b'{"event": "run_start"}\n'


@pytest.mark.parametrize(("text", "sentence"), [("pdf", "unknown type 'pdf'"), ("md-append", "md-append needs a file")])
def test_a_kind_that_cannot_be_written_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        parse_output(text, what="--swarm-report")


def test_two_kinds_of_report_do_not_go_to_one_file() -> None:
    texts = ("md:out/a", "json", "html", "md:out/a", "json:out/b")
    check_apart([parse_output(text, what="--type") for text in texts], what="--type")
    both = [parse_output(text, what="--type") for text in (*texts, "csv:out/../out/b")]
    with pytest.raises(
        OptionError, match=r"^--type: json and csv both go to out/../out/b; give each a file of its own$"
    ):
        check_apart(both, what="--type")


def test_a_path_may_name_a_variable_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUMMARY", "/tmp/summary.md")
    found = parse_output("md-append:$SUMMARY", what="--swarm-report")
    assert found == Output(kind="md-append", path=Path("/tmp/summary.md"))


def test_jsonl_without_events_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is none"):
        write_output(Output(kind="jsonl"), small_report(), tmp_path)


def test_a_report_that_would_replace_a_recording_is_one_sentence_with_one_advice(tmp_path: Path) -> None:
    recording = tmp_path / "c.jsonl"
    recording.write_text('{"cassette":1}')
    with pytest.raises(OptionError, match=r"c\.jsonl: cannot be written: it holds a recording, .*; name another file$"):
        rebuild([source(tmp_path)], [Output(kind="md", path=recording)], folder=tmp_path)
    assert recording.read_text() == '{"cassette":1}'


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    run = source(tmp_path)
    with pytest.raises(OptionError, match=r"^report: [^\n]*file/out: cannot be written: [^\n]*; give another --out$"):
        rebuild([run], [Output(kind="html")], folder=tmp_path / "file" / "out")
    with pytest.raises(OptionError, match=r"^report: [^\n]*file: cannot be written: [^\n]*; give another --out$"):
        rebuild([run], [Output(kind="html")], folder=tmp_path / "file")
