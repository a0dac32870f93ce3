"""Rows of the table of options: what is run, under which modes, and what routers believe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_swarm.plugin.option_kinds import Axis, Maybe, Option, OptionValues
from pytest_swarm.routing.mode_table import modes_help

if TYPE_CHECKING:
    from typing import Literal


class RoutingOptions(OptionValues):
    """Options of routing: modes, horizons, budgets, repeats, the fleet, the objective and its estimates."""

    compare = Axis(
        lambda given: given.modes(),
        f"routing modes to compare: {modes_help()}. Without it each benchmark runs once, by the first "
        "value of each list in marker and ini file",
        metavar="MODES",
        marker="modes",
    )
    horizon = Axis(
        lambda given: given.horizons(),
        "horizon depths, such as 0,1,3; 0 plans the ready tasks only, flat ignores the edges",
        metavar="DEPTHS",
        marker="horizon",
    )
    vram = Axis(
        lambda given: given.budgets(),
        "VRAM budgets, such as 8GB,24GB; auto asks the GPU through NVML, and is an error where there is none",
        metavar="SIZES",
        marker="vram",
    )
    repeat = Axis(
        lambda given: given.repeats(),
        "repeats of each case; auto:MAX repeats a case until the gate has decided",
        metavar="N",
        marker="repeat",
    )
    seed = Option(lambda given: given.count(low=0), "seed of every random draw", metavar="N")
    fleet = Option(
        lambda given: given.file_or_name(),
        "models on offer: a TOML file, the published agents JSON, or the name of a shipped fleet",
        metavar="FILE",
    )
    lambda_token = Axis(
        lambda given: given.weights(),
        "weight of token cost in the objective; a list, such as 0,0.25,1, runs each case with each of them",
        metavar="WEIGHT",
    )
    lambda_switch = Option(lambda given: given.weight(), "weight of model loads in the objective", metavar="WEIGHT")
    lambda_latency = Option(
        lambda given: given.weight(), "weight of estimated seconds in the objective", metavar="WEIGHT"
    )
    quality_floor = Option(
        lambda given: given.weight(high=1),
        "estimated quality that mode heft gives up for an earlier finish",
        metavar="QUALITY",
    )
    estimates = Option(
        lambda given: given.estimates(),
        "where estimates of quality start: prior (the fleet file); a file of python -m pytest_swarm estimates; cross: "
        "for each job the answers to all other jobs of the imported table, or of a run, cross:reports/RUN; text: the "
        "same, by the text of the prompts too (needs scikit-learn)",
        metavar="FILE",
    )
    learning: Option[Literal["on", "off"]] = Option(
        lambda given: given.choice("on", "off"),
        "on: estimates follow the answers of the run; off: they stay as they start",
        metavar="HOW",
    )
    solve_limit_s = Maybe(
        lambda given: given.duration_s(),
        "time limit of an exact solver for one plan, such as 500ms; the plan then states its gap",
        metavar="TIME",
    )
    planner = Maybe(
        lambda given: given.model(),
        "model that plans in mode llm; none: the fleet's best reasoner that fits the smallest budget",
        metavar="TAG",
    )
    judge = Maybe(
        lambda given: given.model(),
        "model that grades answers by a rubric; without one they stay unscored",
        metavar="TAG",
    )
