"""What steps of Flowise are told of the conversation, by the rules of its LLM and agent nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.workloads.importers.flowise_references import FlowiseReferences
from tests.workloads.flow_imports import chatflow, flowise, imported, prompts

SYSTEM = {"role": "system", "content": "Be."}


def step(name: str, *, memory: bool, user: str = "", messages: tuple[dict[str, str], ...] = (), **more: Any) -> Any:
    inputs = {"llmEnableMemory": memory, "llmMessages": list(messages), "llmUserMessage": user, **more}
    return (name, "llm", inputs)


START = ("s", "start", {"startInputType": "chatInput"})


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        (step("a", memory=True, user="One."), step("b", memory=True, user="Two."),
         ["Q\n\nOne.", "Q\n\n{{answer: a}}\n\nTwo."]),
        (step("a", memory=False, messages=(SYSTEM,)), step("b", memory=True), ["Q", "Q\n\n{{answer: a}}"]),
        (step("a", memory=False, messages=({"role": "user", "content": "Own."},)), step("b", memory=True),
         ["Own.", "Own.\n\n{{answer: a}}"]),
        (step("a", memory=True), step("b", memory=False, messages=(SYSTEM,), user="not sent"), ["Q", "Be."]),
        (step("a", memory=True, llmReturnResponseAs="assistantMessage"), step("b", memory=True, user="Two."),
         ["Q", "user: Q\n\nassistant: {{answer: a}}\n\nTwo."]),
        (step("a", memory=True, messages=({"role": "assistant", "content": "Hi."},), user="One."),
         step("b", memory=False, messages=({"role": "assistant", "content": "Hm."}, {"role": "user", "content": "X"})),
         ["assistant: Hi.\n\nuser: Q\n\nuser: One.", "assistant: Hm.\n\nuser: X"]),
        (("a", "conditionAgent", {"conditionAgentInput": "{{ question }}", "conditionAgentScenarios": [
            {"scenario": "x"}]}), step("b", memory=True), ["Q", "Q"]),
    ],
)  # fmt: skip
def test_a_step_with_memory_is_told_what_was_said(first: Any, second: Any, asked: list[str], tmp_path: Path) -> None:
    found = imported(tmp_path, flowise(START, first, second, links="s>a, a>b"), inputs={"question": "Q"})
    assert list(prompts(found).values()) == asked
    assert not any("stay as written" in each for each in found.losses)


def test_the_history_of_the_chat_is_a_transcript(tmp_path: Path) -> None:
    message = ({"role": "user", "content": "[{{ chat_history }}]"},)
    document = flowise(
        START,
        step("a", memory=False, messages=message),
        step("b", memory=True, llmReturnResponseAs="assistantMessage"),
        step("c", memory=False, messages=message),
        links="s>a, a>b, b>c",
    )
    asked = prompts(imported(tmp_path, document))
    assert asked["a"] == "[]"
    assert asked["c"] == "[Human: []\nHuman: {{answer: a}}\nAssistant: {{answer: b}}]"


def test_the_rounds_of_a_loop_are_told_all_before_them(tmp_path: Path) -> None:
    loop = ("loop", "loop", {"loopBackToNode": "a-a"})
    document = flowise(START, step("a", memory=True), step("b", memory=True), loop, links="s>a, a>b, b>loop")
    asked = prompts(imported(tmp_path, document, inputs={"question": "Q"}, unroll=2))
    assert asked["a (round 2)"] == "Q\n\n{{answer: a}}\n\n{{answer: b}}"
    assert asked["b (round 2)"] == "Q\n\n{{answer: a}}\n\n{{answer: b}}\n\n{{answer: a (round 2)}}"


def test_the_question_of_a_form_is_its_fields(tmp_path: Path) -> None:
    start = ("s", "start", {"startInputType": "formInput", "formInputTypes": [{"name": "who"}, {"name": "what"}]})
    document = flowise(start, step("a", memory=True, user="To {{ $form.who }}."), links="s>a")
    found = imported(tmp_path, document, inputs={"who": "Ann", "what": "tea"})
    assert prompts(found)["a"] == "who: Ann\nwhat: tea\n\nTo Ann."


def test_a_flow_that_is_executed_has_a_conversation_of_its_own(tmp_path: Path) -> None:
    inner = flowise(START, step("c", memory=True), step("d", memory=True), links="s>c, c>d") | {"name": "inner"}
    call = ("call", "executeFlow", {"executeFlowSelectedFlow": "inner", "executeFlowInput": "{{ a }}"})
    outer = flowise(START, step("a", memory=True), call, step("b", memory=True), links="s>a, a>call, call>b")
    (tmp_path / "inner.json").write_text(json.dumps(inner))
    asked = prompts(imported(tmp_path, outer, "outer.json", inputs={"question": "Q"}))
    assert asked["c"] == "{{answer: a}}"
    assert asked["d"] == "{{answer: a}}\n\n{{answer: c}}"
    assert asked["b"] == "Q\n\n{{answer: a}}\n\n{{answer: d}}"


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        ("", "user: Q\n\nassistant: {{answer: A}}\n\nNow."),
        ("all_messages", "user: Q\n\nassistant: {{answer: A}}\n\nNow."),
        ("user_question", "Q\n\nNow."),
        ("last_message", "assistant: {{answer: A}}\n\nNow."),
        ("empty", "Now."),
    ],
)
def test_sequential_agents_are_told_the_conversation_that_they_select(history: str, asked: str, tmp_path: Path) -> None:
    document = chatflow(
        ("s", "seqStart", {}),
        ("a", "seqLLMNode", {"llmNodeName": "A", "systemMessagePrompt": "Be."}),
        ("b", "seqAgent", {
            "agentName": "B", "humanMessagePrompt": "Now.", "conversationHistorySelection": history}),
        links="s>a.sequentialNode, a>b.sequentialNode",
    )  # fmt: skip
    assert prompts(imported(tmp_path, document, inputs={"question": "Q"})) == {"A": "Q", "B": asked}


def test_a_supervisor_is_told_the_names_of_its_workers(tmp_path: Path) -> None:
    document = chatflow(
        ("S", "supervisor", {"supervisorPrompt": "Of {team_members}."}),
        ("w", "worker", {"workerName": "Senior Dev"}),
        ("v", "worker", {"workerName": "QA"}),
        links="w>S.workers, v>S.workers",
    )
    found = imported(tmp_path, document)
    assert found.graph.task("S").system == "Of senior_dev, qa."


def test_a_state_of_sequential_agents_is_what_a_step_wrote_into_it(tmp_path: Path) -> None:
    writes = json.dumps(
        [{"key": "plan", "value": "$flow.output.steps"}, {"key": "all", "value": "$flow.output.content"}]
    )
    values = {"a": "$flow.state.plan[0]", "b": "$flow.state.all", "c": "$flow.state.none", "d": json.dumps({"id": "x"})}
    document = chatflow(
        ("x", "seqLLMNode", {
            "systemMessagePrompt": "Plan.", "llmStructuredOutput": '[{"key": "steps"}]',
            "updateStateMemoryUI": writes, "updateStateMemoryCode": "return 1"}),
        ("y", "seqAgent", {
            "systemMessagePrompt": "{a}|{b}|{c}|{d}", "promptValues": json.dumps(values), "interrupt": True,
            "updateStateMemory": "updateStateMemoryUI", "updateStateMemoryCode": "return 1",
            "updateStateMemoryUI": '[{"key": "none", "value": "$flow.output"}]',
            "selectedUpdateStateMemoryTab_y": "updateStateMemoryCode"}),
        links="x>y.sequentialNode",
    )  # fmt: skip
    found = imported(tmp_path, document, inputs={"question": "Q"})
    assert found.graph.task("y").system == "{{answer: x | steps.0}}|{{answer: x}}|{c}|{{answer: x}}"
    assert set(found.losses) == {
        "structured output is not asked for: x",
        "nobody is asked: y",
        "code is not run, and what it is given stands for its result: y",
        "inputs without a value stay as written: none; give them with --input NAME=VALUE",
    }


@pytest.mark.parametrize("first", ["none", ""])
def test_what_many_steps_write_into_a_state_is_read_once(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 60 steps reads what all wrote: 3,600 values where every reader reads every one again."""
    count, read = 60, list[str]()
    parts = FlowiseReferences.parts
    monkeypatch.setattr(FlowiseReferences, "parts", lambda own, template: read.append(template) or parts(own, template))
    values = ["<p>{{ output }}</p>", "as it is"]
    steps = [
        step(
            f"a{n}",
            memory=False,
            messages=({"role": "user", "content": "<{{ $flow.state.notes }}>"},),
            llmUpdateState=[{"key": "notes", "value": values[n % 2]}],
        )
        for n in range(count)
    ]
    links = ", ".join(["s>a0", *(f"a{n}>a{n + 1}" for n in range(count - 1))])
    start = ("s", "start", {"startState": [{"key": "notes", "value": first}]})
    asked = prompts(imported(tmp_path, flowise(start, *steps, links=links)))
    assert [asked[f"a{n}"] for n in range(4)] == [f"<{first}>", *["<{{answer: a0}}>"] * 2, "<{{answer: a2}}>"]
    assert len(read) < 10 * count


def test_a_prompt_that_is_wired_to_a_chain_or_an_agent_stands_for_its_own_texts(tmp_path: Path) -> None:
    document = chatflow(
        ("t", "chatPromptTemplate", {"systemMessagePrompt": "Be brief.", "humanMessagePrompt": "Say: {input}"}),
        ("chain", "conversationChain", {"systemMessagePrompt": "Be long."}),
        ("agent", "toolAgent", {"systemMessage": "Be long.", "chatPromptTemplate": "{{t.data.instance}}"}),
        ("plain", "toolAgent", {"systemMessage": "Be long."}),
        links="t>chain.chatPromptTemplate",
    )
    found = imported(tmp_path, document)
    asked = {task.id: (task.system, task.prompt) for task in found.graph.tasks}
    told = ("Be brief.", "Say: {input}")
    assert asked == {"chain": told, "agent": told, "plain": ("Be long.", "{{question}}")}


def test_the_system_message_of_an_xml_agent_holds_the_question(tmp_path: Path) -> None:
    told = "Tools: {tools}\n{chat_history}\nQuestion: {input}\n{agent_scratchpad}"
    document = chatflow(("x", "xmlAgent", {"systemMessage": told}))
    found = imported(tmp_path, document)
    assert (found.graph.task("x").system, found.graph.task("x").prompt) == (None, "Tools: {tools}\n\nQuestion: {input}")
    assert "inputs without a value stay as written: tools, input; give them with --input NAME=VALUE" in found.losses
    asked = imported(tmp_path, document, inputs={"question": "Q", "tools": "none"})
    assert asked.graph.task("x").prompt == "Tools: none\n\nQuestion: Q"


def test_code_and_variables_of_chat_flows_give_what_they_are_given(tmp_path: Path) -> None:
    values = {"sql": "{{get.data.instance}}", "rows": "{{run.data.instance}}", "round": "{{loop.data.instance}}"}
    document = chatflow(
        ("p1", "promptTemplate", {
            "template": "Query for {question}", "promptValues": '{"question": "{{question}}"}'}),
        ("ask", "llmChain", {"prompt": "{{p1.data.instance}}"}),
        ("if", "ifElseFunction", {"functionInputVariables": '{"q": "{{ask.data.instance}}"}'}),
        ("set", "setVariable", {"variableName": "sql", "input": ["{{if.data.instance}}"]}),
        ("other", "setVariable", {"variableName": "no", "input": "{{nowhere.data.instance}}"}),
        ("loop", "setVariable", {"variableName": "loop", "input": ["{{loop.data.instance}}"]}),
        ("get", "getVariable", {"variableName": "sql"}),
        ("run", "customFunction", {"functionInputVariables": {"q": "{{set.data.instance}}", "top": "of 3"}}),
        ("p2", "promptTemplate", {"template": "{sql}|{rows}|{round}", "promptValues": json.dumps(values)}),
        ("tell", "llmChain", {"prompt": "{{p2.data.instance}}"}),
        links="p1>ask, ask>if, if>set, set>run, run>p2, get>p2, p2>tell",
    )  # fmt: skip
    found = imported(tmp_path, document)
    assert found.graph.edges == (("ask", "tell"),)
    assert found.graph.task("tell").prompt == "{{answer: ask}}|{{answer: ask}}\n\nof 3|{round}"
    assert "inputs without a value stay as written: question, round; give them with --input NAME=VALUE" in found.losses


def test_models_that_are_no_steps_of_a_flow_are_listed(tmp_path: Path) -> None:
    people = {"humanInputModel": "chatOllama", "humanInputModelPrompt": "Sum up."}
    document = chatflow(
        ("step", "llmAgentflow", {"llmUserMessage": "Hi"}),
        ("ask", "humanInputAgentflow", {"humanInputDescriptionType": "dynamic", **people}),
        ("fix", "humanInputAgentflow", {"humanInputDescriptionType": "fixed", **people}),
        ("refine", "compact", {}),
    )
    document["nodes"][3]["data"]["category"] = "Response Synthesizer"
    found = imported(tmp_path, document)
    assert set(found.losses) == {
        "nobody is asked: ask, fix",
        "models that word a question for people are no steps: ask",
        "prompts that put answers of retrieval together are not sent: refine",
    }
