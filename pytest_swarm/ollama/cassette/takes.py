"""Values of a cassette: the recorded cases of a run, each with all requests to the server and their responses.

Owns the values; `cassette_codec` and `cassette_file` write them. A case is identified by its digest (graph, mode,
horizon, budget, repeat). A cassette may hold it more than once: recorded twice in one run, or again later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.placeholders import fill
from pytest_swarm.domain.record import Case
from pytest_swarm.domain.seeding import run_seed_of
from pytest_swarm.fields import Json

KEPT_HEADERS: Final = frozenset(
    ("content-type", "content-encoding", "content-length", "transfer-encoding", "date", "server")
)
"""Response headers that are recorded. Request headers never are: a proxy may use any of them for credentials."""

CLOCK_TOLERANCE_S: Final = 0.02  # the accuracy that recorded times have without a note


class ExchangeEnd(StrEnum):
    """How an exchange ended."""

    COMPLETE = "complete"  # the body came to its end
    FAILED = "failed"  # the connection broke, before the answer or in its middle; `error` says how
    ABANDONED = "abandoned"  # the client gave up: a time limit, a cancelled call


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a response body, as received, and when: seconds since the request was sent."""

    offset_s: float
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its response. `sent_s` counts from the start of the case, offsets from `sent_s`.

    `body` is the request's JSON (a text where it is not JSON, None where there is none). `task` is the id of the task
    whose prompt was sent. `watched` marks a request sent beside the calls of the case, to measure. `status`, `head_s`
    and `headers` are those of the response, None and empty without one. `server_time` is the server's timestamp of the
    response, `model_digest` that of the model's file, where known. `error` is (class, message) of httpx.
    """

    method: str
    path: str
    body: Json
    sent_s: float
    end_s: float
    ending: ExchangeEnd = ExchangeEnd.COMPLETE
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    head_s: float | None = None
    chunks: tuple[Chunk, ...] = ()
    task: str | None = None
    watched: bool = False
    error: tuple[str, str] | None = None
    server_time: str | None = None
    model_digest: str | None = None

    @property
    def digest(self) -> str:
        """Digest of the request: method, path and body. The body of a chat holds the seed of the repeat."""
        return request_digest(self.method, self.path, self.body)

    @property
    def ended_s(self) -> float:
        """When the response ended, from the start of the case."""
        return self.sent_s + self.end_s

    def overlaps(self, other: Exchange) -> bool:
        """Return whether both ran at the same time."""
        return other.sent_s < self.ended_s and self.sent_s < other.ended_s

    @property
    def fields(self) -> Mapping[str, Json]:
        """The fields of the request's JSON object; none where its body is anything else."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def options(self) -> Mapping[str, Json]:
        """The options of a request to generate or chat."""
        options = self.fields.get("options")
        return options if isinstance(options, dict) else {}

    @property
    def model(self) -> str | None:
        """The model that the request names."""
        return named_model(self.body)

    @property
    def text(self) -> bytes:
        """The whole body of the response."""
        return b"".join(chunk.data for chunk in self.chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrigin:
    """Where and when a case was recorded: the name of the run, and what was recorded (`backend`, `detail`).

    `host` is the base URL of the server without credentials, `recorded_ts_ms` milliseconds since 1970. `one_file` are
    groups of the fleet's tags that were one model file on the server, `same_weights` groups of tags
    that it ran on one copy of their weights, those of the fleet first.
    """

    run: str
    recorded_ts_ms: float
    backend: str
    detail: str
    host: str
    simulated: bool
    profile: str | None = None
    server_version: str | None = None
    one_file: tuple[tuple[str, ...], ...] = ()
    same_weights: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One recording of one case: its exchanges in the order in which they were sent.

    `realised` are the true scores by (task, model), where a simulator was recorded; mode `oracle` needs them.
    `left_out_s` are the seconds by which the recorded clock is behind the wall clock, None where nobody waited.
    """

    case: Case
    origin: TakeOrigin
    exchanges: tuple[Exchange, ...]
    realised: Mapping[tuple[str, str], float] | None = None
    left_out_s: float | None = None

    def __post_init__(self) -> None:
        if self.realised is not None:
            object.__setattr__(self, "realised", MappingProxyType(dict(self.realised)))

    @property
    def label(self) -> str:
        """`wb1 [lp-h3-8GB]`, with the repeat where it is not the first."""
        return case_label(self.case)

    @property
    def request_seeds(self) -> frozenset[int]:
        """The seeds of the chats that were sent for tasks."""
        sent = (row.options.get("seed") for row in self.exchanges if row.task is not None)
        return frozenset(seed for seed in sent if isinstance(seed, int))

    @property
    def run_seed(self) -> int | None:
        """The `--swarm-seed` of the recorded run; None where the requests do not tell it."""
        return run_seed_of(self.request_seeds, self.case.key.repeat) if self.request_seeds else None

    @property
    def clock_notes(self) -> tuple[str, ...]:
        """A sentence where the recorded times differ from the wall clock by more than 20 ms, else none."""
        if self.left_out_s is None or self.left_out_s <= CLOCK_TOLERANCE_S:
            return ()
        return (f"{self.label}: its times leave out {self.left_out_s:.2f} s of this process's own computing",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A whole cassette: its takes in the order of the file, and sentences about what could not be read.

    `cut_at` is how many bytes of the file precede the take that was cut off, None where none was.
    """

    path: str
    takes: tuple[Take, ...] = ()
    notes: tuple[str, ...] = ()
    cut_at: int | None = field(default=None, compare=False)

    @property
    def simulated(self) -> bool:
        """Whether any take comes from a simulated server."""
        return any(take.origin.simulated for take in self.takes)


def case_label(case: Case) -> str:
    """Return `wb1 [lp-h3-8GB]`, with the repeat where it is not the first."""
    repeat = f" repeat {case.key.repeat}" if case.key.repeat > 1 else ""
    return f"{case.label}{repeat}"


def named_model(body: Json) -> str | None:
    """Return the model that a request's body names, None where it names none."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) and model else None


def comparable(body: Json) -> Json:
    """Return a body with what changes no answer in one form: `keep_alive`, `truncate`, how the model's name is written.

    The `keep_alive` is that which recordings have always had, -1, unless it unloads the model; the client's lease has
    changed over time. With `truncate` a prompt that is too long is asked twice: the refusal was recorded before the
    answer, and older recordings have the answer only.
    """
    if not isinstance(body, dict):
        return body
    sent = {name: value for name, value in body.items() if name != "truncate"}
    model, lease = named_model(body), {"keep_alive": -1.0} if body.get("keep_alive") else {}
    return {**sent, **lease} if model is None else {**sent, **lease, "model": full_tag(model)}


def request_digest(method: str, path: str, body: Json) -> str:
    """Return 16 hex digits of SHA-256 over a request.

    Args:
        method: GET, POST and so on.
        path: Such as `/api/chat`.
        body: The JSON of the request. Neither the order of its keys counts nor what `comparable` makes one of.
    """
    text = json.dumps([method, path, comparable(body)], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def task_of(body: Json, graph: TaskGraph) -> str | None:
    """Return the id of the task whose exact prompt a chat ends with; None for any other request.

    Args:
        body: The JSON of the request.
        graph: The graph of the case.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    last = messages[-1] if isinstance(messages, list) and messages else None
    prompt = last.get("content") if isinstance(last, dict) else None
    return next((task.id for task in graph.tasks if fill(task.prompt, {}) == prompt), None)
