"""Three small accounting jobs."""

from __future__ import annotations

import pytest

from pytest_swarm import JsonFields, Keywords, Number, Task, TaskGraph, YesNo, chain


def invoice(name: str, net: int, tax: int) -> TaskGraph:
    """Return a job that reads an invoice, adds it up, compares the total, and writes a sentence."""
    return chain(
        name,
        Task(
            id="fields",
            type="extraction",
            prompt=f"Give net and tax of the invoice as JSON. Net {net} EUR, tax {tax} EUR.",
            estimated_tokens=120,
            expected=JsonFields(fields={"net": net, "tax": tax}),
        ),
        Task(
            id="total",
            type="math",
            prompt="Add net and tax. Reply with the number only.",
            estimated_tokens=60,
            difficulty=2,
            expected=Number(value=net + tax),
        ),
        Task(
            id="over",
            type="reasoning",
            prompt="Is the total above 1000 EUR? Reply with yes or no.",
            estimated_tokens=60,
            difficulty=2,
            expected=YesNo(value=net + tax > 1000),
        ),
        Task(
            id="note",
            type="summarize",
            prompt="Summarise the invoice in one sentence; name its total.",
            estimated_tokens=90,
            expected=Keywords(words=(str(net + tax),)),
        ),
    )


@pytest.fixture(params=[("paper", 40, 8), ("desks", 1900, 361), ("lamps", 350, 66)], ids=lambda job: job[0])
def dag(request: pytest.FixtureRequest) -> TaskGraph:
    """Return the job of one invoice."""
    return invoice(*request.param)


def test_invoice(swarm_run, dag):
    """Every job completes; the gate checks scores and budgets."""
    result = swarm_run(dag)
    assert result.status == "completed"
