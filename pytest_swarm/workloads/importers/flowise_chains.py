"""Older flows of Flowise: chat flows of chains, whose edges carry objects, and sequential agents.

The prompt and the model of a step are other nodes, which are wired to its inputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.agent_flow import (
    QUESTION,
    Conversation,
    FlowInput,
    LlmStep,
    Part,
    Parts,
    StepAnswer,
    filled,
    is_blank,
    joined,
)
from pytest_swarm.workloads.importers.flowise_references import FlowiseReferences
from pytest_swarm.workloads.importers.json_values import JsonTable, first_text, table, tables, text, texts
from pytest_swarm.workloads.importers.reference_memo import ReferenceMemo

_NO_NAME: Final = "name"  # these nodes have no such input: their label names them
_PLAIN_KINDS: Final = (
    *("conversationChain", "toolAgent", "simpleChatEngine", "conversationalRetrievalToolAgent"),
    *("anthropicAgentLlamaIndex", "openAIToolAgentLlamaIndex", "openAIToolAgent", "openAIFunctionAgent"),
    *("mistralAIToolAgent", "conversationalRetrievalAgent"),
)
GUIDED_KINDS: Final = (
    *("conversationalRetrievalQAChain", "retrievalQAChain", "vectorDBQAChain", "multiRetrievalQAChain"),
    *("sqlDatabaseChain", "graphCypherQAChain", "openApiChain", "getApiChain", "postApiChain", "contextChatEngine"),
    *("subQuestionQueryEngine", "conversationalAgent", "reactAgentChat", "reactAgentLLM", "xmlAgent", "csvAgent"),
    *("airtableAgent", "openAIAssistant", "queryEngine"),
)
"""Kinds of steps to which Flowise, or the vendor of an assistant, adds a prompt of its own."""
CHAIN_KINDS: Final = {
    "llmChain": "chainName",
    "seqAgent": "agentName",
    "seqLLMNode": "llmNodeName",
    "seqConditionAgent": "conditionAgentName",
    "supervisor": "supervisorName",
    "worker": "workerName",
    **dict.fromkeys((*_PLAIN_KINDS, *GUIDED_KINDS), _NO_NAME),
}
"""Kinds of LLM steps -> the input that names the step."""
STEP_CATEGORIES: Final = ("Agents", "Chains", "Engine")
"""Categories of steps in chat flows: a kind that is not known here is one where a model is wired to it."""
MODEL_KEYS: Final = ("customModelName", "modelName", "model", "deploymentName", "azureOpenAIApiDeploymentName")
_SPEAKING: Final[Mapping[str, Literal["user", "assistant"] | None]] = {
    "seqAgent": "user",
    "seqLLMNode": "assistant",
    "seqConditionAgent": None,
    "supervisor": None,
    "worker": "user",
}
"""Kinds of steps that are told the conversation -> the role in which their own answers are told."""
_WHOLE_PROMPT: Final = "xmlAgent"  # its system message is all that the model is told
_NOTHING: Final[Parts] = ("",)
_HISTORIES: Final[Mapping[str, Parts]] = {  # an empty one stands for the question
    "user_question": (),
    "last_message": (Conversation(is_last=True),),
    "empty": _NOTHING,
}
_SYSTEM_KEYS: Final = ("systemMessagePrompt", "systemMessage", "supervisorPrompt", "workerPrompt", "responsePrompt")
_STARTS: Final = ("seqStart", "supervisor")
_CONTROL_INPUTS: Final = ("sequentialNode", "llmNode")  # the second of a Tool Node
_TEMPLATE_KEYS: Final = ("template", "humanMessagePrompt", "prefix", "suffix")
CODE_KINDS: Final = ("customFunction", "ifElseFunction")
"""Nodes of chat flows that run code."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_WIRED: Final = re.compile(r"\{\{\s*([\w-]+)(?:\.data\.instance)?\s*\}\}")
_TEAM: Final = "team_members"
_STATE: Final = re.compile(r"\$flow\.state\.(\w+)([\w.\[\]]*)")
_OUTPUT: Final = re.compile(r"\$flow\.output([\w.\[\]]*)")
_KEY: Final = re.compile(r"\w+")
_QUESTION_FORMS: Final = ("{{question}}", "{{ question }}")


@dataclass(frozen=True, slots=True)
class ChainReader:
    """Reads the steps of older flows."""

    rows: dict[str, JsonTable]
    edges: list[JsonTable]
    references: FlowiseReferences
    memo: ReferenceMemo[Parts] = field(default_factory=ReferenceMemo)
    is_sequential: bool = field(init=False)
    """Whether the flow is one of sequential agents, in which some edges are control and others carry objects."""

    def __post_init__(self) -> None:
        sequential = any(text(row, "data", "name").startswith("seq") for row in self.rows.values())
        object.__setattr__(self, "is_sequential", sequential)

    def is_control(self, edge: JsonTable) -> bool:
        """Return whether an edge says what comes after what. In a chat flow, every edge does."""
        if not self.is_sequential:
            return True
        return _input_name(edge) in _CONTROL_INPUTS

    def named(self, name: str) -> str | None:
        """Return the ID of the sequential step of that name, as loops give it; None where there is none."""
        wanted = _as_key(name)
        for node, row in self.rows.items():
            own = first_text(table(row, "data", "inputs"), *CHAIN_KINDS.values())
            if wanted and wanted in (_as_key(own), _as_key(node)):
                return node
        return None

    def is_step(self, node: str) -> bool:
        """Return whether a node asks a model; of a kind that is not known here, its category and its model tell."""
        data = table(self.rows[node], "data")
        if text(data, "name") in CHAIN_KINDS:
            return not self.is_tool(node)
        return text(data, "category") in STEP_CATEGORIES and bool(self._source(node, "model"))

    def step(self, node: str) -> LlmStep:
        """Return what a step asks."""
        kind, inputs = text(self.rows[node], "data", "name"), table(self.rows[node], "data", "inputs")
        model = self._model(node)
        template = self._source(node, "prompt" if kind == "llmChain" else "chatPromptTemplate")
        system, prompt = self._prompts(table(self.rows.get(template, self.rows[node]), "data", "inputs"))
        if kind == "llmChain":
            return LlmStep(system=system, prompt=prompt, model=model)
        question: Parts = (FlowInput(names=(QUESTION,), raw="{{question}}"),)
        if kind == _WHOLE_PROMPT and not is_blank(system):
            return LlmStep(system=(), prompt=self._whole(text(inputs, "systemMessage")), model=model)
        if kind not in _SPEAKING:
            return LlmStep(system=system, prompt=question if is_blank(prompt) else prompt, model=model)
        said = _HISTORIES.get(text(inputs, "conversationHistorySelection"), (Conversation(),)) or question
        return LlmStep(
            system=system,
            prompt=joined((said, prompt)) if said != _NOTHING else prompt,
            model=model,
            opening=question,
            speaks_as=_SPEAKING[kind],
        )

    def _whole(self, template: str) -> Parts:
        """Return a system message that holds the question too, as at the first call: nothing was said or done yet."""
        for place in ("{chat_history}", "{agent_scratchpad}"):
            template = template.replace(place, "")
        return self._template(template.strip(), {"input": _QUESTION_FORMS[0]}, usual=())

    def _prompts(self, inputs: JsonTable) -> tuple[Parts, Parts]:
        values = _values(inputs)
        system = self._template(first_text(inputs, *_SYSTEM_KEYS), values, usual=())
        asked = [self._template(text(inputs, key), values, usual=(QUESTION,)) for key in _TEMPLATE_KEYS]
        return system, joined(asked)

    def _template(self, template: str, values: JsonTable, *, usual: tuple[str, ...]) -> Parts:
        """Return a template with its `{name}` places filled by the node's values, or by inputs also called `usual`."""
        return filled(template, _PLACE, lambda match: self._value(match[1], match[0], values, usual))

    def _value(self, name: str, raw: str, values: JsonTable, usual: tuple[str, ...]) -> Parts:
        value = text(values, name)
        if value.strip() in _QUESTION_FORMS:
            return (FlowInput(names=(name, QUESTION), raw=raw),)
        if not value:
            members = self._team() if name == _TEAM else None
            return (FlowInput(names=(name, *usual), raw=raw, default=members),)
        if state := _STATE.fullmatch(value.strip()):
            return (self._state(state[1], _keys(state[2]), raw),)
        said_by = text(_parsed(value), "id")  # the last message of a step
        if said_by in self.rows:
            return (StepAnswer(candidates=((said_by, ()),), raw=raw),)
        wired = _WIRED.fullmatch(value.strip())
        if wired and wired[1] in self.rows:
            return self._result(wired[1], name, raw)
        return self.references.parts(value)

    def _result(self, node: str, name: str, raw: str) -> Parts:
        """Return what a wired node gives: a step its answer, code and variables what they are given."""
        if self.is_step(node):
            return (StepAnswer(candidates=((node, ()),), raw=raw),)
        unknown: Parts = (FlowInput(names=(name, node), raw=raw),)

        def follow() -> Parts:
            return joined(self._value(name, raw, {name: each}, ()) for each in self._given(node)) or unknown

        return self.memo.find((node, name, raw), follow, lambda: unknown, shown=raw)

    def _given(self, node: str) -> list[str]:
        """Return the values that code or a variable is given; none of another node."""
        kind, inputs = text(self.rows[node], "data", "name"), table(self.rows[node], "data", "inputs")
        if kind in CODE_KINDS:
            return [text(each) for each in _table(inputs.get("functionInputVariables")).values()]
        if kind == "setVariable":
            return list(texts(inputs, "input") or (text(inputs, "input"),))
        others = (each for each, row in self.rows.items() if text(row, "data", "name") == "setVariable")
        wanted = text(inputs, "variableName") if kind == "getVariable" else None
        setters = [each for each in others if text(self.rows[each], "data", "inputs", "variableName") == wanted]
        return [value for each in setters for value in self._given(each)]

    def _state(self, key: str, path: tuple[str, ...], raw: str) -> Part:
        """Return what the steps wrote into a state: the answer of the last that comes before."""
        candidates: list[tuple[str, tuple[str, ...]]] = []
        for node, row in self.rows.items():
            inputs = table(row, "data", "inputs")
            uses_table = not writes_state_by_code(node, inputs)
            for update in tables(_parsed(text(inputs, "updateStateMemoryUI"))) if uses_table else ():
                output = _OUTPUT.fullmatch(text(update, "value").strip())
                if text(update, "key") == key and output:
                    written = _keys(output[1])
                    candidates.append((node, (*(written[1:] if written[:1] == ("content",) else written), *path)))
        if candidates:
            return StepAnswer(candidates=tuple(reversed(candidates)), raw=raw)
        return FlowInput(names=(key, f"flow.state.{key}"), raw=raw)

    def is_tool(self, node: str) -> bool:
        """Return whether a step is only the engine of a tool, which another step may call or not."""
        led_to = {_input_name(edge) for edge in self.edges if text(edge, "source") == node}
        return led_to == {"baseQueryEngine"}

    def _team(self) -> str | None:
        """Return the names of the workers, as Flowise tells them to the supervisor and to each of them."""
        workers = (table(row, "data", "inputs") for row in self.rows.values() if text(row, "data", "name") == "worker")
        return ", ".join(_as_key(text(inputs, CHAIN_KINDS["worker"])) for inputs in workers) or None

    def _model(self, node: str) -> str | None:
        """Return the model that is wired to a step; to the start node where the step has none of its own."""
        starts = [each for each, row in self.rows.items() if text(row, "data", "name") in _STARTS]
        for user in (node, self._source(node, "vectorStoreRetriever"), *starts):
            source = self._source(user, "model")
            if name := first_text(table(self.rows.get(source, {}), "data", "inputs"), *MODEL_KEYS):
                return name
        return None

    def _source(self, node: str, name: str) -> str:
        """Return the ID of the node that is wired to an input; an empty text where there is none."""
        for edge in self.edges:
            if text(edge, "target") == node and _input_name(edge) == name:
                return text(edge, "source")
        wired = _WIRED.fullmatch(text(self.rows.get(node, {}), "data", "inputs", name).strip())
        return wired[1] if wired else ""


def writes_state_by_code(node: str, inputs: JsonTable) -> bool:
    """Return whether code, and not a table, says what a sequential step writes into the state: the tab that is open.

    Args:
        node: The step.
        inputs: Its inputs.
    """
    return text(inputs, f"selectedUpdateStateMemoryTab_{node}").startswith("updateStateMemoryCode")


def _input_name(edge: JsonTable) -> str:
    """Return the input that an edge leads to, from a handle such as `NODE-input-prompt-BasePromptTemplate`."""
    return text(edge, "targetHandle").partition("-input-")[2].partition("-")[0]


def _values(inputs: JsonTable) -> JsonTable:
    """Return the values of a template's places: a table, or one written as JSON text."""
    found: dict[str, Json] = {}
    for key in ("promptValues", "systemMessagePromptValues", "humanMessagePromptValues"):
        found |= _table(inputs.get(key))
    return found


def _table(value: Json) -> JsonTable:
    """Return a table, also one that is written as JSON text."""
    return table(_parsed(value) if isinstance(value, str) else value)


def _parsed(value: str) -> Json:
    """Return a value that is written as JSON text; None where it is none."""
    try:
        parsed: Json = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed


def _keys(path: str) -> tuple[str, ...]:
    """Return the keys of a path such as `.plan[0]`."""
    return tuple(_KEY.findall(path))


def _as_key(name: str) -> str:
    return re.sub(r"\s+", "_", name.strip().lower())
