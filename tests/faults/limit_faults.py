"""Rows of the fault matrix: options beyond all bounds, and messages that would quote all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pytest_swarm.errors import OptionError, SwarmError
from pytest_swarm.gate.rules import parse_expression
from pytest_swarm.ollama.address import base_url
from pytest_swarm.plugin.option_text import OptionText
from pytest_swarm.report.output_kinds import parse_output
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.units import parse_duration_s
from tests.faults.fault_case import FaultCase, Place, Workshop

NINES = "9" * 100_000
MOST_QUOTED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A value that must be refused in a short sentence."""

    parse: Callable[[], object]

    def carry_out(self, _: Workshop) -> None:
        with pytest.raises(SwarmError) as error:
            self.parse()
        assert len(str(error.value)) <= MOST_QUOTED + 200


def message_of(text: str) -> object:
    raise OptionError(f"--swarm-x: {text!r} is unknown; write y")


VALUES: dict[str, Callable[[], object]] = {
    "a seed of 100,000 digits": lambda: OptionText(NINES, what="--swarm-seed").count(low=0),
    "a seed beyond 2^53": lambda: OptionText(str(2**53 + 1), what="--swarm-seed").count(low=0),
    "a billion repeats": lambda: OptionText("1000000000", what="--swarm-repeat").repeats(),
    "a horizon of 100,000 digits": lambda: OptionText(NINES, what="--swarm-horizon").horizons(),
    "100,000 horizons": lambda: OptionText(",".join("0" * 100_000), what="--swarm-horizon").horizons(),
    "a budget of 100,000 digits": lambda: OptionText(f"{NINES}GB", what="--swarm-vram").budgets(),
    "a time limit of 100,000 digits": lambda: parse_duration_s(NINES, what="--swarm-timeout"),
    "an infinite weight": lambda: OptionText("inf", what="--swarm-lambda-token").weight(),
    "a gate that allows infinitely much": lambda: parse_expression(f"score:-{NINES}%", what="--swarm-fail"),
    "a fault of 100,000 digits": lambda: parse_fault(f"busy:times={NINES}"),
    "a host of 100,000 letters": lambda: base_url(f"ftp://{'x' * 100_000}"),
    "a report of 100,000 letters": lambda: parse_output("x" * 100_000, what="--swarm-report"),
    "a message that quotes 100,000 words": lambda: message_of("words " * 100_000),
    "a message that quotes 100,000 quotation marks": lambda: message_of("' \" " * 50_000),
}


def rows() -> tuple[FaultCase, ...]:
    """Return the rows."""
    return tuple(
        FaultCase(
            name=name,
            place=Place.LIMIT,
            expected="one sentence that quotes at most 500 characters",
            kept="no test has run",
            carry_out=Refused(parse=parse).carry_out,
            cpu_s=5.0,
        )
        for name, parse in VALUES.items()
    )
