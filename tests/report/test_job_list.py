"""Packs of fragments."""

from __future__ import annotations

import base64
import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.report import job_list
from pytest_swarm.report.csv_report import write_csv
from pytest_swarm.report.html import render_html
from pytest_swarm.report.job_list import Packer, packed
from pytest_swarm.report.job_rows import job_rows
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from tests.report.factories import key, ok, record, run, task


def unpacked(text: str) -> list[str]:
    fragments: list[str] = json.loads(gzip.decompress(base64.b64decode(text)))
    return fragments


def test_each_fragment_is_found_where_it_was_put() -> None:
    packer = Packer(prefix="p")
    fragments = [f"{n}" * 9_000 for n in range(200)]
    places = [packer.add(each) for each in fragments]
    packer.close()
    contents = {pack.name: unpacked(pack.base64) for pack in packer.packs}
    assert len(contents) > 1
    assert [contents[place.pack][place.item] for place in places] == fragments


def test_the_same_fragments_give_the_same_text_which_no_html_can_break() -> None:
    text = packed(["</script>\x00\ud800", "é"])
    assert text == packed(["</script>\x00\ud800", "é"])
    assert "<" not in text
    assert unpacked(text) == ["</script>\x00\ud800", "é"]


def test_an_empty_packer_makes_no_pack() -> None:
    packer = Packer(prefix="p")
    packer.close()
    assert packer.packs == []


@pytest.mark.parametrize(
    ("scores", "spread"), [((1.0, 0.25, 0.5), 0.75), ((0.5, None, 0.5), 0.0), ((1.0, None), 0.0), ((None, None), 0.0)]
)
def test_the_spread_of_a_row_is_that_of_the_scores_that_are_known(
    scores: tuple[float | None, ...], spread: float
) -> None:
    modes = ("lp", "milp", "greedy")
    records = [record({"s0": each}, case=key(mode)) for each, mode in zip(scores, modes, strict=False)]
    (row,) = job_rows(build_report(run(*records)).jobs)
    assert row.spread == spread


def test_of_jobs_with_many_tasks_only_so_many_tasks_are_shown_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job_list.FULL_TASKS == 20_000
    monkeypatch.setattr(job_list, "FULL_TASKS", 200)
    tasks = tuple(task(f"t{n}") for n in range(15))
    graphs = [TaskGraph(name=f"wide-{n}", tasks=tasks) for n in range(20)]
    outcomes = tuple(ok(each.id, 1.0) for each in tasks)
    page = render_html(build_report(run(*(replace(record({}, graph=graph), outcomes=outcomes) for graph in graphs))))
    assert "only the 13 most important of 20 rows of jobs are shown in full" in page


def test_jobs_are_shown_by_the_numbers_in_their_names_everywhere(tmp_path: Path) -> None:
    names = ["a", "job1", "job2", "job2-v9", "job2-v10", "job10", "job" + "9" * 5000]
    graphs = [replace(record().case.graph, name=name) for name in names]
    random.Random(1).shuffle(graphs)
    report = build_report(run(*(record(graph=each) for each in graphs)))
    assert [row.jobs[0].job for row in job_rows(report.jobs)] == names
    jobs, _ = write_csv(report, tmp_path)
    assert [line.split(",")[0][:20] for line in jobs.read_text().splitlines()[1:]] == [name[:20] for name in names]
    rows = terminal_summary(report, width=100, verbose=1)
    assert [name for row in rows for name in names[:-1] if row.startswith(f"{name} ")] == names[:-1]
