"""The grid of jobs: workflows by setting, who won each, and what is left to the list."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.report import job_grid as grid_module
from pytest_swarm.report.job_grid import GridCell, JobGrid, job_grid
from pytest_swarm.report.report_model import build_report
from tests.report.factories import WB1, key, record, run
from tests.report.played import small_report


def jobs(scores: dict[str, float], *, horizons: tuple[int, ...] = (0, 3), workflows: int = 20) -> list[JobRecord]:
    return [
        record(dict.fromkeys(WB1.order, score), graph=replace(WB1, name=f"g{n}"), case=key(mode, horizon))
        for n in range(workflows)
        for horizon in horizons
        for mode, score in scores.items()
    ]


def built(*records: JobRecord) -> JobGrid:
    found = job_grid(build_report(run(*records)))
    assert found is not None
    return found


def first(found: JobGrid) -> GridCell:
    cell = found.rows[0][1][0]
    assert cell is not None
    return cell


def test_a_short_list_one_setting_or_one_mode_has_no_grid() -> None:
    assert job_grid(small_report()) is None  # 18 rows
    assert job_grid(build_report(run(*jobs({"lp": 1.0, "llm": 0.0}, horizons=(3,), workflows=40)))) is None
    assert job_grid(build_report(run(*jobs({"lp": 1.0})))) is None


def test_rows_are_workflows_and_columns_are_settings() -> None:
    found = built(*jobs({"lp": 1.0, "llm": 0.0}))
    assert found.columns == ("h0 8GB", "h3 8GB")
    assert [name for name, _ in found.rows] == [f"g{n}" for n in range(20)]


@pytest.mark.parametrize(
    ("scores", "winners", "label"),
    [
        ({"lp": 1.0, "llm": 0.5}, ("lp",), "LP"),
        ({"lp": 0.5, "llm": 0.5}, ("lp", "llm"), "all alike"),
        ({"lp": 0.5, "llm": 0.5, "random": 0.1}, ("lp", "llm"), "LP and LLM"),
        ({"lp": 0.5, "milp": 0.5, "llm": 0.5, "random": 0.1}, ("lp", "milp", "llm"), "3 of 4 modes"),
        ({"lp": 0.5, "llm": 0.4, "oracle": 1.0}, ("lp",), "LP"),
    ],
)
def test_a_cell_names_the_modes_with_the_best_score(
    scores: dict[str, float], winners: tuple[str, ...], label: str
) -> None:
    cell = first(built(*jobs(scores)))
    assert (cell.winners, cell.label) == (winners, label)


def test_repeats_are_one_cell_by_their_mean() -> None:
    records = [
        record(dict.fromkeys(WB1.order, score), graph=replace(WB1, name=f"g{n}"), case=key(mode, horizon, 8.0, repeat))
        for n in range(13)
        for horizon in (0, 3)
        for mode, scores in {"lp": (1.0, 0.0), "llm": (0.75, 0.75)}.items()
        for repeat, score in enumerate(scores, start=1)
    ]
    cell = first(built(*records))
    assert (cell.winners, cell.score) == (("llm",), "75 %")


def test_the_link_leads_to_the_jobs_of_the_cell() -> None:
    name = "a b&c=d#e"
    records = [*jobs({"lp": 1.0, "llm": 0.5})]
    records += [record({"s0": 1.0}, graph=replace(WB1, name=name), case=key(mode, 3)) for mode in ("lp", "llm")]
    cell = dict(built(*records).rows)[name][1]
    assert cell is not None
    assert parse_qs(cell.link.removeprefix("#")) == {"job": [name], "h": ["3"], "vram": ["8GB"]}
    assert dict(built(*records).rows)[name][0] is None


def test_a_swept_weight_is_part_of_the_setting() -> None:
    records = [
        replace(each, case=replace(each.case, key=replace(each.case.key, lambda_token=weight)))
        for weight in (0.0, 0.25)
        for each in jobs({"lp": 1.0, "llm": 0.0}, horizons=(3,))
    ]
    found = built(*records)
    assert found.columns == ("h3 8GB t0", "h3 8GB t0.25")
    assert first(found).link.endswith("&t=0")


def test_what_is_too_much_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_module, "MAX_WORKFLOWS", 5)
    found = built(*jobs({"lp": 1.0, "llm": 0.0}))
    assert len(found.rows) == 5
    assert found.note == "15 more workflows in the list below."


def test_the_grid_says_which_modes_do_not_compete() -> None:
    found = built(*jobs({"lp": 1.0, "llm": 0.0, "oracle": 1.0}))
    assert found.note == "Left out here: oracle, which knows the answers beforehand; the details show it."
    assert "oracle" not in first(found).title
    assert built(*jobs({"lp": 1.0, "llm": 0.0})).note is None
