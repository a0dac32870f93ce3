"""Which follow-ups can work on which parents."""

from __future__ import annotations

from pytest_swarm.workloads.workflowgen.records import bill, move_date, recompute, turn_text
from pytest_swarm.workloads.workflowgen.step import Maker, Spot
from pytest_swarm.workloads.workflowgen.sums import branch, check, combine, dated, grow, has_branch, table_row
from pytest_swarm.workloads.workflowgen.terms import values_of


def makers_for(spot: Spot) -> tuple[Maker, ...]:
    """The makers that can work on these parents; none where no parent hands on a value."""
    values = values_of(spot)
    if not values:
        return ()
    if has_branch(spot):
        return (branch, branch, combine)
    fitting: list[Maker] = [combine, grow, check, dated, table_row]
    if len(spot.parents) == 1:
        (value,) = values.values()
        if isinstance(value, dict) and "net" in value:
            fitting += [bill, bill, recompute]
        if isinstance(value, dict) and "date" in value:
            fitting += [move_date, move_date]
        if isinstance(value, dict) and next(iter(value)) in ("text", "name"):
            fitting += [turn_text, turn_text]
    if all(isinstance(value, bool) for value in values.values()):
        return (combine, table_row)
    return tuple(fitting)
