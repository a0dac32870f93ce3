"""The page as text: what stands in it, what is escaped, how large it gets. How it looks is tests/browser's matter."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.report import job_list
from pytest_swarm.report.html import PageOptions, Section, render_html
from pytest_swarm.report.page import script_hash
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.side_by_side import run_tables
from pytest_swarm.report.wording import NOT_MEASURED
from tests.report.factories import GEMMA, WB1, info, key, ok, record, run, step
from tests.report.hostile import HOSTILE, hostile_run
from tests.report.played import large_run, small_page, small_report, small_run
from tests.report.test_answers import pairs
from tests.tries import THOROUGH

OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["']?(?!#)[a-z]+:|@import|url\((?!#)""", re.IGNORECASE)


class Tags(HTMLParser):
    """Collects tags, event handlers and duplicate ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def fragments(page: str, prefix: str) -> list[str]:
    """The fragments of every pack of that prefix, in order."""
    found = re.findall(rf'<script type="application/octet-stream" id="{prefix}-\d+">([^<]*)</script>', page)
    return [each for pack in found for each in json.loads(gzip.decompress(base64.b64decode(pack)))]


def test_the_page_holds_its_sections_in_their_order() -> None:
    page = small_page()
    assert re.findall(r'<section id="([\w-]+)"', page) == ["answer", "decision", "scoreboard", "plots", "jobs", "run"]
    assert "LP scored" in page
    assert "SIMULATED" in page


def test_it_needs_no_network_and_runs_one_script_only() -> None:
    page = small_page()
    assert OUTSIDE.search(page) is None
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert f"script-src 'sha256-{script_hash(script)}'" in page
    assert "default-src 'none'" in page


def test_the_same_run_gives_the_same_page() -> None:
    assert render_html(build_report(small_run())) == small_page()


SHARE = 1 if THOROUGH else 5
"""What a large run is divided by, and the limits that make it one; a thorough run has all of it."""


@pytest.fixture(scope="module")
def large_page() -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("STATIC_ROWS", "FULL_JOBS"):
            patch.setattr(job_list, name, getattr(job_list, name) // SHARE)
        return render_html(build_report(large_run(1400 // SHARE)))


@pytest.mark.thorough
def test_ids_are_unique(large_page: str) -> None:
    for page in (small_page(), small_page(modes=("lp",), horizons=(3,), budgets_gb=(8.0,)), large_page):
        ids = parsed(page).ids
        assert len(ids) == len(set(ids))


def test_the_table_of_a_chart_is_named_as_the_chart() -> None:
    modes, horizons = ("lp", "llm", "milp", "greedy"), (0, 3)
    page = small_page(modes=modes, horizons=horizons, budgets_gb=(8.0, 24.0))
    assert "<h3>Score (8GB) against horizon" in page
    assert "<summary>Table: score (8GB) against horizon" in page


def test_a_small_run_needs_no_script_to_show_everything() -> None:
    page = small_page(horizons=(3,), budgets_gb=(8.0,))
    assert "octet-stream" not in page
    text = parsed(page).text
    for piece in ("Please do s0", "qwen2.5-coder:7b", "step 0", "What it was asked"):
        assert piece in text


def test_larger_data_is_packed_and_the_tasks_still_stand_in_the_page() -> None:
    page = small_page()
    bodies = fragments(page, "jobs")
    assert len(bodies) == 18
    assert "Please do s0" in bodies[0]
    assert "Please do s0" not in page
    assert page.count('<details class="job"') == 18
    assert len(re.findall(r'<th scope="row">s2</th>', page)) == 18


def test_every_row_leads_to_its_own_body() -> None:
    page = small_page()
    bodies = fragments(page, "jobs")
    rows = re.findall(r'data-job="(\w+)" data-h="(\w+)" data-vram="(\w+)".*?data-item="(\d+)"', page, re.DOTALL)
    assert len(rows) == 18
    for _, horizon, budget, item in rows:
        assert f"<dt>horizon ({horizon})</dt>" in bodies[int(item)]
        assert f"budget {budget.removesuffix('GB')}.0\xa0GB" in bodies[int(item)]


@pytest.mark.thorough
def test_a_large_run_stays_below_ten_megabytes_and_says_what_it_leaves_out(large_page: str) -> None:
    assert len(large_page) < 2_500_000  # what grows beyond here is rows and lean bodies: 10,000 jobs take 3 MB
    assert f"only the {500 // SHARE} most important of {700 // SHARE} rows of jobs are shown in full" in large_page
    assert large_page.count('<details class="job"') == 200 // SHARE
    assert len(fragments(large_page, "rows")) == 500 // SHARE
    assert len(fragments(large_page, "jobs")) == 700 // SHARE


def test_a_line_parts_no_number_from_its_unit_and_texts_of_others_keep_their_spaces() -> None:
    only = record({"s0": 1.0})
    answered = replace(only, outcomes=(replace(only.outcomes[0], answer="12 GB, 7 % free"),))
    page = render_html(build_report(run(answered)))
    assert "12 GB, 7 % free" in page
    assert not re.search(r">[^<]*\d (?:%|GB)[^<]*</(?:td|dd|p)>", page)


def test_long_texts_are_cut_in_the_middle_and_say_so() -> None:
    answer = "begin " + "x" * 5_000_000 + " the end"
    job = replace(record({}, graph=WB1), outcomes=(ok("s0", 1.0, answer=answer),))
    page = render_html(build_report(run(job)))
    assert len(page) < 400_000
    assert "begin xxx" in page
    assert " the end" in page
    assert "4,984,014 characters left out" in page


def hostile_pieces() -> list[str]:
    page = render_html(build_report(hostile_run()))
    return [page, *fragments(page, "jobs"), *fragments(page, "rows")]


def test_a_step_shows_the_ready_tasks_that_it_defers() -> None:
    waiting = step(0, {"s0": GEMMA.tag}, ready_tasks=("s0", "s1"), deferred=("s1", "s2"), horizon=("s0", "s1", "s2"))
    page = render_html(build_report(run(record(steps=(waiting,)))))
    assert "<dt>deferred</dt><dd>s1</dd>" in page
    assert "<dt>deferred</dt>" not in render_html(build_report(run(record())))


def test_hostile_texts_bring_no_element_no_handler_and_no_control_character() -> None:
    modes = ("lp", "llm", "greedy", "random")
    clean = set(parsed(small_page(modes=modes, horizons=(3,), budgets_gb=(8.0,))).tags)
    for piece in hostile_pieces():
        found = parsed(piece)
        assert set(found.tags) <= clean | {"option", "select", "label", "wbr"}
        assert found.handlers == []
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", piece)
        piece.encode("utf-8")


def test_hostile_texts_are_shown_to_the_letter() -> None:
    page = render_html(build_report(hostile_run()))
    assert HOSTILE[0] in parsed(page).text
    assert "\\u202eright-to-left" in parsed(page).text
    assert "{{ 7 * 7 }}" in parsed(page).text


def test_one_mode_alone_and_no_job_at_all_have_a_page() -> None:
    alone = small_page(modes=("lp",), horizons=(3,), budgets_gb=(8.0,))
    assert "no other mode has a job to compare it with" in alone
    assert "A dot marks the best" not in alone
    assert "A dot marks the best" in small_page(horizons=(3,), budgets_gb=(8.0,))
    assert "No job was run, so nothing was measured" in render_html(build_report(run()))


def test_the_scoreboard_has_a_board_for_each_horizon_and_budget_and_for_all() -> None:
    page = small_page()
    assert set(re.findall(r'id="board-(\d-\d-0)"', page)) == {f"{h}-{b}-0" for h in range(4) for b in range(3)}


def test_a_section_and_a_context_hook_add_to_the_page() -> None:
    def hook(context: dict[str, object]) -> None:
        sections = context["sections"]
        assert isinstance(sections, list)
        sections.append(Section(title="Costs & more", html="<p id='mine'>12 EUR</p>"))

    options = PageOptions(sections=(Section(title="First", html="<b>1</b>"),), context_hook=hook)
    page = render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), options)
    assert "<h2>Costs &amp; more</h2>" in page
    assert "<p id='mine'>12 EUR</p>" in page
    assert page.index("<h2>First</h2>") < page.index("<h2>Costs")


def test_a_section_that_is_a_dict_is_refused_with_one_sentence() -> None:
    def hook(context: dict[str, object]) -> None:
        context["sections"] = [{"title": "Costs", "html": "<p>12 EUR</p>"}]

    with pytest.raises(OptionError, match=r"holds dict .*append Section\(title=\.\.\., html=\.\.\.\)"):
        render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), PageOptions(context_hook=hook))


def test_a_template_of_ones_own_may_extend_the_shipped_one(tmp_path: Path) -> None:
    template = tmp_path / "mine.html.j2"
    template.write_text(
        '{% extends "report.html.j2" %}{% block heading %}Team {{ report.info.run }}{% endblock %}', encoding="utf-8"
    )
    page = render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), PageOptions(template=template))
    assert "<h1>Team 20260221-101500</h1>" in page
    assert "Scoreboard" in page
    template.write_text(template.read_text(encoding="utf-8").replace("Team", "Crew"), encoding="utf-8")
    page = render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), PageOptions(template=template))
    assert "<h1>Crew 20260221-101500</h1>" in page, "a template that was changed is compiled anew"


@pytest.mark.parametrize("text", ["{% block %}", "{{ nothing_of_that_name }}", '{% extends "none.j2" %}'])
def test_a_broken_template_is_one_sentence(tmp_path: Path, text: str) -> None:
    template = tmp_path / "broken.j2"
    template.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=r"report template .*broken\.j2: "):
        render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), PageOptions(template=template))


def test_a_missing_template_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no such file"):
        render_html(small_report(horizons=(3,), budgets_gb=(8.0,)), PageOptions(template=tmp_path / "gone.j2"))


@pytest.mark.parametrize(
    ("lp", "llm", "chip"),
    [
        ((0.9,) * 20, (0.1,) * 20, '"chip good">LP is better'),
        ((0.1,) * 20, (0.9,) * 20, '"chip good">LLM is better'),
        ((0.5,) * 20, (0.5,) * 20, '"chip plain">equal in every pair'),
        ((1.0, 0.5), (0.5, 0.6), '"chip open">undecided'),
    ],
)
def test_a_comparison_has_its_verdict_on_a_chip(lp: tuple[float, ...], llm: tuple[float, ...], chip: str) -> None:
    assert f"<span class={chip}</span>" in render_html(build_report(run(*pairs(lp, llm))))


def test_runs_are_laid_side_by_side_over_the_cases_that_both_have() -> None:
    first = run(record({"s0": 1.0}), record({"s0": 0.5}, case=key(repeat=2)))
    second = replace(run(record({"s0": 0.0})), info=info(run="other", seed=9))
    page = render_html(build_report(first), PageOptions(others=(build_report(second),)))
    text = " ".join(parsed(page).text.split())
    assert "Runs side by side" in text
    assert "run against 20260221-101500" in text
    assert re.search(r"LP other 1 0\.0 % 100\.0 % -100\.0 pts", text)


@pytest.mark.parametrize("declaring", [0, 1])
def test_runs_side_by_side_count_a_family_that_one_of_them_declares(declaring: int) -> None:
    graphs = [replace(WB1, name=f"job-{n}") for n in range(12)]
    reports = [
        build_report(run(*(record(graph=replace(each, family="all") if n == declaring else each) for each in graphs)))
        for n in range(2)
    ]
    texts = [cell for table in run_tables(reports) for row in table.rows for cell in row]
    assert "1 family; an interval needs 6" in texts


def test_runs_side_by_side_have_no_row_of_what_none_has_measured() -> None:
    reports = [build_report(run(record({"s0": score}))) for score in (1.0, 0.0)]
    _, figures, _ = run_tables(reports)
    assert "Score" in [row[0] for row in figures.rows]
    assert all(set(row[1:]) != {NOT_MEASURED} for row in figures.rows)
    assert len(figures.rows) < len(shown_in(Show.SCOREBOARD))
