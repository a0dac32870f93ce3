"""Error messages of a replay: the unmatched request or case, the nearest recorded one, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.record import Case
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import (
    Cassette,
    Exchange,
    Take,
    case_label,
    comparable,
    named_model,
    request_digest,
)

_SEED: Final = "options.seed"
_SHOWN: Final = 40  # most characters of a value in a message
_COMPARED: Final = 2000  # most characters of a prompt to compare: difflib takes quadratic time


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedRequest:
    """A request that matches no recorded exchange."""

    case: Case
    method: str
    path: str
    body: Json
    task: str | None

    @property
    def digest(self) -> str:
        """Identity of the request, comparable with that of a recorded exchange."""
        return request_digest(self.method, self.path, self.body)


def describe(request: UnmatchedRequest | Exchange) -> str:
    """Return a description such as `the chat with phi4:14b for task 's1'`, `loading phi4:14b` or `GET /api/ps`."""
    body = request.body if isinstance(request.body, dict) else {}
    model = named_model(body)
    if model is None:
        return f"{request.method} {request.path}"
    if request.path == "/api/chat":
        if request.task is not None:
            return f"the chat with {model} for task {request.task!r}"
        return f"the request to {model} as planner or judge"
    if request.path == "/api/generate" and not body.get("prompt"):
        return f"{'unloading' if body.get('keep_alive') == 0 else 'loading'} {model}"
    return f"{request.method} {request.path} of {model}"


def refusal(unmatched: UnmatchedRequest, take: Take, cassette: Cassette) -> str:
    """Return the message for a request that matches no recorded exchange.

    Args:
        unmatched: The request.
        take: The recorded case that is replayed.
        cassette: The whole cassette.
    """
    what = f"cassette {cassette.path} does not hold {describe(unmatched)} as {case_label(unmatched.case)} asks for it"
    repeated = sum(each.digest == unmatched.digest and not each.watched for each in take.exchanges)
    again = f"record it again with --swarm-backend=record --swarm-record-mode=all --swarm-cassette={cassette.path}"
    if repeated:
        times = "once" if repeated == 1 else f"{repeated} times"
        return f"{what}: it was recorded {times}, and is asked for once more; {again}"
    near = nearest(unmatched, take, cassette)
    if near is None:
        return f"{what}: nothing is recorded of this case; {again}"
    found, exchange = near
    if _first_difference(unmatched, exchange) == _SEED:
        own = "another --swarm-seed" if found.run_seed is None else f"--swarm-seed={found.run_seed}"
        again = f"it was recorded with {own}: give that one, or {again}"
    where = "" if found.case.digest == take.case.digest else f" in {found.label}"
    nearest_text = f"{describe(exchange)}{where} ({difference(unmatched, exchange)})"
    return f"{what}; the nearest recorded exchange is {nearest_text}; {again}"


def missing_case(case: Case, cassette: Cassette, *, played: int) -> str:
    """Return the message for a case that is not in the cassette, or was replayed as often as it was recorded.

    Args:
        case: The case.
        cassette: The cassette.
        played: How often the case was replayed.
    """
    again = f"record it with --swarm-backend=record --swarm-cassette={cassette.path} --swarm-record-mode"
    if played:
        times = "once" if played == 1 else f"{played} times"
        return f"cassette {cassette.path} holds {case_label(case)} {times}, and it is asked for once more; {again}=all"
    what = f"cassette {cassette.path} does not hold {case_label(case)}"
    ranked = sorted(cassette.takes, key=lambda take: _case_similarity(take.case, case), reverse=True)
    near = f"; the nearest recorded case is {ranked[0].label}" if ranked else "; it holds no case at all"
    tasks = ", ".join(task.id for task in case.graph.tasks[:5]) + (", ..." if len(case.graph.tasks) > 5 else "")
    return f"{what}, so no model's answers to its tasks ({tasks}){near}; {again}=new"


def _case_similarity(one: Case, other: Case) -> tuple[bool, ...]:
    a, b = one.key, other.key
    same = (a.mode == b.mode, a.horizon == b.horizon, a.vram_budget_gb == b.vram_budget_gb, a.repeat == b.repeat)
    return (one.job == other.job, *same, a.lambda_token == b.lambda_token)


def nearest(unmatched: UnmatchedRequest, take: Take, cassette: Cassette) -> tuple[Take, Exchange] | None:
    """Return the recorded exchange that is most similar to a request, with its take; None if there is none.

    Args:
        unmatched: The request.
        take: The recorded case that is replayed, which counts before others that are as similar.
        cassette: The whole cassette; other recordings of the same job are searched too.
    """
    others = (each for each in cassette.takes if each is not take and each.case.job == take.case.job)
    rows = [(each, row) for each in (take, *others) for row in each.exchanges if not row.watched]
    best = max((_similarity(unmatched, row) for _, row in rows), default=None)
    close = [pair for pair in rows if _similarity(unmatched, pair[1]) == best]
    return max(close, key=lambda pair: _prompt_similarity(unmatched.body, pair[1].body), default=None)


def _similarity(unmatched: UnmatchedRequest, row: Exchange) -> tuple[bool, bool, bool]:
    return row.path == unmatched.path, row.task == unmatched.task, row.model == named_model(unmatched.body)


def _prompt_similarity(one: Json, other: Json) -> float:
    a, b = (" ".join(str(value) for _, value in _leaves(each))[:_COMPARED] for each in (one, other))
    return difflib.SequenceMatcher(None, a, b).quick_ratio()


def difference(unmatched: UnmatchedRequest, row: Exchange) -> str:
    """Return where a request and a recorded one first differ: `its options.seed is 7 there, 8 here`.

    Args:
        unmatched: The request.
        row: The recorded exchange.
    """
    name = _first_difference(unmatched, row)
    if name is None:
        return f"{row.method} {row.path} there, {unmatched.method} {unmatched.path} here"
    there, here = (dict(_leaves(comparable(each.body))).get(name) for each in (row, unmatched))
    return f"its {name or 'body'} {_versus(there, here)}"


def _first_difference(unmatched: UnmatchedRequest, row: Exchange) -> str | None:
    """Return the path of the first value in which the bodies differ, as `_leaves` names it; None if they are equal."""
    there, here = (dict(_leaves(comparable(each.body))) for each in (row, unmatched))
    return next((name for name in {**here, **there} if here.get(name) != there.get(name)), None)


def _versus(there: Json, here: Json) -> str:
    if isinstance(there, str) and isinstance(here, str) and max(len(there), len(here)) > _SHOWN:
        pairs = zip(there, here, strict=False)
        same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(there), len(here)))
        return f"differs from character {same + 1} on: {_quoted(there[same:])} there, {_quoted(here[same:])} here"
    return f"is {_quoted(there)} there, {_quoted(here)} here"


def _quoted(value: Json) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _leaves(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every scalar value of a body with its path, such as `messages[1].content`."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{name}[{number}]")
    else:
        yield name, value
