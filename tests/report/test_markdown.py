"""Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pytest_swarm.domain.record import Run
from pytest_swarm.report.markdown import MAX_LINES, render_markdown, write_markdown
from pytest_swarm.report.markdown_text import escaped
from pytest_swarm.report.report_model import build_report
from pytest_swarm.routing.registry import mode_name
from tests.report.factories import run
from tests.report.hostile import HOSTILE, hostile_run
from tests.report.played import large_run, small_report, small_run

EVERY = ("lp", "milp", "staged", "llm", "greedy", "single:phi4:14b", "best-single", "random", "oracle")


@pytest.mark.parametrize(
    "of",
    [
        small_run,
        partial(small_run, modes=EVERY, horizons=(0, 1, 3, "flat"), budgets_gb=(6.5, 8.0, 24.0, 48.0)),
        partial(large_run, 400),
        hostile_run,
        run,
    ],
    ids=["pair", "every mode", "large", "hostile", "no job"],
)
def test_at_most_60_lines(of: Callable[[], Run]) -> None:
    assert len(render_markdown(build_report(of())).splitlines()) <= MAX_LINES


def test_it_says_that_it_is_simulated_and_gives_verdict_and_table() -> None:
    text = render_markdown(small_report())
    assert "**SIMULATED**" in text
    assert re.search(r"^- . LP scored \d", text, re.MULTILINE)
    assert text.count("| wb1 |") == 6


@pytest.mark.parametrize(("modes", "title"), [(("lp", "llm"), "LP and LLM"), (EVERY, "9 modes")])
def test_the_title_names_few_modes_and_counts_many_as_the_page_does(modes: tuple[str, ...], title: str) -> None:
    report = small_report(modes=modes, horizons=(0,), budgets_gb=(8.0,))
    assert render_markdown(report).splitlines()[0] == f"### pytest-swarm: {title} over {len(report.jobs)} jobs"


def test_many_modes_are_compared_in_one_sentence_and_in_the_table_after_the_decision() -> None:
    text = render_markdown(small_report(modes=("lp", "llm", "fixed"), horizons=(0,), budgets_gb=(8.0,)))
    first, second = re.findall(r"^- . (.*)", text, re.MULTILINE)[:2]
    assert first.startswith("8GB: ")
    assert "fixed" in second
    head, _, *rows = text[text.index("| mode |") :].split("\n\n")[0].splitlines()
    assert head.endswith("| points to fixed | what the jobs tell |")
    assert [row.endswith("|  | the reference |") for row in rows] == [False, False, True]
    assert not re.search(r"^- . LP scored", text, re.MULTILINE)


def test_the_folder_of_a_summary_is_made(tmp_path: Path) -> None:
    for append in (True, False):
        write_markdown(small_report(), tmp_path / f"new-{append}" / "summary.md", append=append)
        assert (tmp_path / f"new-{append}" / "summary.md").read_text(encoding="utf-8").startswith("### pytest-swarm")


def test_append_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    write_markdown(small_report(), path, append=True)
    write_markdown(small_report(), path, append=True)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# before\n### pytest-swarm")
    assert text.count("### pytest-swarm") == 2


def cells(line: str) -> int:
    return len(re.split(r"(?<!\\)\|", line)) - 2


def test_a_hostile_run_leaves_every_table_one_table() -> None:
    text = render_markdown(build_report(hostile_run()))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert len({cells(line) for line in table}) == 1
        assert all(line.startswith("|") for line in table)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_hostile_text_is_live(text: str) -> None:
    shown = escaped(text)
    plain = shown.replace("<!-- -->", "")
    assert "<" not in plain
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[`\[\]*_|]", plain)
    assert "@e" not in shown
    assert "://" not in shown


def test_fourteen_modes_all_have_a_row_and_more_are_named() -> None:
    modes = (*EVERY, "fixed", "collate", "heft", "llm:phi4:14b", "single:gemma2:2b")
    text = render_markdown(small_report(modes=modes, horizons=(0,), budgets_gb=(8.0,)))
    table = text[text.index("| mode |") :].split("\n\n")[0].splitlines()
    assert len(table) == 2 + len(modes)
    more = (*modes, "mine", "yours", "theirs")
    text = render_markdown(small_report(modes=more, horizons=(0,), budgets_gb=(8.0,)))
    (note,) = re.findall(r"(\d+) more modes? not shown here: (.*); report.json", text)
    table = text[text.index("| mode |") :].split("\n\n")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]
    assert int(note[0]) + len(rows) == len(more)
    assert {*rows, *note[1].replace(" and ", ", ").split(", ")} == {escaped(mode_name(mode)) for mode in more}


def test_a_table_over_several_settings_says_so() -> None:
    text = render_markdown(small_report(horizons=(0, "flat")))
    assert "The means are over all horizons (h0 and flat) and all VRAM budgets (8GB and 24GB)." in text
