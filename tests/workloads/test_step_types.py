"""The type of a step of an agent workflow: from its name, else from its text, else general."""

from __future__ import annotations

import pytest

from pytest_swarm.workloads.importers.flow_graphs import step_type
from pytest_swarm.workloads.importers.task_rules import type_from_text


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Summarize mail", "Write Python code", "summarize"),
        ("LLM 2", "Write a Python function that sorts", "code"),
        ("LLM 2", "Hello there", "general"),
        ("LLM 2", "Hello there. " * 30 + "Write Python code", "general"),  # only the first 200 characters are read
        ("LLM 2", "You help the buyers of computers.", "general"),
        ("LLM 2", "Compute the total.", "math"),
        ("LLM 2", "Add 3 to the price of step 2.", "math"),
        ("LLM 2", "Add up what they ordered.", "math"),
        ("LLM 2", "Convert 40 USD to EUR.", "math"),
        ("LLM 2", "Convert the reply to JSON.", "general"),
        ("LLM 2", "Add a greeting. The price is 3.", "general"),
        ("Add remarks", "", "general"),
        ("mAdd", "", "math"),  # a name that is the word alone
        ("LLM 2", "# Overview\nYou keep a calendar. {{ $json.word_count }} {{answer: Count}}", "general"),
        ("LLM 2", "Give an overview of the mails.", "summarize"),
        ("目标提取", "Write a mail.", "extraction"),
        ("LLM 2", "請根据用户的要求生成代码。", "code"),
        ("生成SQL语句", "", "code"),  # a word of another script, without a space
        ("LLM 2", "会話の要約をしてください。", "summarize"),
        ("LLM 2", "提取发票代码", "extraction"),  # the number of an invoice
        ("LLM 2", "提取统一社会信用代码", "extraction"),  # the number of a company
        ("LLM 2", "你是客服。请回复。", "general"),
        ("LLM 2", "Compile an in-depth guide for travelers.", "summarize"),
        ("LLM 2", "Compile everything into a brief.", "summarize"),
        ("LLM 2", "Compile C programs.", "code"),
        ("LLM 2", "Answer. Do not invent facts, don't add remarks, and never search.", "general"),
        ("LLM 2", "Give the whole plan, not a summary.", "general"),
        ("Generate Video Script", "", "creative"),
        ("LLM 2", "将文本转化为播客脚本。", "general"),
        ("LLM 2", "Rate the script of this screenplay.", "general"),
        ("LLM 2", "Fix the Python script that cuts videos.", "code"),
        ("itinerary_compilation_task", "", "summarize"),
        ("LLM 2", "Do not write code, extract the names.", "extraction"),
        ("LLM 2", "Answer without writing code.", "general"),
        ("LLM 2", "Do not only translate but summarize it.", "summarize"),
        ("LLM 2", "不要编写代码。总结文章。", "summarize"),
    ],
)
def test_a_step_without_a_telling_word_is_general(name: str, text: str, kind: str) -> None:
    assert step_type(name, text) == kind


def test_a_job_of_a_batch_without_a_telling_word_is_reasoning() -> None:
    assert type_from_text("individuals_ID0000012") == "reasoning"
