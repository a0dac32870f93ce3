"""The errors of pytest-swarm. Each message is one sentence: what is wrong, where, and what to do.

    SwarmError
      OptionError             a command-line option, ini value or marker keyword
        NoBudgetError         a benchmark without a VRAM budget, on a machine that cannot measure one
      GraphError              a task graph or its file: a cycle, an unknown task in an edge, a duplicate id
      FleetError              a fleet file or a model in it
      MatrixError             a table of prompts and models: a missing column, two scores of one cell
      ProfileError            a simulator profile
      EstimateError           an estimate that is not a finite number
      ScoringError            a scorer that cannot work: a custom function that fails, code that cannot be sandboxed
      InfeasibleError         no plan satisfies budget, context length and pinned models
      PlanError               an invalid plan from a router: a task without a model, an unknown model
      BackendError            the server, or its reply
        ServerDownError       no server answers at the host
          SilentServerError   a server that takes connections and answers nothing
        ModelMissingError     the server does not have a model of the fleet
        CallTimeoutError      a call exceeded its time limit
        BadReplyError         a reply that Ollama would not send
          BrokenReplyError    a reply that broke off
        PromptTooLongError    a prompt that does not fit the context, or that the server cut
        ServerRefusedError    an error reply (4xx, 5xx, or in the middle of a stream)
      ServerFaultError        a call that failed for the server's sake, also when it was tried again
      EventsError             an events.jsonl that cannot be read or written
      BaselineError           a baseline file that is invalid, damaged or newer, or that this run must not be added to
      PolicyError             a policy file that is missing, invalid or newer, or that the fleet cannot play
      CassetteError           a cassette that cannot be read, or that lacks the requested exchange
      AnswersError            an answer store that cannot be used, or that lacks an answer
        NotMeasuredError      a case that lacks answers, because the time to measure was up

The plugin turns every SwarmError into `pytest.UsageError` before the run, and into a failed test during the run.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

RefusalCause: TypeAlias = Literal["passing", "lasting", "request"]
_OF_SERVER: Final = (401, 402, 407, 408, 421, 425, 429, 499)
"""HTTP statuses from 400 to 499 that tell nothing of the model: the server or a proxy wants an account, or is busy."""
_FOR_GOOD: Final = (401, 402, 407, 421, 501, 505, 511)
"""Those of them, and from 500 on, which a retry does not change."""


def is_of_server(status: int) -> bool:
    """Return whether a reply of an HTTP status is the server's or a proxy's fault, and not the request's.

    Args:
        status: The status of an error: below 400, of a reply that is none to a call, such as 304.
    """
    return status < 400 or status >= 500 or status in _OF_SERVER


_LONG_DATA: Final = re.compile(r"""(?<!\w)'[^\n]{300,}?'(?!\w)|(?<!\w)"[^\n]{300,}?"(?!\w)|\S{300,}""")
_LONGEST: Final = 2000  # characters of a message
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, marks that change the direction of text (they could make a line read as something else), lone
surrogates and non-characters: none of them may reach a page, a file or a terminal as it is."""


def printable(text: str) -> str:
    """Return foreign text with its lines kept; what is not safe to show is escaped as in JSON and TOML: `\\u001b`."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _shown(message: str) -> str:
    """Return a message in which the middle of long data is left out, and what is not safe to show is escaped."""
    if len(message) > _LONGEST * 4:  # what follows takes time by the square of the length
        message = f"{message[: _LONGEST * 3]} ... {message[-_LONGEST:]}"
    message = _LONG_DATA.sub(lambda found: f"{found[0][:200]}...{found[0][-40:]}", message)
    if len(message) > _LONGEST:
        message = f"{message[:450]} ... {message[-200:]}"
    return printable(message)


class SwarmError(Exception):
    """Base of all errors that a user can correct; the message is one sentence, which quotes no more than it must."""

    def __init__(self, message: str = "") -> None:
        super().__init__(_shown(message))


class OptionError(SwarmError):
    """An invalid option, ini value or marker keyword."""


class NoBudgetError(OptionError):
    """A benchmark without a VRAM budget, on a machine that cannot measure one."""


class GraphError(SwarmError):
    """A task graph that is not a valid DAG of tasks, or a graph file that cannot be read."""


class FleetError(SwarmError):
    """A fleet without models, or with a model whose values are invalid."""


class MatrixError(SwarmError):
    """A table of measured scores that lacks a column, contradicts itself, or holds a value that is no score."""


class ProfileError(SwarmError):
    """A simulator profile that cannot be read."""


class EstimateError(SwarmError):
    """An estimate (quality, token cost, switch cost) that is NaN or infinite."""


class ScoringError(SwarmError):
    """A scorer that cannot work: a custom function that fails, a score outside [0, 1], code without a sandbox."""


class InfeasibleError(SwarmError):
    """No feasible plan: no model fits the budget, or none can run the task."""


class PlanError(SwarmError):
    """An invalid plan from a router: a task without a model or with two, an unknown model."""


class BackendError(SwarmError):
    """A failure of the server; `kind` is the stable word that events and reports count.

    `of_server` says that the server is to blame, and not the model, the request or the time that it was given: then
    nothing was measured. `may_pass` says that the same call may succeed when it is tried again.
    """

    kind = "backend_error"
    of_server = False
    may_pass = False


class ServerDownError(BackendError):
    """No server answers at the host; the job ends, because every further call would fail as well."""

    kind = "server_down"
    of_server = may_pass = True


class SilentServerError(ServerDownError):
    """A server that takes connections, and answered nothing for long: a retry would wait as long in vain."""

    may_pass = False


class ModelMissingError(BackendError):
    """A model that the server does not have."""

    kind = "model_missing"


class CallTimeoutError(BackendError):
    """A call that exceeded its time limit."""

    kind = "timeout"


class BadReplyError(BackendError):
    """A reply that Ollama would not send."""

    kind = "bad_reply"
    of_server = True


class BrokenReplyError(BadReplyError):
    """A reply that broke off: the connection was lost, or the server was stopped."""

    may_pass = True


class PromptTooLongError(BackendError):
    """A prompt that does not fit the context; `truncated` where it was sent, and the server cut it."""

    kind = "prompt_too_long"

    def __init__(self, message: str, *, truncated: bool) -> None:
        super().__init__(message)
        self.truncated = truncated


class ServerRefusedError(BackendError):
    """An error reply; `status` is the HTTP status, or None in the middle of a stream.

    `cause` is what a reply of the server's fault says all the same: that the `request` cannot be answered, or that the
    server cannot do so in its present state, which no retry changes.
    """

    kind = "server_error"

    def __init__(self, message: str, *, status: int | None, cause: RefusalCause = "passing") -> None:
        super().__init__(message)
        self.status = status
        self.of_server = cause != "request" and (status is None or is_of_server(status))
        self.may_pass = self.of_server and cause == "passing" and (status or 0) >= 400 and status not in _FOR_GOOD


class ServerFaultError(SwarmError):
    """A call that failed for the server's sake, also when it was tried again: the job ends, and has no score."""


class EventsError(SwarmError):
    """An events.jsonl that is invalid, of a newer schema, or that cannot be written."""


class CassetteError(SwarmError):
    """A cassette that cannot be read, or that lacks the requested exchange."""


class AnswersError(SwarmError):
    """An answer store that cannot be used, or that lacks an answer which nobody may ask for."""


class NotMeasuredError(AnswersError):
    """A case that could not be played, because the time to measure was up; the next run goes on."""


class BaselineError(SwarmError):
    """A baseline file that is missing, invalid, damaged or newer, or that a run must not be added to."""


class PolicyError(SwarmError):
    """A policy file that is missing, invalid or newer, or that the fleet or the server cannot play."""
