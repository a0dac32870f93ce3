"""The errors of pytest-swarm, each one sentence that names the thing and says what to do.

    SwarmError
      OptionError             a command-line option, ini value or marker keyword
      GraphError              a task graph: cycle, dangling edge, duplicate id, unknown type, broken file
      FleetError              a fleet file or a model in it
      ProfileError            a simulator profile
      EstimateError           an estimate that is not a finite number
      ScoringError            a scorer that cannot work: a custom function that fails, code that cannot be confined
      InfeasibleError         no plan can satisfy budget, context length and pins
      PlanError               a router's plan that is none: a task left out, an unknown model
      BackendError            the server or what it answered
        ServerDownError       nothing answers at the host
        ModelMissingError     the server does not have a model of the fleet
        CallTimeoutError      a call ran past its time limit
        BadReplyError         an answer that is no answer of an Ollama server
        ServerRefusedError    the server said no (4xx, 5xx, or an error in mid-stream)
      EventsError             an events.jsonl that cannot be read
      BaselineError           a baseline file that is none, damaged or newer, or that this run must not be added to
      CassetteError           a cassette that cannot be read, or does not hold what is asked

The plugin turns every SwarmError into `pytest.UsageError` before the run or into a failed test during it.
"""

from __future__ import annotations


class SwarmError(Exception):
    """Base of all errors that a user can mend; the message is one sentence."""


class OptionError(SwarmError):
    """An option, ini value or marker keyword that means nothing."""


class GraphError(SwarmError):
    """A task graph that is not a valid DAG of tasks, or a graph file that cannot be read."""


class FleetError(SwarmError):
    """A fleet without models, or with a model whose figures make no sense."""


class ProfileError(SwarmError):
    """A simulator profile that cannot be read."""


class EstimateError(SwarmError):
    """An estimate (quality, token cost, switch cost) that is NaN or infinite."""


class ScoringError(SwarmError):
    """A scorer that cannot work: a custom function that fails, a score outside [0, 1], code that cannot be confined."""


class InfeasibleError(SwarmError):
    """No plan exists: no model fits the budget, or none can take the task."""


class PlanError(SwarmError):
    """A router answered a plan that is none: a task left out or named twice, an unknown model."""


class BackendError(SwarmError):
    """The server failed; `kind` is the stable word that events and reports count."""

    kind = "backend_error"


class ServerDownError(BackendError):
    """Nothing answers at the host; the job ends, because every further call would fail as well."""

    kind = "server_down"


class ModelMissingError(BackendError):
    """The server does not have the model."""

    kind = "model_missing"


class CallTimeoutError(BackendError):
    """A call ran past the time limit."""

    kind = "timeout"


class BadReplyError(BackendError):
    """The server answered something that is not an Ollama reply."""

    kind = "bad_reply"


class ServerRefusedError(BackendError):
    """The server answered with an error; `status` is the HTTP status, or None in mid-stream."""

    kind = "server_error"

    def __init__(self, message: str, *, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class EventsError(SwarmError):
    """An events.jsonl that is not one, or is of a newer schema."""


class CassetteError(SwarmError):
    """A cassette that cannot be read, or that does not hold what is asked of it."""


class BaselineError(SwarmError):
    """A baseline file that is missing, damaged, foreign or newer, or that a run must not be added to."""
