"""The report page in a real browser: it opens, fits, reads aloud, filters, links, and lets nothing hostile run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm.metrics.spec import Difference
from pytest_swarm.report.board_cells import delta
from tests.browser.chrome import Page
from tests.browser.conftest import LARGE

WIDTHS = (380, 1024, 1600)
# The first job, two of its tasks, a step of each mode, and every table: each kind of element there is, at least once.
OPEN_ALL = """(async () => {
  const row = document.querySelector('details.job');
  row.open = true;
  for (let n = 0; n < 3000 && row.querySelector('.body[data-pack]'); n++) await new Promise(r => setTimeout(r, 20));
  await new Promise(r => setTimeout(r, 100));
  document.querySelectorAll('details:not(.job, .task, .step)').forEach(each => { each.open = true; });
  document.querySelectorAll('details.task:nth-of-type(-n+2), details.step:nth-of-type(1)')
    .forEach(each => { each.open = true; });
  return row.querySelectorAll('svg').length;
})()"""
VIOLATIONS = """axe.run(document, {resultTypes: ['violations']}).then(result => JSON.stringify(
  result.violations.map(each => [each.id, each.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])))"""
WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth - window.innerWidth"
OVERLAPS = """(() => {
  const boxes = [...document.querySelectorAll('main section, .card, .verdict > *, .plot, .job > summary')]
    .filter(each => each.getBoundingClientRect().height > 0 && !each.closest('details:not([open])'));
  const found = [];
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const [a, b] = [boxes[i], boxes[j]];
    if (a.contains(b) || b.contains(a)) continue;
    const [r, s] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    const x = Math.min(r.right, s.right) - Math.max(r.left, s.left);
    const y = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
    if (x > 1 && y > 1) found.push([a.className, b.className, x, y]);
  }
  return JSON.stringify(found.slice(0, 5));
})()"""

BROKEN_HEADS = """JSON.stringify([...document.querySelectorAll('.tab thead th:not(:has(*))')].filter(head => {
  const range = document.createRange();
  range.selectNodeContents(head);
  const lines = new Set([...range.getClientRects()].map(each => Math.round(each.bottom)));
  return lines.size > head.textContent.split(' ').length;
}).map(head => head.textContent))"""
CROWDED_CELLS = """JSON.stringify([...document.querySelectorAll('.board-groups td')]
  .filter(each => each.clientWidth && each.scrollWidth > each.clientWidth + 1).map(each => each.innerText))"""


def violations(page: Page, axe: str) -> list[object]:
    page.value(f"(() => {{ {axe}; return 1; }})()")
    found: list[object] = json.loads(page.value(VIOLATIONS))
    return found


@pytest.mark.parametrize("which", ["small", "many_modes", "hostile", "failed", "alone"])
def test_the_page_fits_at_every_width(which: str, page: Page, request: pytest.FixtureRequest) -> None:
    page.open(request.getfixturevalue(which))
    assert page.value(OPEN_ALL) > 0
    for width in WIDTHS:
        page.screen(width)
        assert page.value(WIDER_THAN_THE_WINDOW) <= 0, width
        assert json.loads(page.value(OVERLAPS)) == [], width
        assert json.loads(page.value(CROWDED_CELLS)) == [], width


@pytest.mark.parametrize(
    ("which", "width", "scheme"),
    [
        ("small", 380, "light"),
        ("small", 1024, "dark"),
        ("small", 1600, "light"),
        ("many_modes", 380, "dark"),
        ("hostile", 1024, "light"),
        ("failed", 380, "dark"),
        ("failed", 1024, "light"),
        ("alone", 1024, "dark"),
    ],
)
def test_the_page_is_accessible(
    which: str, width: int, scheme: str, page: Page, axe: str, request: pytest.FixtureRequest
) -> None:
    """All rules of axe-core, contrast (WCAG AA) among them, with a job and all its details open."""
    page.screen(width, scheme=scheme)
    page.open(request.getfixturevalue(which))
    assert page.value(OPEN_ALL) > 0
    assert violations(page, axe) == []


@pytest.mark.parametrize("which", ["small", "many_modes", "hostile", "large"])
def test_nothing_is_asked_of_the_network_and_nothing_is_complained_of(
    which: str, page: Page, request: pytest.FixtureRequest
) -> None:
    page.open(request.getfixturevalue(which))
    page.value(OPEN_ALL)
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert page.console == []


def test_nothing_of_a_hostile_run_executes(hostile: str, page: Page) -> None:
    page.open(hostile)
    page.value(OPEN_ALL)
    page.value("document.querySelectorAll('*').forEach(each => { if (each.focus) each.focus(); })")
    assert page.value("typeof window.pwned") == "undefined"
    assert page.value("document.querySelectorAll('img, iframe, object, embed, form[action]').length") == 0
    assert page.value(
        "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => /^on/.test(a.name)))"
    ) is (False)
    assert page.console == []


def test_the_policy_stops_a_script_that_got_into_the_page(small: str, page: Page) -> None:
    """The last net: even an element that slipped through every escape would not run."""
    page.open(small)
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=1\">')")
    page.value("new Promise(resolve => setTimeout(resolve, 200))")
    assert page.value("typeof window.pwned") == "undefined"


def test_the_scoreboard_switches_without_script(small: str, page: Page) -> None:
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    page.send("Page.navigate", url=small)
    page.wait_for("document.readyState === 'complete' && document.querySelector('#board-0-0-0')")
    shown = "[...document.querySelectorAll('.card.board')].filter(e => e.offsetHeight > 0).map(e => e.id).join()"
    assert page.value("document.documentElement.classList.contains('js')") is False
    assert page.value(shown) == "board-0-0-0"
    page.value("document.getElementById('board-h-2').click(), document.getElementById('board-b-1').click(), 1")
    assert page.value(shown) == "board-2-1-0"
    assert page.value("document.querySelectorAll('details.job').length") == 18
    assert page.value("getComputedStyle(document.getElementById('job-filter')).display") == "none"


def test_a_deep_link_opens_its_job_and_focuses_its_mode(small: str, page: Page) -> None:
    page.open(f"{small}#job=wb2&mode=llm&h=3&vram=24GB")
    page.wait_for("document.activeElement.classList.contains('side')")
    assert page.value("document.activeElement.dataset.mode") == "llm"
    row = "JSON.stringify((({job, h, vram}) => [job, h, vram])(document.querySelector('details.job[open]').dataset))"
    assert json.loads(page.value(row)) == ["wb2", "h3", "24GB"]
    assert page.value("document.querySelectorAll('details.job[open]').length") == 1


@pytest.mark.thorough
def test_a_deep_link_reaches_a_job_that_is_packed(large: str, page: Page) -> None:
    job = f"generated-{LARGE // 2 - 50:05d}"
    page.open(f"{large}#job={job}&mode=lp")
    page.wait_for("document.querySelector('details.job[open] .body table')")
    assert page.value("document.querySelector('details.job[open]').dataset.job") == job


def test_opening_a_job_writes_its_link(small: str, page: Page) -> None:
    page.open(small)
    page.value("document.querySelectorAll('details.job')[4].querySelector('summary').click(), 1")
    page.wait_for("location.hash.includes('job=')")
    assert page.value("location.hash") == "#job=wb1&h=1&vram=24GB&r=1"


def choose(page: Page, name: str, value: str) -> None:
    page.value(
        f"(() => {{ const e = document.forms['job-filter'].elements[{name!r}]; e.value = {value!r};"
        " e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_filters_and_sorting(small: str, page: Page) -> None:
    page.open(small)
    rows = "[...document.querySelectorAll('#job-list > details')]"
    choose(page, "text", "WB3")
    page.wait_for(f"{rows}.length === 6")
    choose(page, "h", "h1")
    page.wait_for(f"{rows}.length === 2")
    assert page.value("document.getElementById('job-count').textContent") == "2 of 2 shown"
    choose(page, "text", "")
    choose(page, "h", "")
    choose(page, "sort", "spread")
    page.wait_for(f"{rows}.length === 18")
    spreads = page.value(f"{rows}.map(e => Number(e.dataset.spread))")
    assert spreads == sorted(spreads, reverse=True)
    choose(page, "only", "violations")
    page.wait_for(f"{rows}.length > 0 && {rows}.every(e => Number(e.dataset.violations) > 0)")


def test_what_is_hidden_takes_no_place(small: str, page: Page) -> None:
    page.open(small)
    assert page.value("[...document.querySelectorAll('[hidden]')].filter(each => each.offsetHeight).length") == 0
    assert page.value("document.querySelectorAll('#job-more[hidden]').length") == 1


@pytest.mark.thorough
def test_a_large_run_filters_over_its_packed_rows(large: str, page: Page) -> None:
    page.open(large)
    assert page.value("document.querySelectorAll('#job-list > details').length") == 200
    page.value("document.querySelector('#job-more button').click(), 1")
    page.wait_for(f"document.querySelectorAll('#job-list > details').length === {min(400, LARGE // 2)}")
    choose(page, "text", f"generated-{LARGE // 20 - 1:04d}")
    page.wait_for("document.querySelectorAll('#job-list > details').length === 10")


def test_the_reference_of_the_scoreboard_can_be_chosen(many_modes: str, page: Page) -> None:
    page.open(many_modes)
    page.value(
        "(() => { const e = document.getElementById('reference'); e.value = 'lp';"
        " e.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    cell = "document.querySelector('#board-0-0-0 td[data-metric=score][data-mode={}]')"
    assert page.value(f"{cell.format('lp')}.querySelector('.delta').textContent") == ""
    scores = [float(page.value(f"{cell.format(mode)}.dataset.value")) for mode in ("milp", "lp")]
    shown = page.value(f"{cell.format('milp')}.querySelector('.delta').textContent")
    assert shown == delta(Difference.POINTS, *scores)
    assert page.value("document.querySelector('#board-0-0-0 .against-name').textContent") == "LP"


def test_a_cell_of_the_grid_opens_its_jobs(many_modes: str, page: Page) -> None:
    page.open(many_modes)
    assert page.value("document.getElementById('job-detail').hidden") is True
    page.value("document.querySelectorAll('.grid td a')[1].click(), 1")
    page.wait_for("document.querySelector('#job-detail details[open] .side') !== null")
    repeats = "[...document.querySelectorAll('#job-detail > details')].map(e => e.dataset.r).join()"
    assert page.value(repeats) == "1,2,3"
    assert page.value("document.querySelectorAll('#job-list > details').length") == 36


def test_everything_is_reached_by_keyboard(small: str, page: Page) -> None:
    page.open(small)
    page.value("document.querySelector('details.job > summary').focus(), 1")
    page.send("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.send("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    page.wait_for("document.querySelector('details.job').open")
    page.value("document.getElementById('board-h-0').focus(), 1")
    page.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
    page.wait_for("document.getElementById('board-h-1').checked")


def test_it_prints(small: str, page: Page, tmp_path: Path) -> None:
    page.open(small)
    page.value(OPEN_ALL)
    page.pdf(tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    page.send("Emulation.setEmulatedMedia", media="print")
    page.screen(760)
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.value("getComputedStyle(document.querySelector('nav.main')).display") == "none"
    assert page.value(WIDER_THAN_THE_WINDOW) <= 0
    widths = "[...document.querySelectorAll('.tab th[scope=row]')].map(e => e.offsetWidth).filter(Boolean)"
    assert page.value(f"Math.min(...{widths})") >= 50  # a name of a model is not cut into pieces of two letters
    assert json.loads(page.value(BROKEN_HEADS)) == []
    page.value("document.querySelectorAll('details').forEach(each => { each.open = false; })")
    shown = "[...document.querySelectorAll('.choose, details.data')].filter(each => each.offsetHeight).length"
    assert page.value(shown) == 0  # what can be neither chosen nor opened on paper


def test_the_answer_of_a_crowded_run_stands_on_the_first_screen(crowded: str, page: Page) -> None:
    page.screen(1280, 800)
    page.open(crowded)
    card = "document.querySelector('#answer .lead-answer').getBoundingClientRect()"
    heading = "document.querySelector('#answer h2').getBoundingClientRect()"
    assert 0 < page.value(f"{heading}.top") < page.value(f"{card}.top")
    assert page.value(f"{heading}.height") > 10
    assert page.value(f"{card}.bottom") <= 800


def test_a_name_never_wraps_below_its_square(crowded: str, page: Page) -> None:
    for width in (500, 1280):
        page.screen(width)
        page.open(crowded)
        below = page.value(
            "[...document.querySelectorAll('.forest th .sw, .legend .sw')].filter(square => square.offsetParent &&"
            " square.nextElementSibling.getBoundingClientRect().left < square.getBoundingClientRect().right).length"
        )
        assert below == 0


def test_names_break_between_their_words_only(crowded: str, page: Page) -> None:
    """Each piece between two break opportunities stands on one line: its rectangles have one top."""
    page.screen(1024, 800)
    page.open(crowded)
    broken = page.value(
        "[...document.querySelectorAll('#modes th .nowrap, #board-0-0-0 th .nowrap > :last-child')].flatMap(tag =>"
        " [...tag.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).flatMap(node => {"
        " const range = document.createRange(); range.selectNodeContents(node);"
        " const tops = new Set([...range.getClientRects()].map(each => Math.round(each.top)));"
        " return tops.size > 1 ? [node.textContent] : []; }))"
    )
    assert broken == []
