"""The summary in a terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_swarm.domain.record import JobStatus, Run
from pytest_swarm.report.findings import answers
from pytest_swarm.report.mode_forest import mode_forest
from pytest_swarm.report.report_model import build_report
from pytest_swarm.report.terminal import terminal_summary
from pytest_swarm.report.text_table import TextColumn, columns_of, text_table, wrapped
from pytest_swarm.report.wording import short_names
from pytest_swarm.routing.registry import mode_order
from tests.report.factories import WB1, WB2, key, record, run
from tests.report.hostile import hostile_run
from tests.report.played import large_run, small_report, small_run

EVERY = ("lp", "milp", "staged", "llm", "greedy", "single:qwen2.5-coder:7b", "best-single", "random", "oracle")


def summary_of(of: Run, *, width: int, verbose: int) -> list[str]:
    return terminal_summary(build_report(of), width=width, verbose=verbose)


MANY = (*EVERY, "fixed", "collate", "heft", "single:phi4:14b", "llm:phi4:14b")


@pytest.mark.parametrize("width", [100, 120, 80, 60, 40])
@pytest.mark.parametrize("modes", [("lp", "llm"), EVERY])
def test_no_line_is_wider_than_the_terminal_or_100_columns(width: int, modes: tuple[str, ...]) -> None:
    lines = summary_of(small_run(modes=modes, horizons=(0, "flat")), width=width, verbose=1)
    assert max(map(len, lines)) <= min(width, 100)


def test_one_row_per_job_horizon_and_budget_with_both_modes_side_by_side() -> None:
    lines = summary_of(small_run(repeats=3), width=100, verbose=0)
    rows = [line for line in lines if line.startswith("wb")]
    assert len(rows) == 3 * 3 * 2
    assert lines[0].split() == ["LP", "LLM"]
    assert lines[1].split()[3:] == ["score", "viol", "makespan", "decision"] * 2


@pytest.mark.parametrize("width", [80, 60, 40])
def test_a_narrow_terminal_leaves_out_the_same_columns_of_both_modes(width: int) -> None:
    heads = summary_of(small_run(), width=width, verbose=0)[1].split()[3:]
    assert heads[: len(heads) // 2] * 2 == heads


def test_more_than_two_modes_have_a_row_each() -> None:
    lines = summary_of(small_run(modes=("lp", "milp", "llm"), horizons=(0,)), width=100, verbose=0)
    assert len([line for line in lines if line.startswith("wb1")]) == 6


def test_quiet_shows_totals_and_the_answer_only() -> None:
    lines = summary_of(small_run(), width=100, verbose=-1)
    assert not [line for line in lines if line.startswith("wb")]
    assert any(line.startswith("LP scored") for line in lines)


def test_many_jobs_are_cut_and_shown_with_v() -> None:
    many = large_run(140)
    narrow = summary_of(many, width=40, verbose=0)
    assert any("and 10 more jobs" in line for line in narrow)
    assert max(map(len, narrow)) <= 40
    assert len(summary_of(many, width=100, verbose=1)) > 70


def test_what_was_not_run_is_named_with_its_reason() -> None:
    dead = record({}, graph=WB2, status=JobStatus.ERROR, error="nothing answers at http://localhost:11434")
    lines = summary_of(run(record(graph=WB1), dead, notes=("half a note",)), width=100, verbose=0)
    text = " ".join(lines)
    assert "wb2 [lp-h3-8GB] ended as error: nothing answers at http://localhost:11434" in text
    assert "half a note" in text
    assert next(line for line in lines if line.startswith("wb2")).split()[3] == "ERROR"


def test_nothing_run_is_said_with_its_reason() -> None:
    assert summary_of(run(), width=100, verbose=0) == ["No job was run."]
    late = run(notes=("wb1 [lp-h0-8GB] was not measured",))
    assert summary_of(late, width=100, verbose=-1) == ["No job was run.", "! wb1 [lp-h0-8GB] was not measured"]


def test_foreign_text_brings_no_control_codes_and_no_line_breaks() -> None:
    text = "".join(summary_of(hostile_run(), width=100, verbose=1))
    assert text.isprintable()
    text.encode("utf-8")


def test_scores_are_means_over_repeats() -> None:
    jobs = [record({"s0": score}, case=key(repeat=n)) for n, score in enumerate((1.0, 0.0, 0.5), start=1)]
    row = next(line for line in summary_of(run(*jobs), width=100, verbose=0) if line.startswith("wb1"))
    assert row.split()[3:5] == ["50", "%"]


def test_both_tables_write_a_mode_by_its_label() -> None:
    lines = summary_of(small_run(modes=("lp", "milp", "llm"), horizons=(0,)), width=100, verbose=0)
    words = {word for line in lines for word in line.split()}
    assert {"LP", "MILP", "LLM"} <= words
    assert not {"lp", "milp", "llm"} & words


def test_no_sentence_is_cut_however_many_modes_it_names() -> None:
    """What is said of modes that broke the budget, and the headline; each mode's comparison is a row of a table."""
    report = small_report(modes=MANY, horizons=(0,), budgets_gb=(8.0,))
    spoken = [each.text for each in answers(report) if each.kind not in ("comparison", "saving")]
    forest = mode_forest(report)
    assert forest is not None
    spoken = [" ".join(each.split()) for each in (*spoken, forest.headline, forest.caption)]
    assert max(map(len, spoken)) > 60
    for width in (100, 60):
        text = " ".join(" ".join(terminal_summary(report, width=width, verbose=-1)).split())
        assert [each for each in spoken if each not in text] == []


def test_a_word_longer_than_a_line_goes_on_in_the_next_one() -> None:
    lines = wrapped("see " + "x" * 250 + " there", 100)
    assert max(map(len, lines)) <= 100
    assert "".join(lines).replace(" ", "") == "see" + "x" * 250 + "there"


def test_modes_with_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"single:hf.co/organization/a-model-of-ours-GGUF:{tag}" for tag in ("Q4_K_M", "Q8_0")]
    lines = summary_of(small_run(modes=("lp", *names), horizons=(0,)), width=100, verbose=-1)
    rows = [line.split()[0] for line in lines if line.startswith("single:") and ".." in line.split()[0]]
    assert [(first[-6:], second[-4:]) for first, second in zip(rows[::2], rows[1::2], strict=True)] == [
        ("Q4_K_M", "Q8_0"),
        ("Q4_K_M", "Q8_0"),
    ]


@pytest.mark.parametrize("width", [50, 80, 200])
def test_a_long_sentence_in_a_table_goes_on_below_and_cuts_no_name(width: int) -> None:
    sentence = "the same score in every pair; other workflows may differ by up to 46.1 points"
    columns = [TextColumn(title="mode", right=False), TextColumn(title="says", right=False, wraps=True)]
    lines = text_table(columns, [["single:gemma2:2b", sentence], ["single:llama3.1:8b", "the reference"]], width)
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "mode",
        "single:gemma2:2b",
        "single:llama3.1:8b",
    ]
    assert sentence in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(("width", "shown"), [(28, {"70.0", "11.5"}), (40, {"70.0", "11.5", "10.8"})])
def test_a_figure_is_shown_whole_or_not_at_all(width: int, shown: set[str]) -> None:
    titles = (("mode", False), ("score", False), ("what the jobs tell", True), ("makespan", False))
    columns = [TextColumn(title=title, right=not wraps, wraps=wraps) for title, wraps in titles]
    cells = ["best-single", "70.0 %", "other workflows may differ by up to 11.5 points", "10.8 s"]
    lines = text_table(columns, [cells], width)
    assert max(map(len, lines)) <= width
    assert {*re.findall(r"[\d.]*\d", " ".join(lines))} == shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_many_modes_are_a_table_and_two_a_sentence(width: int) -> None:
    """Ten modes took nine paragraphs that began alike."""
    many = terminal_summary(small_report(modes=MANY, horizons=(0,), budgets_gb=(8.0,)), width=width, verbose=-1)
    head = next(n for n, line in enumerate(many) if "what the jobs tell" in line)
    table = many[head + 1 : many.index("", head)]
    assert max(map(len, table)) <= min(width, 100)
    rows = [line for line in table if not line.startswith(" ")]  # the others go on with a sentence
    if width > 60:
        names = [short_names(MANY, 24)[mode] for mode in sorted(MANY, key=mode_order)]
        assert [row.split()[0] for row in rows] == names, "no name is cut, and they stand as in the table of modes"
    assert sum("the reference" in row for row in rows) == 1
    assert all(row.split()[1].replace(".", "").isdigit() for row in rows), "each row has the score of its mode"
    assert sum(row.endswith("9 tasks") for row in rows) == (len(MANY) - 1 if width > 60 else 0), "room for it or not"
    assert not [line for line in many if " %, fixed " in line]
    two = terminal_summary(small_report(), width=width, verbose=-1)
    assert sum(" %, LLM " in line for line in two) == 1


def test_totals_say_over_what_they_are_pooled() -> None:
    swept = [record(case=replace(key(mode), lambda_token=w)) for mode in ("lp", "llm") for w in (0.1, 1.0)]
    lines = summary_of(run(*swept), width=100, verbose=-1)
    assert "The means are over all weights of token cost (0.1 and 1)." in lines
    text = " ".join(summary_of(small_run(), width=100, verbose=-1))
    assert "The means are over all horizons (h0, h1 and h3) and all VRAM budgets (8GB and 24GB)." in text
    assert not [line for line in summary_of(run(record()), width=100, verbose=-1) if line.startswith("The means")]


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("job", 3),
        ("发票", 4),
        ("e\u0301te\u0301", 3),
        ("\N{ROCKET}go", 4),
        ("ﾊﾝｶｸ", 4),
        ("\uff26\uff35", 4),
        ("שָׁלוֹם", 4),
    ],
)
def test_a_name_takes_the_columns_that_a_terminal_gives_it(name: str, width: int) -> None:
    columns = [TextColumn(title="job", right=False), TextColumn(title="score")]
    _, _, row = text_table(columns, [("x" * 10, "1"), (name, "2")], 40)
    assert row == f"{name}{' ' * (10 - width)}  {'2':>5}"


@pytest.mark.parametrize("width", [9, 10, 31])
def test_wide_characters_are_wrapped_and_cut_within_the_terminal(width: int) -> None:
    text = "任务失败了,因为模型没有回答 in time, 请再试一次 " * 3
    lines = wrapped(text, width)
    assert max(map(columns_of, lines)) <= width
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert max(map(columns_of, text_table([TextColumn(title="a", right=False)], [(text,)], width))) <= width
