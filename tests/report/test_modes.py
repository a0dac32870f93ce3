"""How modes look in a report: label, color and shape, ours from the table, others by their names.

Colors are compared by their distance in OKLab times 100 (Ottosson, 2020), as they are and as people without red or
without green cones see them (Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009) 1291): 2 is just seen, 5 is clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from itertools import combinations
from typing import Final

import numpy as np
import pytest

from pytest_swarm.report.page import MODEL_COLORS, MORE_COLORS, SPARE_COLORS, mode_colors, mode_shape
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
    assert mode_colors(["other", "lp", "mine", "oracle"]) == colors | {"lp": "blue", "oracle": "emerald"}


CSS: Final = (files("pytest_swarm.report") / "templates" / "style.css").read_text(encoding="utf-8")
THEMES: Final = dict(zip(("light", "dark"), CSS.split("prefers-color-scheme: dark")[:2], strict=True))
VISIONS: Final = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
CONES: Final = [[0.41222, 0.53633, 0.05145], [0.2119, 0.6807, 0.1074], [0.0883, 0.28172, 0.62998]]
OKLAB: Final = [[0.21045, 0.79362, -0.00407], [1.978, -2.42859, 0.45059], [0.0259, 0.78277, -0.80868]]
LUMINANCE: Final = (0.2126, 0.7152, 0.0722)
FIRST_MODELS: Final = 4  # of a fleet; their bands have no shapes


def linear_rgb(theme: str, name: str) -> np.ndarray:
    (text,) = re.findall(rf"--{name}: #([0-9a-f]{{3,6}});", THEMES[theme])
    text = text if len(text) == 6 else "".join(2 * each for each in text)
    shares = np.array([int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)])
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def nearest(theme: str, pairs: Iterable[tuple[str, str]], *visions: str) -> tuple[float, str, tuple[str, str]]:
    """Return the smallest distance of two colors, under which vision it is, and which they are."""

    def seen(name: str, vision: str) -> np.ndarray:
        return OKLAB @ np.cbrt(CONES @ np.clip(VISIONS[vision] @ linear_rgb(theme, name), 0, 1))

    return min(
        (100 * float(np.linalg.norm(seen(one, vision) - seen(other, vision))), vision, (one, other))
        for one, other in pairs
        for vision in visions
    )


@pytest.mark.parametrize("theme", THEMES)
def test_colors_can_be_told_apart_by_everybody(theme: str) -> None:
    """A row of MODES with one of the further colors is told from the others by those who see all colors."""
    colors = mode_colors(OURS)
    pairs = list(combinations([mode for mode in OURS if colors[mode] not in MORE_COLORS], 2))
    alike = [(colors[one], colors[other]) for one, other in pairs if mode_shape(one) == mode_shape(other)]
    modes = [(colors[one], colors[other]) for one, other in pairs]
    models = list(combinations(MODEL_COLORS[:FIRST_MODELS], 2))
    every = {*colors.values(), *MORE_COLORS, *MODEL_COLORS}
    assert nearest(theme, modes, "all") > (8.5,)
    assert nearest(theme, alike, *VISIONS) > (9.5,)
    assert nearest(theme, modes, *VISIONS) > (3.5,)
    assert nearest(theme, models, *VISIONS) > (8.5,)
    assert nearest(theme, combinations(sorted(every), 2), "all") > (4.5,)


@pytest.mark.parametrize("theme", THEMES)
def test_every_color_stands_out_from_the_page(theme: str) -> None:
    """A contrast of 3 to 1, which WCAG 2.1 asks of drawings."""
    for name in {spec.color for spec in MODES} | set(SPARE_COLORS) | set(MODEL_COLORS):
        dark, bright = sorted(float(linear_rgb(theme, each) @ LUMINANCE) for each in ("surface", name))
        assert (bright + 0.05) / (dark + 0.05) >= 3, name


def test_fixed_and_milp_differ_in_shape_as_well() -> None:
    assert mode_shape("fixed") != mode_shape("milp")
    assert mode_shape("single:a") == mode_shape("single:b")
