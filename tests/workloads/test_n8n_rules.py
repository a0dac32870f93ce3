"""What n8n's expressions stand for: fields behind merges, chains of Set nodes, joined texts. Rules of n8n's sources."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.flow_imports import ask, imported, n8n, n8n_node, prompts, set_node

POSITION = {"mode": "combine", "combineBy": "combineByPosition"}
SUFFIX = {"clashHandling": {"values": {"resolveClash": "addSuffix"}}}
FIRST = {"clashHandling": {"values": {"resolveClash": "preferInput1"}}}


def behind_merge(folder: Path, merge: dict[str, Any], text: str) -> str:
    """The prompt of a step behind a merge of a chain's answer (input 0) and of fields (input 1) that share `both`."""
    document = n8n(
        n8n_node("Start", "webhook"),
        ask("Judge", "Good?"),
        set_node("Fields", post="={{ $json.body }}", text="literal", both="fields"),
        n8n_node("Merge", "merge", merge),
        n8n_node("Filter", "filter"),
        ask("Last", text),
        links="Start>Judge, Start>Fields, Judge>Merge:0, Fields>Merge:1, Merge>Filter, Filter>Last",
    )
    return prompts(imported(folder, document, inputs={"body": "B"}))["Last"]


@pytest.mark.parametrize(
    ("merge", "text", "prompt"),
    [
        (POSITION, "={{ $json.post }}", "B"),
        (POSITION, "={{ $json.text }}", "literal"),  # the last input replaces the fields of those before
        (POSITION | {"options": FIRST}, "={{ $json.text }}", "{{answer: Judge}}"),
        (POSITION | {"options": FIRST}, "={{ $json.post }}", "B"),
        (POSITION | {"options": SUFFIX}, "={{ $json.text_1 }}/{{ $json.text_2 }}", "{{answer: Judge}}/literal"),
        ({"mode": "combine", "combinationMode": "mergeByPosition"}, "={{ $json.post }}", "B"),
        ({"mode": "combine", "combineBy": "combineAll"}, "={{ $json.post }}", "B"),
        ({"mode": "mergeByIndex"}, "={{ $json.post }}", "B"),
        ({"mode": "combine", "joinMode": "enrichInput2"}, "={{ $json.text }}", "{{answer: Judge}}"),
        ({"mode": "chooseBranch"}, "={{ $json.text }}", "{{answer: Judge}}"),
        ({"mode": "chooseBranch", "useDataOfInput": 2}, "={{ $json.text }}", "literal"),
        ({"mode": "passThrough", "output": "input2"}, "={{ $json.text }}", "literal"),
        ({"mode": "keepKeyMatches", "propertyName1": "text"}, "={{ $json.post }}", "{{answer: Judge | post}}"),
        ({}, "={{ $json.text }}", "{{answer: Judge}}"),  # append: the first item is that of the first input
        ({}, "={{ $json.post }}", "B"),
        (POSITION, "={{ $json }}", "{{answer: Judge}}\n\nB\n\nliteral\n\nfields"),
    ],
)
def test_a_field_behind_a_merge_comes_from_the_input_that_has_it(
    merge: dict[str, Any], text: str, prompt: str, tmp_path: Path
) -> None:
    assert behind_merge(tmp_path, merge, text) == prompt


@pytest.mark.parametrize("length", [1, 15, 30])
def test_a_chain_of_set_nodes_hands_the_answer_on(length: int, tmp_path: Path) -> None:
    chain = [set_node(f"S{n}", a="={{ $json.a }}{{ $json.b }}" if n else "={{ $json.text }}") for n in range(length)]
    way = ["First", *(f"S{n}" for n in range(length)), "Last"]
    links = ", ".join(f"{a}>{b}" for a, b in pairwise(way))
    found = imported(tmp_path, n8n(ask("First", "Go."), *chain, ask("Last", "Use {{ $json.a }}"), links=links))
    assert prompts(found)["Last"] == "Use {{ $json.a }}"  # without `=` it is no expression
    document = n8n(ask("First", "Go."), *chain, ask("Last", "=Use {{ $json.a }}"), links=links)
    assert prompts(imported(tmp_path, document))["Last"].startswith("Use {{answer: First}}")


def test_a_chain_that_is_too_long_is_listed(tmp_path: Path) -> None:
    names = ["First", *(f"S{n}" for n in range(60)), "Last"]
    sets = [set_node(name, a="={{ $json.text ?? $json.a }}") for name in names[1:-1]]
    links = ", ".join(f"{a}>{b}" for a, b in pairwise(names))
    found = imported(tmp_path, n8n(ask("First", "Go."), *sets, ask("Last", "={{ $json.a }}"), links=links))
    assert "references through more than 40 others stay as written: Last" in found.losses


@pytest.mark.parametrize(
    ("expression", "prompt"),
    [
        ("={{ 'Hi ' + $json.text + \"!\" }}", "Hi {{answer: First}}!"),
        ("={{ `A ${$json.text} b ${ $('Fields').item.json.name }` }}", "A {{answer: First}} b Ann"),
        ("={{ `\\${a} ${$json.text}` }}", "${a} {{answer: First}}"),
        ("={{ ('a' + 'b') }}", "ab"),
        ("={{ 'it\\'s\\n' }}", "it's\n"),
        ("={{ $('Fields').item.json.nick || 'you' }}", "you"),
        ("={{ $('Fields').first().json.name ?? 'you' }}", "Ann"),
        ("={{ $json.text.trim() }}", "{{answer: First}}"),
        ("={{ $ifEmpty($('Fields').item.json.nick, 'you (all)') }}", "you (all)"),
        ("={{ $if($('First').isExecuted, $json.text, 'none') }}", "{{answer: First}}"),
        ("={{ $('Last').isExecuted ? $('Last').item.json.text : $('First').item.json.text }}", "{{answer: First}}"),
        ("={{ $('First').isExecuted ? $json.text : 'none?.' }}", "{{answer: First}}"),
        ("={{ $items('First')[0].json.text }}", "{{answer: First}}"),
        ("={{ $node['First'].json.text }}", "{{answer: First}}"),
        ("={{ $('Last').item.json.text || $('Fields').item.json.nick }}", "{{ $json.nick }}"),
        ("={{ $('Last').item.json.text || $('Fields').item.json.nick || 'you' }}", "you"),
    ],
)
def test_texts_that_are_joined_stay_joined(expression: str, prompt: str, tmp_path: Path) -> None:
    document = n8n(
        set_node("Fields", name="Ann", nick="={{ $json.nick }}"), ask("First", "Go."), ask("Last", expression),
        links="Fields>First, First>Last",
    )  # fmt: skip
    found = imported(tmp_path, document)
    assert prompts(found)["Last"] == prompt
    assert not any("compute" in each for each in found.losses)


@pytest.mark.parametrize(
    ("expression", "prompt", "loss"),
    [
        ("={{ 1+1 }}", "{{ 1+1 }}", "expressions that compute stay as written: {{ 1+1 }} in Last"),
        ("={{ Date.now() }}", "{{ Date.now() }}", "expressions that compute stay as written: {{ Date.now() }} in Last"),
        (
            "={{ $json.text ? 'Said: ' + $json.text : '' }}",
            "Said: {{answer: First}}",
            "expressions that choose are written out with both values: "
            "{{ $json.text ? 'Said: ' + $json.text : '' }} in Last",
        ),
        (
            "={{ $json.text.split(',')[0] }}",
            "{{answer: First}}",
            "expressions that compute are replaced by what they refer to: {{ $json.text.split(',')[0] }} in Last",
        ),
        (
            "Sum up {{ $json.text }}",
            "Sum up {{ $json.text }}",
            "expressions in texts that n8n does not mark with '=' are sent as written: {{ $json.text }} in Last",
        ),
    ],
)
def test_what_computes_is_listed(expression: str, prompt: str, loss: str, tmp_path: Path) -> None:
    found = imported(tmp_path, n8n(ask("First", "Go."), ask("Last", expression), links="First>Last"))
    assert prompts(found)["Last"] == prompt
    assert loss in found.losses


@pytest.mark.parametrize(
    ("node", "expression", "prompt"),
    [
        (n8n_node("T", "aggregate", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "text"}]}}),
         "={{ $json.text }}", "{{answer: First}}"),
        (n8n_node("T", "aggregate", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "text"}]}}),
         "={{ $json.text[0].name }}", "{{answer: First | name}}"),
        (n8n_node("T", "aggregate", {"aggregate": "aggregateAllItemData"}), "={{ $json.data[0].text }}",
         "{{answer: First}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.items"}), "={{ $json.items }}",
         "{{answer: First | items}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.items"}), "={{ $json.name }}",
         "{{answer: First | items.name}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.items"}), "={{ $json['text.items'] }}",
         "{{answer: First | items}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.items", "options": {"destinationFieldName": "one"}}),
         "={{ $json.one.name }}", "{{answer: First | items.name}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.a, text.b"}), "={{ $json['text.b'] }}",
         "{{answer: First | b}}"),
        (n8n_node("T", "splitOut", {"fieldToSplitOut": "text.items", "include": "allOtherFields"}),
         "={{ $json.text.title }}", "{{answer: First | title}}"),
        (n8n_node("T", "renameKeys", {"keys": {"key": [{"currentKey": "text", "newKey": "said"}]}}),
         "={{ $json.said }}", "{{answer: First}}"),
        (n8n_node("T", "sentimentAnalysis"), "={{ $json.text }}", "{{answer: First}}"),
        (n8n_node("T", "sentimentAnalysis"), "={{ $json.sentimentAnalysis.category }}",
         "{{answer: T | sentimentAnalysis.category}}"),
        (n8n_node("T", "evaluation", {"operation": "checkIfEvaluating"}), "={{ $json.text }}", "{{answer: First}}"),
        (n8n_node("T", "crypto", {"dataPropertyName": "sum"}), "={{ $json.text }} {{ $json.sum }}",
         "{{answer: First}} {{ $json.sum }}"),
        (n8n_node("T", "markdown", {"html": "=<b>{{ $json.text }}</b>"}), "={{ $json.data }} of {{ $json.text }}",
         "<b>{{answer: First}}</b> of {{answer: First}}"),
        (n8n_node("T", "markdown", {"mode": "markdownToHtml", "markdown": "={{ $json.text }}", "destinationKey": "m"}),
         "={{ $json.m }}", "{{answer: First}}"),
        (n8n_node("T", "markdown", {"html": "={{ $('Web').item.json.page }}"}), "={{ $json.data }}",
         "{{ $json.data }}"),
        (n8n_node("T", "html", {"html": "<p>{{ $json.text }}</p>"}), "={{ $json.html }}", "<p>{{answer: First}}</p>"),
        (n8n_node("T", "html", {"operation": "extractHtmlContent"}), "={{ $json.html }}", "{{ $json.html }}"),
        (set_node("T", {"includeOtherFields": True}, mine="x"), "={{ $json.text }}{{ $json.mine }}",
         "{{answer: First}}x"),
    ],
)  # fmt: skip
def test_nodes_that_move_fields_are_followed(
    node: dict[str, Any], expression: str, prompt: str, tmp_path: Path
) -> None:
    document = n8n(ask("First", "Go."), node, ask("Last", expression), links="First>T, T>Last")
    assert prompts(imported(tmp_path, document))["Last"] == prompt


def test_a_text_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    names = ["First", *(f"S{n}" for n in range(14)), "Last"]
    sets = [set_node(name, text="={{ $json.text }}, {{ $json.text }}") for name in names[1:-1]]
    links = ", ".join(f"{a}>{b}" for a, b in pairwise(names))
    document = n8n(ask("First", "Go."), *sets, ask("Last", "={{ $json.text }}"), links=links)
    with pytest.raises(AssertionError, match="a text is made of more than 2000 pieces"):
        imported(tmp_path, document)


def test_a_set_node_that_is_written_as_json_is_followed(tmp_path: Path) -> None:
    written = '={"said": "<{{ $json.text }}>", "whole": {{ $json.text }}, "deep": {"a": 1}}'
    node = n8n_node("T", "set", {"mode": "raw", "jsonOutput": written})
    asked = "={{ $json.said }} {{ $json.whole }} {{ $json.deep }}"
    document = n8n(ask("First", "Go."), node, ask("Last", asked), links="First>T, T>Last")
    assert prompts(imported(tmp_path, document))["Last"] == '<{{answer: First}}> {{answer: First}} {"a": 1}'


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("={{ $('It\\'s').item.json.text }}", "It's"),
        ('={{ $item("0").$node["It\'s"].json["text"] }}', "It's"),
        ('={{ $("It\'s").last().json.text }}', "It's"),
    ],
)
def test_names_of_nodes_may_have_quotes(expression: str, name: str, tmp_path: Path) -> None:
    document = n8n(ask(name, "Go."), ask("Last", expression), links=f"{name}>Last")
    assert prompts(imported(tmp_path, document))["Last"] == "{{answer: It's}}"


def test_a_summarization_sends_the_text_at_its_place(tmp_path: Path) -> None:
    own = {"options": {"summarizationMethodAndPrompts": {"values": {"prompt": "Sum up: {text} Briefly."}}}}
    document = n8n(
        ask("First", "Go."), n8n_node("A", "chainSummarization"), n8n_node("B", "chainSummarization", own),
        links="First>A, First>B",
    )  # fmt: skip
    asked = prompts(imported(tmp_path, document))
    assert asked["A"] == 'Write a concise summary of the following:\n\n\n"{{answer: First}}"\n\n\nCONCISE SUMMARY:'
    assert asked["B"] == "Sum up: {{answer: First}} Briefly."


@pytest.mark.parametrize(
    ("kind", "option"),
    [("agent", "systemMessage"), ("agent", "prefix"), ("agent", "prefixPrompt"), ("openAi", "instructions"),
     ("openAi", "system")],
)  # fmt: skip
def test_the_system_prompt_of_a_node_is_in_its_options(kind: str, option: str, tmp_path: Path) -> None:
    found = imported(tmp_path, n8n(ask("First", "Go."), ask("A", "x", kind, options={option: "=Be {{ $json.text }}"}),
                                   links="First>A"))  # fmt: skip
    assert found.graph.task("A").system == "Be {{answer: First}}"
    assert not any("settings" in each for each in found.losses)


@pytest.mark.parametrize(
    ("option", "message", "prompt"),
    [
        ("humanMessage", "Tools: {tools}. Asked: {{input}}", "Tools: {tools}. Asked: x"),
        ("humanMessage", "=By {{ $json.text }}: {input}", "By {{answer: First}}: x"),
        ("humanMessageTemplate", "{input}\n\n{agent_scratchpad}", "x"),
        ("humanMessage", "Be brief.", "Be brief.\n\nx"),
    ],
)
def test_the_message_of_an_agent_holds_its_text(option: str, message: str, prompt: str, tmp_path: Path) -> None:
    agent = ask("A", "x", "agent", options={"systemMessage": "Be.", option: message})
    found = imported(tmp_path, n8n(ask("First", "Go."), agent, links="First>A"))
    assert prompts(found)["A"].strip() == prompt
    assert found.losses == ("prompts that the tool itself adds are not sent, or only their gist: A (agent)",)


def test_an_assistant_of_a_vendor_takes_the_chat(tmp_path: Path) -> None:
    node = n8n_node("A", "openAi", {"resource": "assistant", "assistantId": {"value": "x"}})
    found = imported(tmp_path, n8n(n8n_node("Chat", "ChatTrigger"), node, links="Chat>A"), inputs={"question": "Q"})
    assert prompts(found) == {"A": "Q"}


def test_messages_are_told_apart_where_the_assistant_speaks(tmp_path: Path) -> None:
    rows = [
        {"type": "SystemMessagePromptTemplate", "message": "Be."},
        {"type": "HumanMessagePromptTemplate", "message": "2+2?"},
        {"type": "AIMessagePromptTemplate", "message": "4"},
    ]
    found = imported(tmp_path, n8n(ask("A", "3+3?", messages={"messageValues": rows}), ask("B", "x"), links="A>B"))
    assert prompts(found)["A"] == "user: 2+2?\n\nassistant: 4\n\nuser: 3+3?"
    assert found.graph.task("A").system == "Be."


@pytest.mark.parametrize(
    ("parameters", "is_step"),
    [
        ({}, True),
        ({"operation": "message"}, True),
        ({"operation": "classify"}, False),  # the moderation of texts
        ({"resource": "assistant", "operation": "create"}, False),
        ({"resource": "image", "operation": "analyze"}, True),
        ({"resource": "image"}, False),  # it draws one
        ({"resource": "audio"}, False),  # it speaks
        ({"resource": "audio", "operation": "transcribe"}, False),
        ({"resource": "file"}, False),
    ],
)
def test_a_vendor_node_is_a_step_where_it_asks_for_a_text(
    parameters: dict[str, Any], is_step: bool, tmp_path: Path
) -> None:
    document = n8n(ask("First", "Go."), n8n_node("V", "openAi", parameters), links="First>V")
    found = imported(tmp_path, document)
    assert [task.id for task in found.graph.tasks] == ["First", "V"][: 1 + is_step]
    assert ("services are not called: V (openAi)" in found.losses) == (not is_step)
    looks = parameters.get("resource") == "image" and is_step
    assert ("images and files are not sent: V" in found.losses) == looks


@pytest.mark.parametrize(
    ("parameters", "prompt", "system", "model"),
    [
        ({"resource": "chat", "chatModel": "m", "messages": {"messages": [{"role": "system", "content": "S"},
          {"content": "=A {{ $json.x }}"}]}}, "A X", "S", "m"),
        ({"resource": "chat", "model": "m", "prompt": {"messages": [{"content": "A"}]}}, "A", None, "m"),
        ({"resource": "chat", "operation": "message", "model": "m", "messages": [{"role": "system", "content": "S"},
          {"role": "user", "content": "A"}]}, "A", "S", "m"),
        ({"model": "m", "prompt": "=A {{ $json.x }}"}, "A X", None, "m"),
        ({"operation": "edit", "instruction": "Shorten.", "input": "={{ $json.x }}"}, "Shorten.\n\nX", None, None),
    ],
)  # fmt: skip
def test_the_older_node_of_openai_is_a_step(
    parameters: dict[str, Any], prompt: str, system: str | None, model: str | None, tmp_path: Path
) -> None:
    old = n8n_node("Old", "openAi", parameters, type="n8n-nodes-base.openAi")
    reads = ask("Last", "={{ $('Old').item.json.choices[0].message.content }}")
    document = n8n(n8n_node("Hook", "webhook"), old, reads, links="Hook>Old, Old>Last")
    found = imported(tmp_path, document, inputs={"x": "X"})
    task = found.graph.task("Old")
    assert (task.prompt, task.system, task.source_model) == (prompt, system, model)
    assert prompts(found)["Last"] == "{{answer: Old}}"


def test_classes_and_fields_are_sent_with_their_descriptions_and_expressions(tmp_path: Path) -> None:
    template = "Choose from {categories}, and only these."
    classes = [{"category": "=a {{ $json.x }}", "description": "=about {{ $json.x }}"}, {"category": "b"}]
    fields = [{"name": "=n {{ $json.x }}", "type": "number", "description": "=of {{ $json.x }}"}]
    document = n8n(
        n8n_node("Hook", "webhook"),
        n8n_node("C", "textClassifier", {"inputText": "t", "categories": {"categories": classes},
                                         "options": {"systemPromptTemplate": template}},
                 type="x.langchain.textClassifier"),
        n8n_node("E", "informationExtractor", {"text": "t", "attributes": {"attributes": fields}},
                 type="x.langchain.informationExtractor"),
        links="Hook>C, Hook>E",
    )  # fmt: skip
    found = imported(tmp_path, document, inputs={"x": "X"})
    assert found.graph.task("C").system == (
        "Choose from a X; b, and only these.\n\n"
        "Answer with the one of these categories that fits: a X; b\n- a X: about X"
    )
    assert found.graph.task("E").system == (
        "Extract from the text, and answer with one JSON object:\n- n X (number): of X"
    )
    own = "prompts that the tool itself adds are not sent, or only their gist"
    assert f"{own}: C (textClassifier), E (informationExtractor)" in found.losses


def test_a_node_is_a_step_where_a_model_hangs_on_it_and_it_helps_no_other(tmp_path: Path) -> None:
    """Kinds that the importer does not know are steps too; parsers, retrievers and tools with a model are none."""
    document = n8n(
        n8n_node("Start", "webhook"),
        n8n_node("Script", "@n8n/n8n-nodes-langchain.code", {"code": {}}),
        n8n_node("New", "n8n-nodes-community.reasoner", {"text": "Think of {{ $json.x }}"}),
        n8n_node("Fix", "@n8n/n8n-nodes-langchain.outputParserAutofixing"),
        n8n_node("Search", "@n8n/n8n-nodes-langchain.toolVectorStore"),
        n8n_node("Pick", "@n8n/n8n-nodes-langchain.modelSelector"),
        n8n_node("Left over", "@n8n/n8n-nodes-langchain.retrieverMultiQuery"),
        n8n_node("Vectors", "@n8n/n8n-nodes-langchain.embeddingsOllama"),
        n8n_node("Model", "@n8n/n8n-nodes-langchain.lmChatOllama", {"model": "llama3"}),
        ask("Last", "Go."),
        links="Start>Script, Script>New, New>Last, Fix>Last!ai_outputParser, Pick>Last!ai_languageModel, "
        "Search>New!ai_tool, Vectors>Left over!ai_embedding, "
        + ", ".join(
            f"Model>{user}!ai_languageModel" for user in ("Script", "New", "Fix", "Search", "Pick", "Left over")
        ),
    )
    found = imported(tmp_path, document)
    assert [(task.id, task.source_model) for task in found.graph.tasks] == [
        ("Script", "llama3"),
        ("New", "llama3"),
        ("Last", "llama3"),
    ]
    assert found.graph.edges == (("Script", "New"), ("New", "Last"))


def test_guardrails_that_ask_a_model_are_steps_which_hand_on_the_text(tmp_path: Path) -> None:
    own = {"guardrail": [{"name": "tone", "prompt": "Rude words."}]}
    checks = {"keywords": "password", "nsfw": {"value": {"threshold": 0.7}}, "custom": own}
    document = n8n(
        n8n_node("Start", "webhook"),
        n8n_node("Keys", "@n8n/n8n-nodes-langchain.guardrails", {"text": "x", "guardrails": {"secretKeys": {}}}),
        n8n_node(
            "Clean", "@n8n/n8n-nodes-langchain.guardrails", {"operation": "sanitize", "guardrails": {"jailbreak": {}}}
        ),
        n8n_node("Check", "@n8n/n8n-nodes-langchain.guardrails", {"text": "={{ $json.mail }}", "guardrails": checks}),
        ask("Answer", "={{ $json.guardrailsInput }} by {{ $json.name }}"),
        ask("Refuse", "No."),
        links="Start>Keys, Keys>Clean, Clean>Check, Check>Answer, Check:1>Refuse",
    )
    found = imported(tmp_path, document, inputs={"mail": "Hello", "name": "Ann"})
    assert prompts(found) == {"Check": "Hello", "Answer": "Hello by Ann", "Refuse": "No."}
    assert found.graph.task("Check").system == (
        "Answer pass, or fail where the text violates one of these rules:\n- nsfw\n- tone: Rude words."
    )
    kept = imported(tmp_path, document, inputs={"mail": "Hello", "name": "Ann"}, branches={"Check": "fail"})
    assert [task.id for task in kept.graph.tasks] == ["Check", "Refuse"]
    assert "texts are not searched for patterns: Keys, Clean" in found.losses


@pytest.mark.parametrize(
    ("kind", "parameters", "prompt"),
    [
        ("n8n-nodes-base.perplexity", {"messages": {"message": [{"content": "Who?"}]}}, "Who?"),
        ("n8n-nodes-base.perplexity", {"resource": "agent", "input": "Who?"}, "Who?"),
        ("@n8n/n8n-nodes-langchain.alibabaCloud", {"messages": {"values": [{"content": "Who?"}]}}, "Who?"),
        ("@n8n/n8n-nodes-langchain.moonshot", {"resource": "image", "text": "Who?"}, "Who?"),
        ("n8n-nodes-base.perplexity", {"resource": "search", "query": "Who?"}, None),
        ("n8n-nodes-base.perplexity", {"resource": "embedding", "input": "Who?"}, None),
        ("@n8n/n8n-nodes-langchain.minimax", {"resource": "audio", "text": "Who?"}, None),
        ("@n8n/n8n-nodes-langchain.alibabaCloud", {"resource": "image", "text": "Who?"}, None),
    ],
)
def test_a_vendors_node_is_a_step_where_it_asks_for_a_text(
    kind: str, parameters: dict[str, Any], prompt: str | None, tmp_path: Path
) -> None:
    document = n8n(n8n_node("Vendor", kind, parameters), ask("Last", "Go."), links="Vendor>Last")
    assert prompts(imported(tmp_path, document)).get("Vendor") == prompt


def test_the_first_round_of_a_loop_takes_what_the_trigger_gives(tmp_path: Path) -> None:
    document = n8n(
        n8n_node("Start", "webhook"),
        n8n_node("Way", "noOp"),
        ask("Write", "=On {{ $json.idea }}."),
        n8n_node("Parse", "code"),
        links="Start>Way, Way>Write, Write>Parse, Parse>Way",
    )
    found = imported(tmp_path, document, inputs={"idea": "cats"}, unroll=2)
    assert prompts(found) == {"Write": "On cats.", "Write (round 2)": "On {{answer: Write}}."}
    assert not [loss for loss in found.losses if "do not come before" in loss]


def test_each_of_several_references_that_are_computed_with_stands_once(tmp_path: Path) -> None:
    document = n8n(n8n_node("Start", "webhook"), ask("Sum", "={{ $json.a + $json.b }}"), links="Start>Sum")
    assert prompts(imported(tmp_path, document)) == {"Sum": "{{ $json.a }} {{ $json.b }}"}
    assert prompts(imported(tmp_path, document, inputs={"b": "2"})) == {"Sum": "{{ $json.a }} 2"}


@pytest.mark.parametrize("model", ["small:1b", "=small:1b", {"__rl": True, "mode": "id", "value": "=small:1b"}])
def test_a_model_is_named_without_the_sign_of_an_expression(model: Any, tmp_path: Path) -> None:
    document = n8n(
        n8n_node("Start", "webhook"),
        ask("Ask", "Go."),
        n8n_node("Model", "lmChatOllama", {"model": model}),
        links="Start>Ask, Model>Ask!ai_languageModel",
    )
    assert imported(tmp_path, document).graph.task("Ask").source_model == "small:1b"


@pytest.mark.parametrize(
    ("kind", "parameters", "names"),
    [
        ("switch", {"mode": "expression", "numberOutputs": 2, "output": "={{ $json.n }}"}, "0, 1"),
        ("sentimentAnalysis", {}, "Positive, Neutral"),
        ("sentimentAnalysis", {"options": {"categories": "good,bad"}}, "good, bad"),
        ("sentimentAnalysis", {"options": {"categories": "={{ $json.kinds }}"}}, "0, 1"),
        ("textClassifier", {"categories": {"categories": [{"category": "bill"}]}, "options": {"fallback": "other"}},
         "bill, other"),
    ],
)  # fmt: skip
def test_the_ways_out_of_a_node_are_its_classes_or_numbers(
    kind: str, parameters: dict[str, Any], names: str, tmp_path: Path
) -> None:
    way = n8n_node("Way", kind, parameters)
    document = n8n(n8n_node("Start", "webhook"), way, ask("A", "a"), ask("B", "b"), links="Start>Way, Way>A, Way:1>B")
    told = f"all branches of 'Way' are run ({names}); --branch 'Way'=NAME keeps one"
    assert told in imported(tmp_path, document).losses


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("={{ $json.output }}", "{{answer: a}}\n\n{{answer: b}}\n\nfixed"),
        ("={{ $json.output[1] }} of {{ $json.output[0] }}", "{{answer: b}} of {{answer: a}}"),
        ("={{ $json.output[2] }}", "fixed"),
        ("={{ $json.output[7] }}", "{{answer: a}}\n\n{{answer: b}}\n\nfixed"),
    ],
)
def test_a_collected_field_has_the_answers_of_all_inputs_of_a_merge(text: str, prompt: str, tmp_path: Path) -> None:
    fields = {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "output"}]}}
    nodes = [
        *(ask(name, "Hi", "agent") for name in ("a", "b")),
        n8n_node("get", "httpRequest"),
        set_node("f", output="fixed"),
        n8n_node("m1", "merge"),
        n8n_node("m2", "merge", {"mode": "append", "numberInputs": 3}),
        n8n_node("all", "aggregate", fields),
        ask("end", text),
    ]
    links = "a>m1, b>m1:1, m1>m2, f>m2:1, get>m2:2, m2>all, all>end"
    assert prompts(imported(tmp_path, n8n(*nodes, links=links)))["end"] == prompt


def test_an_input_that_may_be_empty_is_no_empty_text_and_is_listed(tmp_path: Path) -> None:
    nodes = [n8n_node("t", "telegramTrigger"), set_node("s", note="={{ $json.message?.text || '' }}"),
             ask("a", "={{ $json.note }} of {{ $json.who ?? 'nobody' }}")]  # fmt: skip
    document = n8n(*nodes, links="t>s, s>a")
    bare = imported(tmp_path, document)
    assert prompts(bare)["a"] == "{{ $json.note }} of nobody"
    assert "inputs without a value stay as written: text; give them with --input NAME=VALUE" in bare.losses
    assert prompts(imported(tmp_path, document, inputs={"text": "Hello"}))["a"] == "Hello of nobody"
    other = imported(tmp_path, document, inputs={"who": "me"})
    assert prompts(other)["a"] == " of me"
    assert "optional inputs without a value are empty: text" in other.losses


def test_the_text_of_an_older_summary_is_its_whole_answer(tmp_path: Path) -> None:
    nodes = [n8n_node("s", "chainSummarization"), ask("a", "={{ $json.response.output_text }}")]
    assert prompts(imported(tmp_path, n8n(*nodes, links="s>a")))["a"] == "{{answer: s}}"


@pytest.mark.parametrize(
    ("kind", "version", "field"),
    [
        ("agent", 1, "input"), ("agent", 1.1, "chat_input"), ("agent", 1.7, "chatInput"), ("agent", 2, "chatInput"),
        ("chainLlm", 1, "input"), ("chainLlm", 1.2, "chat_input"), ("chainLlm", 1.4, "chatInput"),
        ("chainRetrievalQa", 1, "input"), ("chainRetrievalQa", 1.1, "chat_input"),
        ("chainRetrievalQa", 1.2, "chatInput"),
    ],
)  # fmt: skip
def test_a_step_without_a_text_takes_the_field_of_its_version(
    kind: str, version: float, field: str, tmp_path: Path
) -> None:
    step = n8n_node("a", f"@n8n/n8n-nodes-langchain.{kind}") | {"typeVersion": version}
    document = n8n(set_node("s", **{field: "Hello"}), step, links="s>a")
    assert prompts(imported(tmp_path, document)) == {"a": "Hello"}
    chat = n8n(n8n_node("t", "ChatTrigger"), step, links="t>a")
    assert prompts(imported(tmp_path, chat, inputs={"question": "Q"})) == {"a": "Q"}


def aggregated(name: str) -> dict[str, Any]:
    return n8n_node("x", "aggregate", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": name}]}})


@pytest.mark.parametrize(
    ("node", "text", "prompt"),
    [
        (n8n_node("x", "splitOut", {"fieldToSplitOut": "['Editor\\'s list']"}),
         r"""{{ $json['[\'Editor\\\'s list\']'] }}""", "L"),
        (n8n_node("x", "noOp"), r"""{{ $json['Editor\'s list'] }}""", "L"),
        (n8n_node("x", "noOp"), """{{ $json["Editor's list"] }}""", "L"),
        (aggregated('["Editor\'s list"]'), r"""{{ $json['Editor\'s list'] }}""", "L"),
        (aggregated("else"), "{{ $json.lost }}", "{{ $json.lost }}"),
    ],
)  # fmt: skip
def test_a_field_may_have_any_name_and_one_that_is_not_there_is_an_input(
    node: dict[str, Any], text: str, prompt: str, tmp_path: Path
) -> None:
    document = n8n(set_node("s", **{"Editor's list": "L"}), node, ask("a", f"={text}"), links="s>x, x>a")
    assert prompts(imported(tmp_path, document))["a"] == prompt


def test_code_that_is_given_numbers_alone_is_an_input_and_no_empty_text(tmp_path: Path) -> None:
    rows = [{"name": "count", "value": 3, "type": "number"}]
    count = n8n_node("n", "set", {"assignments": {"assignments": rows}})
    nodes = [count, n8n_node("c", "code"), ask("a", "=Of {{ $json.list }}.")]
    found = imported(tmp_path, n8n(*nodes, links="n>c, c>a"))
    assert prompts(found) == {"a": "Of {{ $json.list }}."}
    assert "inputs without a value stay as written: n; give them with --input NAME=VALUE" in found.losses


def test_a_text_that_code_is_given_is_no_surer_a_field_than_what_a_service_gives(tmp_path: Path) -> None:
    nodes = [set_node("n", count="3"), n8n_node("c", "code"), n8n_node("get", "httpRequest"), n8n_node("t", "webhook")]
    document = n8n(*nodes, ask("a", "={{ $json.title }}"), links="t>n, t>get, n>c, c>a, get>a")
    found = imported(tmp_path, document)
    assert prompts(found) == {"a": "{{ $json.title }}"}
    assert "inputs without a value stay as written: get.title; give them with --input NAME=VALUE" in found.losses
