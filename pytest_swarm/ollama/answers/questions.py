"""Questions: what determines an answer, and the key under which it is stored.

A question is the body of a request without the fields that change no answer, together with the digest of the model's
file and the version of the server. Two models under one tag are different; one model under two tags is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.server_version import is_simulated_version
from pytest_swarm.fields import Json
from pytest_swarm.planner_problem import find_problem

CHAT: Final = "/api/chat"
GENERATE: Final = "/api/generate"
_IRRELEVANT: Final = ("model", "stream", "keep_alive", "truncate")  # the model counts by its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """A model as a server has it: its tag, the digest of its file, and the version of the server that runs it."""

    tag: str
    digest: str
    server: str

    @property
    def simulated(self) -> bool:
        """Whether its server is a simulated one, by its version: here in the process, or behind an address."""
        return is_simulated_version(self.server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to a model. `asked` is the body without the fields that change no answer."""

    model: ModelIdentity
    asked: Mapping[str, Json]
    path: str = CHAT
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", MappingProxyType(dict(self.asked)))
        told = {"digest": self.model.digest, "server": self.model.server, "path": self.path, "asked": dict(self.asked)}
        text = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        object.__setattr__(self, "key", hashlib.sha256(text.encode()).hexdigest())

    @property
    def num_ctx(self) -> int | None:
        """The context length that the request asks for in tokens; None = the server's default."""
        return self._whole_option("num_ctx")

    @property
    def seed(self) -> int | None:
        """The seed that the request asks for; None = the server draws one."""
        return self._whole_option("seed")

    def _whole_option(self, name: str) -> int | None:
        options = self.asked.get("options")
        value = options.get(name) if isinstance(options, dict) else None
        return value if type(value) is int else None

    @property
    def prompt(self) -> str:
        """All texts of the request in the order in which the model reads them."""
        messages = self.asked.get("messages")
        rows = messages if isinstance(messages, list) else []
        texts = [str(row.get("content") or "") for row in rows if isinstance(row, dict)]
        return "\n".join([*texts, str(self.asked.get("prompt") or "")] if "prompt" in self.asked else texts)

    @property
    def last_message(self) -> str:
        """The last message of a chat, else the prompt."""
        messages = self.asked.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else None
        return str(last.get("content") or "") if isinstance(last, dict) else str(self.asked.get("prompt") or "")

    @property
    def kind_beside_tasks(self) -> str:
        """What a question is for that no task asks: a planner's has a planning problem. A task's kind is its type."""
        return "judge" if find_problem(self.last_message) is None else "planner"

    @property
    def body(self) -> dict[str, Json]:
        """The body of a request that asks this question and wants the whole reply at once."""
        return {"model": self.model.tag, **self.asked, "stream": False}


def question_of(path: str, body: Mapping[str, Json], model: ModelIdentity) -> Question:
    """Return the question of a request.

    Args:
        path: The path of the request.
        body: Its JSON body.
        model: The model that the body names.
    """
    asked = {name: value for name, value in body.items() if name not in _IRRELEVANT and value not in (None, [])}
    return Question(model=model, asked=asked, path=path)
