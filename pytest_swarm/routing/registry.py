"""Mode -> router. The only place that knows which routers exist; imports no solver before one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import OptionError

if TYPE_CHECKING:  # numpy must not be imported to learn which modes there are
    from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup

SINGLE: Final = "single"


def known_modes(extra: Mapping[str, RouterFactory]) -> tuple[str, ...]:
    """Every mode that `make_router` takes, as it is written in --swarm-compare; `extra` are third parties' routers."""
    own = [f"{SINGLE}:TAG" if mode == SINGLE else mode for mode in _FACTORIES]
    return (*own, *(mode for mode in extra if mode not in _FACTORIES))


def make_router(mode: str, setup: RouterSetup, extra: Mapping[str, RouterFactory]) -> Router:
    """The router of a mode; what follows a colon is the router's argument (`single:gemma2:2b`).

    A third party's router may have an own name, or replace one of ours. Raises OptionError for an unknown mode, and
    for an argument that is missing, unknown, or not taken.
    """
    name, colon, argument = mode.partition(":")
    if name in extra:
        return extra[name](replace(setup, argument=argument if colon else None))
    if name not in _FACTORIES:
        raise OptionError(f"unknown routing mode {mode!r}; known are {', '.join(known_modes(extra))}")
    if colon and name != SINGLE:
        raise OptionError(f"routing mode {name!r} takes no argument, but {mode!r} gives one; write {name!r}")
    return _FACTORIES[name](replace(setup, argument=argument if colon else None))


def _lp(setup: RouterSetup) -> Router:  # noqa: ARG001  every factory takes the setup
    from pytest_swarm.routing.lp import LpRouter

    return LpRouter()


def _milp(setup: RouterSetup) -> Router:
    from pytest_swarm.routing.milp import MilpRouter

    return MilpRouter(solve_limit_s=setup.solve_limit_s)


def _staged(setup: RouterSetup) -> Router:
    from pytest_swarm.routing.staged import StagedRouter

    return StagedRouter(solve_limit_s=setup.solve_limit_s)


def _llm(setup: RouterSetup) -> Router:
    from pytest_swarm.routing.llm import LlmRouter

    if setup.planner is None:
        raise OptionError("routing mode 'llm' needs a planner model; name one with --swarm-planner")
    return LlmRouter(planner=setup.planner)


def _greedy(setup: RouterSetup) -> Router:  # noqa: ARG001  every factory takes the setup
    from pytest_swarm.routing.greedy import GreedyRouter

    return GreedyRouter()


def _single(setup: RouterSetup) -> Router:
    from pytest_swarm.routing.single import SingleRouter

    if not setup.argument:
        raise OptionError(f"routing mode 'single' needs a model, for example single:{setup.fleet.smallest.tag}")
    if setup.argument not in setup.fleet:
        raise OptionError(
            f"routing mode 'single:{setup.argument}': fleet {setup.fleet.name!r} has no such model; "
            f"it has {', '.join(setup.fleet.tags)}"
        )
    return SingleRouter(tag=setup.argument)


def _best_single(setup: RouterSetup) -> Router:  # noqa: ARG001  every factory takes the setup
    from pytest_swarm.routing.best_single import BestSingleRouter

    return BestSingleRouter()


def _random(setup: RouterSetup) -> Router:  # noqa: ARG001  every factory takes the setup
    from pytest_swarm.routing.random import RandomRouter

    return RandomRouter()


def _oracle(setup: RouterSetup) -> Router:
    from pytest_swarm.routing.oracle import OracleRouter

    if setup.realised is None:
        raise OptionError(
            "routing mode 'oracle' needs the realised score of every task on every model, which only the simulator "
            "or a complete measured matrix knows; leave the mode out or use --swarm-backend=sim"
        )
    return OracleRouter(realised=setup.realised, solve_limit_s=setup.solve_limit_s)


_FACTORIES: Final[Mapping[str, RouterFactory]] = {
    "lp": _lp,
    "milp": _milp,
    "staged": _staged,
    "llm": _llm,
    "greedy": _greedy,
    SINGLE: _single,
    "best-single": _best_single,
    "random": _random,
    "oracle": _oracle,
}
