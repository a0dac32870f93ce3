"""What a decision rests on: jobs, repeats, policies, and where the figures come from."""

from __future__ import annotations

from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.report.decision_text import policy_name
from pytest_swarm.report.slow_server_text import slow_server_sentences
from pytest_swarm.report.wording import plural


def basis_sentence(decision: PolicyDecision) -> str:
    """Return what the decision rests on, and where its figures come from where no real server gave them all."""
    choice, by = decision.choice, decision.question.by
    repeats = f" of {plural(decision.repeats, 'repeat')}" if decision.repeats > 1 else ""
    together = ""
    if decision.decided_together > 1:
        together = f" The decisions at {decision.decided_together} budgets share one error of 5 %."
    marked = decision.figures.sentence
    source = "" if marked is None else f" {marked}"
    jobs = {policy_name(decision, each): decision.jobs_under(each) for each in decision.policies}
    slow = "".join(f" {each}" for each in slow_server_sentences(jobs, origin=decision.figures.origin))
    count = len(decision.policies)
    noun = "policy" if count == 1 else "policies"
    return f"{plural(choice.jobs, 'job')}{repeats}, {count} {noun}, decided by {by.name}.{together}{source}{slow}"
