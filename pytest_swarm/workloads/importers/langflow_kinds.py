"""Which components of LangFlow ask a model for a text, and what some of them ask of it themselves."""

from __future__ import annotations

from typing import Final

from pytest_swarm.workloads.importers.agent_flow import Parts
from pytest_swarm.workloads.importers.json_values import JsonTable, at, first_text, table, tables, text

_MODEL_TYPES: Final = ("LanguageModel", "BaseLanguageModel")
_NO_TEXTS: Final = frozenset({*_MODEL_TYPES, "AgentExecutor", "Embeddings", "Retriever"})  # types of outputs
_STEP_KINDS: Final = ("Agent", "StructuredOutput", "StructuredOutputComponent", "BatchRunComponent")
_CREW_TASKS: Final = ("SequentialTaskAgentComponent", "SequentialTaskComponent", "HierarchicalTaskComponent")
_CREWS: Final = ("CrewAIAgentComponent", "SequentialCrewComponent", "HierarchicalCrewComponent")  # these run the tasks
_ANY_MODEL: Final = "LanguageModelComponent"
_CLASSIFIER: Final = "SmartRouter"
_CHECKER: Final = "GuardrailValidator"  # and its second version
_CHOOSING: Final = ("ConditionalRouter", "DataConditionalRouter", _CLASSIFIER)
_CHOICE: Final = "self.stop("  # how the source of a component keeps what follows one of its outputs from being run
_LOOP: Final = "LoopComponent"  # it stops its outputs to begin and end the loop
EXTRACTING: Final = ("StructuredOutput", "StructuredOutputComponent")
ASKED_FIELDS: Final = (
    "input_value",
    "df",
    "input_text",
    "data",
    "source",
    "query",
    "task_description",
    "expected_output",
)
SYSTEM_FIELDS: Final = ("role", "goal", "backstory", "prompt", "filter_instruction", "instructions", "custom_prompt")


def kind_of(row: JsonTable) -> str:
    """Return the kind of a component."""
    return text(row, "data", "type")


def is_model_kind(kind: str) -> bool:
    """Return whether components of a kind are models, which may also be asked themselves."""
    return (kind.endswith("Model") or kind == _ANY_MODEL) and "Embedding" not in kind


def asks_model(row: JsonTable) -> bool:
    """Return whether a component that is no model asks one for a text.

    It has a field for a language model and an output that is more than the model or an agent that is not run. The
    crews of CrewAI do not: their tasks do.
    """
    kind = kind_of(row)
    if kind in _CREWS or kind.endswith("Retriever"):
        return False
    outputs = [each for output in tables(row, "data", "node", "outputs") for each in _types(output, "types")]
    takes_model = any(_takes_model(row, name) for name in table(row, "data", "node", "template"))
    return kind in (*_STEP_KINDS, *_CREW_TASKS) or (takes_model and not (outputs and _NO_TEXTS.issuperset(outputs)))


def hands_on(kind: str) -> bool:
    """Return whether a step hands on the text that it was given, and not its answer."""
    return kind == _CLASSIFIER or kind.startswith(_CHECKER)


def chooses(row: JsonTable) -> bool:
    """Return whether a component runs one of its ways out, by its kind or by its source, which the file holds."""
    kind, source = kind_of(row), text(row, "data", "node", "template", "code", "value")
    return kind in _CHOOSING or kind.startswith(_CHECKER) or (_CHOICE in source and kind != _LOOP)


def own_request(row: JsonTable) -> Parts:
    """Return what a component asks of the model by itself: keys of a schema, one of its classes, or a check."""
    kind, fields = kind_of(row), table(row, "data", "node", "template")
    if kind in EXTRACTING:
        return _keys(fields)
    if kind == _CLASSIFIER:
        rows = tables(fields, "routes", "value")
        lines = [f"- {text(each, 'route_category')}: {text(each, 'route_description')}".rstrip(": ") for each in rows]
        return ("\n".join(["Answer with the one of these categories that fits:", *lines]),)
    if kind.startswith(_CHECKER):
        own = first_text(table(fields, "custom_guardrail_explanation"), "value")
        is_own = table(fields, "enable_custom_guardrail").get("value") is True
        rules = [*_types(table(fields, "enabled_guardrails"), "value"), *([own] if own and is_own else [])]
        lines = [f"- {each}" for each in rules]
        return ("\n".join(["Answer pass, or fail where the text violates one of these rules:", *lines]),)
    return ()


def _takes_model(row: JsonTable, name: str) -> bool:
    """Return whether a language model can be wired to a field of a component."""
    types = _types(table(row, "data", "node", "template", name), "input_types")
    return not set(_MODEL_TYPES).isdisjoint(types)


def _types(row: JsonTable, key: str) -> list[str]:
    found = at(row, key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _keys(fields: JsonTable) -> Parts:
    """Return the request for the keys of a schema."""
    lines = [
        f"- {text(row, 'name')} ({text(row, 'type') or 'str'}): {text(row, 'description')}".rstrip(": ")
        for row in tables(fields, "output_schema", "value")
    ]
    return ("\n".join(["Answer with one JSON object with these keys:", *lines]),) if lines else ()
