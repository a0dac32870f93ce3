"""Modes are found by name in one table, and no solver is imported before one is asked for."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import pytest

from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.errors import OptionError
from pytest_swarm.routing import registry
from pytest_swarm.routing.base import Planner, PlanningView, Router, RouterSetup
from pytest_swarm.routing.mode_table import ModeTable, modes_help
from pytest_swarm.routing.registry import MODES, ModeArgument, ModeSpec, Need, built_in, mode_order
from tests.instances import HEAVY, WB1, mode_for, view_of, with_speeds


class Mute:
    """A planner that is never asked."""

    async def ask(self, prompt: str, *, schema: object) -> str:
        raise AssertionError(prompt, schema)


PLANNER: Planner = Mute()
SETUP = RouterSetup(fleet=HEAVY, realised={}, planner=PLANNER)
OWN = ModeTable({})


class Stubborn:
    """A third party's router."""

    def __init__(self, setup: RouterSetup) -> None:
        self.name = f"stubborn:{setup.argument}"

    async def route(self, view: PlanningView) -> Plan:
        return Plan(assignments=(), residency=(), status=PlanStatus.INFEASIBLE, reason=view.job)


def stubborn(setup: RouterSetup) -> Router:
    return Stubborn(setup)


@pytest.mark.parametrize("spec", [each for each in MODES if each.name != "policy"], ids=lambda spec: spec.name)
def test_a_router_carries_the_name_of_its_mode(spec: ModeSpec) -> None:
    mode = mode_for(spec.name, HEAVY)
    assert ModeTable({}).make(mode, replace(SETUP, fleet=with_speeds(view_of(WB1)).fleet)).name == mode


@pytest.mark.parametrize("spec", MODES, ids=lambda spec: spec.name)
def test_every_row_is_complete(spec: ModeSpec) -> None:
    assert spec.summary
    assert spec.color
    assert built_in(f"{spec.name}:x") is spec
    assert spec.written in modes_help()


def test_no_two_rows_share_a_name_or_a_color() -> None:
    assert len({spec.name for spec in MODES}) == len({spec.color for spec in MODES}) == len(MODES)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("lpp", ("'lpp'", "milp", "single:TAG", "best-single")),
        ("single", ("single:gemma2:2b",)),
        ("single:", ("single:gemma2:2b",)),
        ("single:gpt", ("'heavy'", "gemma2:2b", "phi4:14b")),
        ("greedy:fast", ("'greedy'", "no argument")),
        ("greedy:", ("'greedy'", "no argument")),
    ],
)
def test_a_mode_that_means_nothing_is_refused_in_one_sentence(mode: str, words: tuple[str, ...]) -> None:
    with pytest.raises(OptionError) as caught:
        ModeTable({}).make(mode, SETUP)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("need", "word"), [("planner", "--swarm-planner"), ("speeds", "decode_tokens_per_s"), ("realised", "sim")]
)
def test_a_mode_is_refused_for_want_of_what_it_needs(need: Need, word: str) -> None:
    table = ModeTable({"mine": ModeSpec(name="mine", factory=stubborn, needs=(need,))})
    with pytest.raises(OptionError, match=rf"'mine' needs.*{word}"):
        table.check("mine", fleet=HEAVY, planner=False, realised=False)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"needs": ("speeds", "magic")}, "needs says 'magic', and known are planner, speeds, realised;"),
        ({"needs": "speeds"}, "needs says 's', "),  # a text in place of a tuple
        ({"group": "magic"}, "group says 'magic', "),
        ({"argument": ModeArgument(metavar="X", example="x", kind=cast("Any", "magic"))}, "argument says 'magic', "),
    ],
)
def test_a_row_that_nobody_can_read_is_refused(row: dict[str, Any], word: str) -> None:
    with pytest.raises(OptionError, match=f"mode 'mine': {word}"):
        ModeTable({"mine": ModeSpec(name="mine", factory=stubborn, **row)})


def test_a_mode_that_has_what_it_needs_is_accepted() -> None:
    models = tuple(replace(model, prefill_tokens_per_s=1.0, decode_tokens_per_s=1.0) for model in HEAVY)
    row = ModeSpec(name="mine", factory=stubborn, needs=("planner", "speeds", "realised"))
    ModeTable({"mine": row}).check("mine", fleet=Fleet(name="fast", models=models), planner=True, realised=True)


@pytest.mark.parametrize(
    ("mode", "missing", "word"), [("llm", "planner", "planner"), ("oracle", "realised", "realized score")]
)
def test_our_own_needs(mode: str, missing: str, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        ModeTable({}).make(mode, replace(SETUP, **{missing: None}))


def test_a_planner_may_be_named_and_then_needs_no_option() -> None:
    assert OWN.planner_of("llm:tiny", "big") == "tiny"
    assert OWN.planner_of("llm", "big") == "big"
    assert OWN.planner_of("lp", "big") == "big"
    OWN.check("llm:tiny", fleet=HEAVY, planner=False, realised=False)
    with pytest.raises(OptionError, match=r"'llm:' names no model; write for example llm:"):
        OWN.parse(["llm:"], what="x")


def test_lists_of_modes() -> None:
    table = ModeTable({"mine": stubborn})
    everything = tuple(spec.name for spec in MODES if spec.stands_alone)
    assert {spec.name for spec in MODES} - set(everything) == {"single", "policy"}
    assert table.parse(["both"], what="x") == ("lp", "llm")
    assert table.parse(["all", "single:a", "lp"], what="x") == (*everything, "mine", "single:a")
    assert table.parse(["mine:a", "mine", "mine:a"], what="x") == ("mine:a", "mine")
    with pytest.raises(OptionError, match=r"^--x: unknown mode 'other'; known are both, all, lp,.*mine"):
        table.parse(["lp", "other"], what="--x")


def test_a_third_party_router_gets_its_argument() -> None:
    assert ModeTable({"stubborn": stubborn}).make("stubborn:deep:blue", SETUP).name == "stubborn:deep:blue"
    assert ModeTable({"stubborn": stubborn}).make("stubborn", SETUP).name == "stubborn:None"


def test_a_third_party_may_say_more_of_its_mode() -> None:
    argument = ModeArgument(metavar="TAG", example="gemma2:2b", kind="model")
    table = ModeTable({"mine": ModeSpec(name="?", factory=stubborn, argument=argument)})
    assert table.written[-1] == "mine:TAG"
    assert "mine" not in table.parse(["all"], what="x")
    assert table.make("mine:phi4:14b", SETUP).name == "stubborn:phi4:14b"
    with pytest.raises(OptionError, match="no model 'x'"):
        table.make("mine:x", SETUP)


def test_a_third_party_may_replace_one_of_ours() -> None:
    table = ModeTable({"llm": stubborn})
    assert [spec.name for spec in table.specs] == [spec.name for spec in MODES]
    assert table.make("llm:x", RouterSetup(fleet=HEAVY)).name == "stubborn:x"


@pytest.mark.parametrize("name", ["", "both", "all", "a:b", "a,b", "a b", "a]"])
def test_a_name_that_nobody_could_write_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="pytest_swarm_routers"):
        ModeTable({name: stubborn})


def test_third_parties_come_after_our_modes_by_name() -> None:
    modes = ["zeta", "oracle", "alpha:2", "single:b", "alpha:1", "single:a", "lp"]
    assert sorted(modes, key=mode_order) == ["lp", "single:a", "single:b", "oracle", "alpha:1", "alpha:2", "zeta"]


def imported_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_table_imports_nothing_heavy() -> None:
    heavy = {"numpy", "cvxpy", "highspy", "scipy"}
    code = "import pytest_swarm.routing.mode_table as r; r.ModeTable({}).parse(['all'], what='x'); r.modes_help()"
    assert not heavy & imported_after(code)


def test_garbage_is_not_looked_for_while_a_router_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    on = list[bool]()

    def importing(name: str) -> ModuleType:
        on.append(gc.isenabled())
        return import_module(name)

    monkeypatch.setattr(registry, "import_module", importing)
    ModeTable({}).make("greedy", SETUP)
    assert on == [False]
    assert gc.isenabled()


def test_a_small_milp_is_solved_without_cvxpy_and_scipy() -> None:
    code = (
        "import asyncio; from tests.instances import HEAVY, WB1, view_of;"
        "from pytest_swarm.routing.mode_table import ModeTable; from pytest_swarm.routing.base import RouterSetup;"
        "plan = asyncio.run(ModeTable({}).make('milp', RouterSetup(fleet=HEAVY)).route(view_of(WB1)));"
        "assert plan.status == 'optimal'"
    )
    assert not {"cvxpy", "scipy", "highspy"} & imported_after(code)
