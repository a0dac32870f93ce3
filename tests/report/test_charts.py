"""Geometry of the drawings."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import JobRecord
from pytest_swarm.domain.switch import Switch
from pytest_swarm.metrics.measured_jobs import measure
from pytest_swarm.report.charts import cost_chart, scatter
from pytest_swarm.report.charts.curve import curves
from pytest_swarm.report.charts.distribution import LETTER, distribution
from pytest_swarm.report.charts.forest import FRAME, ROW_FRAME, whisker
from pytest_swarm.report.charts.graph_drawing import MARGIN, draw_graph
from pytest_swarm.report.charts.heat import heat
from pytest_swarm.report.charts.residency_timeline import LANE, VRAM_HEIGHT, timeline
from pytest_swarm.report.charts.scale import Frame, Scale, fitted, logarithmic, round_values
from pytest_swarm.report.charts.scatter import pareto
from pytest_swarm.report.page import page_context
from pytest_swarm.report.report_model import build_report
from tests.report.factories import GEMMA, HEAVY, PHI, QWEN, WB1, WB2, estimate, failed, ok, record, run, step, task
from tests.report.played import small_report
from tests.report.test_answers import pairs

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=1, max_size=20))
def test_a_fitted_scale_holds_all_its_values(values: list[float]) -> None:
    scale = fitted(values, start=40, end=340)
    assert all(39.9 <= scale(value) <= 340.1 for value in values)


@given(finite, st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_few_and_lie_within(low: float, width: float, count: int) -> None:
    values = round_values(low, low + width, count)
    assert 1 <= len(values) <= count + 2
    slack = 1e-6 * max(1.0, abs(low), width)
    assert all(low - slack <= value <= low + width + slack for value in values)


@pytest.mark.parametrize(("value", "low", "high"), [(5.0, 4.5, 5.5), (-20.0, -22.0, -18.0), (0.0, 0.0, 1.0)])
def test_a_scale_of_one_value_has_room_around_it(value: float, low: float, high: float) -> None:
    scale = fitted([value, value], start=0, end=100)
    assert (scale.low, scale.high) == (low, high)


def test_a_logarithmic_scale_spans_whole_decades() -> None:
    scale = logarithmic([0.4, 900.0], start=0, end=400)
    assert (scale.low, scale.high) == (0.1, 1000.0)
    assert scale(1.0) == pytest.approx(100.0)
    assert [tick.label for tick in scale.ticks()] == ["0.1", "1", "10", "100", "1,000"]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([2e5, 3e9], ["100,000", "1,000,000", "10,000,000", "100,000,000", "1,000,000,000", "10,000,000,000"]),
        ([2.0, 3e9], ["1", "100", "10,000", "1,000,000", "100,000,000", "10,000,000,000"]),
    ],
)
def test_decades_are_left_out_where_there_are_ten(values: list[float], labels: list[str]) -> None:
    assert [tick.label for tick in logarithmic(values, start=0, end=400).ticks()] == labels


def test_a_scale_without_width_is_its_middle() -> None:
    assert Scale(low=3, high=3, start=0, end=10)(3) == 5


def test_pareto_keeps_what_nothing_beats() -> None:
    assert pareto([(1, 0.5), (2, 0.9), (3, 0.9), (2, 0.4), (1, 0.5)]) == {0, 1, 4}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_every_point_is_on_the_front_or_beaten_by_one_that_is(points: list[tuple[int, int]]) -> None:
    front = pareto(points)
    assert front
    for n, (price, score) in enumerate(points):
        if n not in front:
            assert any(points[k][0] <= price and points[k][1] >= score for k in front)


def test_graph_layers_run_from_left_to_right_without_overlap() -> None:
    drawing = draw_graph(WB2)
    assert drawing is not None
    places = {node.task: node for node in drawing.nodes}
    assert places["s0"].x + drawing.box_width < places["s1"].x == places["s2"].x
    assert abs(places["s1"].y - places["s2"].y) >= drawing.box_height
    assert len(drawing.edges) == 2
    assert places["s0"].y == (places["s1"].y + places["s2"].y) / 2
    assert {node.y for node in drawing.nodes} == {MARGIN, places["s0"].y, drawing.height - MARGIN - drawing.box_height}


def test_a_wide_graph_is_drawn_as_dots_and_a_huge_one_not_at_all() -> None:
    many = TaskGraph(name="many", tasks=tuple(task(f"t{n}") for n in range(60)))
    drawing, boxes = draw_graph(many), draw_graph(WB2)
    assert drawing is not None
    assert boxes is not None
    assert (drawing.boxes, boxes.boxes) == (False, True)
    assert drawing.box_width < boxes.box_width
    assert draw_graph(TaskGraph(name="huge", tasks=tuple(task(f"t{n}") for n in range(500)))) is None


@pytest.mark.parametrize(("lp", "llm"), [((0.9,) * 20, (0.1,) * 20), ((0.5, 1.0) * 10, (0.5,) * 20)])
def test_a_difference_and_its_interval_lie_within_the_frame(lp: tuple[float, ...], llm: tuple[float, ...]) -> None:
    drawn = whisker(build_report(run(*pairs(lp, llm))).overall[0])
    assert drawn is not None
    assert drawn.mark.low is not None
    assert drawn.mark.high is not None
    assert FRAME.left < drawn.mark.low <= drawn.mark.middle <= drawn.mark.high < FRAME.right
    assert drawn.forest.zero == (FRAME.left + FRAME.right) / 2


@pytest.mark.parametrize(
    ("frame", "label_px"),  # in DejaVu Sans of 11 pixels: `+100`, `100,000`
    [(FRAME, 31), (ROW_FRAME, 31), (scatter.FRAME, 46), (cost_chart.FRAME, 46)],
)
def test_the_label_of_a_tick_at_the_end_of_an_axis_is_not_cut(frame: Frame, label_px: int) -> None:
    assert frame.width - frame.right >= label_px / 2


def switched() -> tuple[Switch, ...]:
    """gemma from the start, phi loaded from 4 to 6 s beside it, gemma unloaded at 8 s."""
    return (
        Switch(step=1, model=PHI.tag, action="load", started_s=4.0, finished_s=6.0),
        Switch(step=2, model=GEMMA.tag, action="unload", started_s=7.5, finished_s=8.0),
    )


def test_bands_stack_and_what_is_above_the_budget_is_marked() -> None:
    steps = (step(0, {"s0": GEMMA.tag}, resident=(GEMMA.tag,)), step(1, {"s1": PHI.tag}, started_s=4.0))
    drawn = timeline(replace(record({"s0": 1.0}), steps=steps, switches=switched(), makespan_s=10.0))
    assert drawn is not None
    spans = [(band.model, band.x, band.x + band.width) for band in drawn.bands]
    assert [model for model, _, _ in spans] == [GEMMA.tag, PHI.tag, PHI.tag]
    gemma, phi, lowered = drawn.bands
    assert phi.y + phi.height == pytest.approx(gemma.y, abs=0.2)
    assert lowered.y + lowered.height == pytest.approx(gemma.y + gemma.height, abs=0.2)
    assert [bar.title for bar in drawn.over] == [
        "6.5 GB over budget from 4.0 s to 8.0 s",
        "4.5 GB over budget from 8.0 s to 10.0 s",
    ]
    assert len(drawn.loads) == 1
    assert drawn.loads[0].title == f"loading {PHI.tag}: 2.0 s"
    assert drawn.loads[0].height == pytest.approx(phi.height, abs=0.2)
    assert len(drawn.evictions) == 1
    assert [each.label for each in drawn.violations] == ["step 1 plans 12.5 GB"]


def test_a_job_within_budget_has_nothing_red() -> None:
    drawn = timeline(record({"s0": 1.0, "s1": 1.0}))
    assert drawn is not None
    assert (drawn.over, drawn.violations) == ((), ())


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 20)), min_size=1, max_size=12))
def test_task_bars_of_one_lane_do_not_overlap(spans: list[tuple[float, float]]) -> None:
    graph = TaskGraph(name="g", tasks=tuple(task(f"t{n}") for n in range(len(spans))))
    outcomes = tuple(
        ok(f"t{n}", 1.0, started_s=start, finished_s=start + took) for n, (start, took) in enumerate(spans)
    )
    drawn = timeline(replace(record({"t0": 1.0}, graph=graph), outcomes=outcomes))
    assert drawn is not None
    lanes: dict[float, list[tuple[float, float]]] = {}
    for bar in drawn.tasks:
        lanes.setdefault(bar.y, []).append((bar.x, bar.x + bar.width))
    assert drawn.frame.height >= LANE * len(lanes) + VRAM_HEIGHT
    for bars in lanes.values():
        for (_, end), (start, _) in itertools.pairwise(sorted(bars)):
            assert start >= end - 1.2  # a bar is at least a pixel wide


def test_a_wait_is_drawn_before_its_task_and_the_critical_path_is_marked() -> None:
    outcomes = (
        ok("s0", 1.0, started_s=0.0, finished_s=4.0),
        ok("s1", 1.0, started_s=7.0, finished_s=9.0),
        ok("s2", 1.0, started_s=4.0, finished_s=5.0),
    )
    drawn = timeline(replace(record({"s0": 1.0}, graph=WB2), outcomes=outcomes))
    assert drawn is not None
    assert [bar.title for bar in drawn.waits] == ["s1 waits for 3.0 s"]
    (bar,) = [each for each in drawn.tasks if each.label == "s1"]
    assert drawn.waits[0].x + drawn.waits[0].width == pytest.approx(bar.x, abs=0.2)
    assert drawn.critical == {"s0", "s1"}
    assert bar.title.endswith(", on the critical path")
    assert "task s1 waits" in [row[2] for row in drawn.rows]


def test_a_job_without_steps_has_no_timeline() -> None:
    assert timeline(record({}, makespan_s=None)) is None


def test_the_timeline_says_in_words_what_it_draws() -> None:
    drawn = timeline(replace(record({"s0": 1.0}), switches=switched()))
    assert drawn is not None
    words = [row[2] for row in drawn.rows]
    assert words == [f"task s0 on {GEMMA.tag}", f"load {PHI.tag}", f"unload {GEMMA.tag}"]


def test_the_heat_map_holds_belief_and_observation_apart() -> None:
    jobs = [
        replace(record({"s0": 1.0, "s1": 0.0}, graph=WB1), outcomes=(ok("s0", 1.0), failed("s1"))),
        record({"s0": 0.5}, graph=WB1, model=QWEN.tag),
    ]
    found = heat(measure(jobs), HEAVY)
    rows = dict(found.rows)
    extraction = dict(zip(found.models, rows["extraction"], strict=True))
    assert (extraction[GEMMA.tag].observed, extraction[GEMMA.tag].tasks) == (1.0, 1)
    assert extraction[QWEN.tag].observed == 0.5
    assert extraction[PHI.tag].observed is None
    assert extraction[PHI.tag].believed == pytest.approx(estimate("s0", PHI).quality)
    math = dict(zip(found.models, rows["math"], strict=True))
    assert math[GEMMA.tag].observed == 0.0


def typed(kinds: int, *, usual: str = "math") -> TaskGraph:
    """A graph with three tasks of type a00, two of each of a01 to a09, and one of each later type."""
    counts = {f"a{n:02}": 3 if n == 0 else 2 if n < 10 else 1 for n in range(kinds)}
    tasks = [replace(task(f"{kind}-{n}"), type=kind) for kind, count in counts.items() for n in range(count)]
    return TaskGraph(name="typed", tasks=(*tasks, replace(task("u"), type=usual)), edges=())


def test_the_heat_map_has_the_ten_most_frequent_types_and_folds_the_rest() -> None:
    graph = typed(14)
    scores: dict[str, float | None] = {name: float(name.startswith("a13")) for name in graph.order}
    found = heat(measure([record(scores, graph=graph)]), HEAVY)
    names = [name for name, _ in found.rows]
    assert names == [*(f"a{n:02}" for n in range(10)), "5 other types"]
    assert found.folded == ("math", "a10", "a11", "a12", "a13")
    last = dict(zip(found.models, found.rows[-1][1], strict=True))[GEMMA.tag]
    assert (last.tasks, last.observed) == (5, pytest.approx(1 / 5))


def test_eleven_types_are_not_folded_and_the_usual_ones_come_first() -> None:
    graph = typed(10)
    found = heat(measure([record(dict.fromkeys(graph.order, 1.0), graph=graph)]), HEAVY)
    assert [name for name, _ in found.rows] == ["math", *(f"a{n:02}" for n in range(10))]
    assert found.folded == ()


def test_the_distribution_has_a_box_per_mode_on_one_axis() -> None:
    found = distribution({"lp": [1.0, 2.0, 3.0], "llm": [900.0], "none": []})
    assert found is not None
    assert [box.mode for box in found.boxes] == ["lp", "llm"]
    assert found.boxes[0].median < found.boxes[1].median
    assert found.rows[0][4] == "2.0 ms"
    assert distribution({}) is None


@pytest.mark.parametrize("mode", ["lp", "single:gemma2:2b-instruct"])
@pytest.mark.parametrize("longest_ms", [0.5, 5.0, 50.0, 500.0, 50_000.0, 5e8])
def test_the_labels_of_the_distribution_touch_neither_each_other_nor_the_edge(longest_ms: float, mode: str) -> None:
    found = distribution({mode: [0.02, longest_ms]})
    assert found is not None
    spans = [(each.at - len(each.label) * LETTER / 2, each.at + len(each.label) * LETTER / 2) for each in found.x_ticks]
    assert len(spans) > 1
    assert spans[-1][1] <= found.frame.width
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_curves_need_two_horizons_and_split_by_budget_where_lines_are_many() -> None:
    def drawn(**axes: object) -> int:
        return len(curves(small_report(**axes).settings))

    assert drawn(horizons=(3,)) == 0
    assert drawn(horizons=(0, 3)) == 3, "no budget was broken, so no chart shows it"
    assert drawn(modes=("lp", "milp", "llm", "greedy"), horizons=(0, 3)) == 6


@pytest.mark.parametrize("only", [record({"s0": None}), record()], ids=["without a score", "a single point"])
def test_there_is_no_scatter_of(only: JobRecord) -> None:
    assert page_context(build_report(run(only)))["scatters"] == []
