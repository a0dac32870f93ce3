"""The tables of the page's last section: the fleet, and the estimates that the routers started from."""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.task import in_type_order
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import gigabytes, seconds, significant

_MAX_ROWS: Final = 200
_FLEET_HEAD: Final = ("model", "VRAM", "load", "cost per token", "max context")
_MAX_PRIORS: Final = 10  # task types with a column of their own in the table of the fleet


def fleet_head(report: Report) -> tuple[str, ...]:
    """Return the heads of the columns of the fleet's table."""
    return (*_FLEET_HEAD, *_prior_types(report))


def estimate_rows(report: Report) -> list[tuple[str, ...]]:
    """Return a row for each model and task type that has answers."""
    rows = () if report.info.estimates is None else report.info.estimates.rows
    return [
        (row.model, row.type, f"{row.prior:.3f}", f"{row.mean:.3f}", f"{row.count:,}", f"{row.estimate:.3f}")
        for row in rows[:_MAX_ROWS]
    ]


def _prior_types(report: Report) -> tuple[str, ...]:
    """Return the task types that the fleet has priors of, the usual ones first; at most ten."""
    return in_type_order(kind for model in report.info.fleet for kind in model.capabilities)[:_MAX_PRIORS]


def fleet_rows(report: Report) -> list[tuple[str, ...]]:
    """Return a row for each model."""
    return [
        (
            model.tag,
            gigabytes(model.vram_gb),
            seconds(model.load_time_ms / 1000),
            significant(model.cost_per_token),
            f"{model.max_ctx:,}",
            *(f"{model.capability(kind):.2f}" for kind in _prior_types(report)),
        )
        for model in report.info.fleet
    ]
