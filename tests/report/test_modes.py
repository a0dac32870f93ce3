"""How modes look in a report: label and color, ours from the table, others by their names."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from pytest_swarm.report.page import SPARE_COLORS, mode_colors
from pytest_swarm.routing.registry import MODES, mode_name

OURS = [spec.name for spec in MODES]


@pytest.mark.parametrize(
    ("mode", "name"),
    [("lp", "LP"), ("llm", "LLM"), ("milp", "MILP"), ("single:gemma2:2b", "single:gemma2:2b"), ("mine:a", "mine:a")],
)
def test_the_label_of_a_mode(mode: str, name: str) -> None:
    assert mode_name(mode) == name


def test_our_modes_have_the_colors_of_their_rows() -> None:
    assert mode_colors(OURS) == {spec.name: spec.color for spec in MODES}


def test_third_parties_modes_differ_from_ours_and_from_each_other() -> None:
    others = [f"mine:{n}" for n in range(len(SPARE_COLORS))]
    colors = mode_colors([*OURS, *others])
    assert len(set(colors.values())) == len(colors)
    assert {colors[mode] for mode in others} == set(SPARE_COLORS)


def test_two_arguments_of_one_mode_differ() -> None:
    colors = mode_colors(["single:a", "single:b"])
    assert colors["single:a"] == "pink"
    assert colors["single:b"] in SPARE_COLORS


def test_a_color_depends_neither_on_the_order_nor_on_our_modes() -> None:
    colors = mode_colors(["mine", "other"])
    assert mode_colors(["other", "lp", "mine", "oracle"]) == colors | {"lp": "blue", "oracle": "ink"}


def test_the_style_sheet_has_every_color_light_and_dark() -> None:
    css = (files("pytest_swarm.report") / "templates" / "style.css").read_text(encoding="utf-8")
    used = {spec.color for spec in MODES} | set(SPARE_COLORS)
    assert {name: len(re.findall(rf"--{name}: #", css)) for name in used} == dict.fromkeys(used, 2)
