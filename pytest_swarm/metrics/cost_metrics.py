"""Metrics of cost: tokens as the server counted them, and what they cost."""

from __future__ import annotations

from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.metrics.quality_metrics import QualityMetrics
from pytest_swarm.metrics.spec import Column, MetricGroup, MetricSpec, Show, Unit, Worse
from pytest_swarm.metrics.summaries import mean, ratio_of_means


def _prompt_tokens(job: JobFacts) -> int | None:
    return job.sum_over_answers(lambda each: each.prompt_tokens)


def _completion_tokens(job: JobFacts) -> int | None:
    return job.sum_over_answers(lambda each: each.completion_tokens)


def _all_tokens(job: JobFacts) -> int | None:
    prompts, completions = _prompt_tokens(job), _completion_tokens(job)
    return None if prompts is None or completions is None else prompts + completions


def _token_cost(job: JobFacts) -> float | None:
    return job.token_cost


def _score_per_token_cost(job: JobFacts) -> float | None:
    return job.score / job.token_cost if job.score is not None and job.token_cost else None


def score_over_cost(column: Column[float | None]) -> float | None:
    """Mean score over mean token cost of the jobs that have both, so that one cheap job does not carry it."""
    scores = [QualityMetrics.score.of_job(job) for job in column.jobs]
    return ratio_of_means(column, scores, [CostMetrics.token_cost.of_job(job) for job in column.jobs])


class CostMetrics(MetricGroup):
    """Tokens as the server counted them, and what they cost."""

    __slots__ = ()
    GROUP = "Cost"

    tokens = MetricSpec(
        label="Tokens",
        definition="Tokens of prompts and answers, as the server counted them. `null` where no task was answered, or "
        "the server did not count those of an answer",
        of=_all_tokens,
        over=mean,
        show=Show.SCOREBOARD,
        unit=Unit.TOKENS,
    )
    prompt_tokens = MetricSpec(
        label="Prompt tokens",
        definition="Tokens of the prompts, as the server counted them. `null` where no task was answered, or the "
        "server did not count those of an answer",
        of=_prompt_tokens,
        over=mean,
        show=Show.FILES | Show.GATE,
        unit=Unit.TOKENS,
    )
    completion_tokens = MetricSpec(
        label="Completion tokens",
        definition="Tokens of the answers, as the server counted them. `null` where no task was answered, or the "
        "server did not count those of an answer",
        of=_completion_tokens,
        over=mean,
        show=Show.FILES | Show.GATE,
        unit=Unit.TOKENS,
    )
    token_cost = MetricSpec(
        label="Token cost",
        short="cost",
        gives_way=3,
        definition="Cost per token times the tokens of prompt and answer, summed over the tasks. `null` "
        "where no task was answered, or the server did not count those of an answer",
        of=_token_cost,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.TEXT | Show.DETAIL,
        unit=Unit.COST,
    )
    score_per_token_cost = MetricSpec(
        label="Score per token cost",
        definition="`score / token_cost`",
        of=_score_per_token_cost,
        over=score_over_cost,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD,
        unit=Unit.PER_COST,
        worse_when=Worse.LOWER,
        digits=2,
    )
