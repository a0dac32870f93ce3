"""Forms of replies: an object with one field, a reason on the next line, marks, conditions, spellings of units."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Exact, Expectation, Keywords, Letter, Number, YesNo
from pytest_swarm.scoring.letters import score_letter
from pytest_swarm.scoring.numbers import score_number
from pytest_swarm.scoring.text import score_exact, score_keywords
from pytest_swarm.scoring.yes_no import score_yes_no


def value(expected: Expectation, text: str) -> float | None:
    match expected:
        case Exact():
            return score_exact(expected, text).value
        case Keywords():
            return score_keywords(expected, text).value
        case Letter():
            return score_letter(expected, text).value
        case Number():
            return score_number(expected, text).value
        case YesNo():
            return score_yes_no(expected, text).value
    raise AssertionError(expected)


RIGHT = [
    (Number(value=37), "98.6 °F (37 °C)"),
    (Number(value=98), "37 °C (98 °F)"),
    (Number(value=-90), "-1 hour and 30 minutes"),
    (Exact(text="red, blue"), "The colors are:\n- red\n- blue"),
    (Exact(text="red, blue"), "[\"red\", 'blue']."),
    (Exact(text="北京"), "首都是北京。"),
    (Exact(text="Canberra"), "Many think it is Sydney. The capital is Canberra."),
    (Exact(text="Canberra"), "Not Sydney, but Canberra."),
    (Exact(text="Canberra"), "Thus, Canberra."),
    (Exact(text="Canberra"), "['Canberra']"),
    (Number(value=14), "Result: 14 apples\nReason: 7 x 2 = 14, and 3 people."),
    (Number(value=21), "Question: 3 baskets of 7 apples\nReasoning: 3 * 7 = 21"),
    (YesNo(value=True), '{"is_prime": "yes"}'),
    (YesNo(value=True), "Sure thing."),
    (Exact(text="Canberra"), '{"capital": "Canberra"}'),
    (Exact(text="Canberra"), '```json\n{"city": "Canberra"}\n```'),
    (Exact(text="billing"), "billing\nReason: the customer mentions an invoice, so it is not technical."),
    (Exact(text="billing"), "Category: billing\n**Explanation:** an invoice is not technical.\nConfidence: high"),
    (Exact(text="21 February 2026"), "21 Feb 2026"),
    (Exact(text="Sept. 3, 2026"), "It is due on 3 September 2026."),
    (Exact(text="42 kg"), "42kg"),
    (Exact(text="42kg"), "The crate has a mass of 42 kg."),
    (Exact(text="北京"), "首都\uff1a北京"),
    (Exact(text="Bob"), "Alice is taller than Bob. So the shortest is Bob."),
    (Exact(text="Paris"), "The capital of France is Paris. So that is what I would say."),
    (Exact(text="negative"), "The sentiment of this review is negative, although the beginning is positive."),
    (
        Keywords(words=("naïve", "don't", "state-of-the-art")),
        "Don’t be nai\u0308ve: it is state\u2011of\u2011the\u2011art.",
    ),
    (Letter(value="C", choices=4), "A. 2 + 2 = 5 → false\nB. 3 + 3 = 7 → false\nC. 4 + 4 = 8 → true\nD. 5 = 6 → false"),
    (Number(value=1000), "About 1k requests."),
    (Number(value=11), "11:00 AM"),
    (Number(value=3), "There are **three** r's in it: positions 3, 8 and 9."),
    (Number(value=4), "y = 4 when x = 9."),
    (Number(value=120), '{"result": 120, "confidence": 0.95}'),
    (YesNo(value=False), "Urgent: No\nReason: yes, it can wait"),
    (YesNo(value=False), '{"is_spam": false, "topic": "yes-men"}'),
    (YesNo(value=True), "👍 Yes"),
    (YesNo(value=True), "✅"),
    (YesNo(value=False), "👎"),
    (YesNo(value=False), "That would be a no from me."),
    (YesNo(value=True), "While some would say no, the evidence says yes."),
]

WRONG = [
    (Number(value=50), "98.6 °F (50 °C)"),
    (Number(value=-30), "-1 hour and 30 minutes"),
    (Exact(text="red, blue"), "Not these:\n- red\n- blue"),
    (Exact(text="red, blue"), '["red", "blue"] is not right'),
    (Exact(text="red, blue"), '["red", {"blue": 1}, "blue"]'),
    (Exact(text="北京"), "首都不是北京。"),
    (Exact(text="北京"), "首都不为北京"),
    (Exact(text="Sydney"), "Many think it is Sydney. The capital is Canberra."),
    (Exact(text="Sydney"), "Many people believe that the capital is Sydney."),
    (Exact(text="Sydney"), "Not Sydney, but Canberra."),
    (Exact(text="positive"), "The sentiment of this review is negative, although the beginning is positive."),
    (Exact(text="Alice"), "Alice is taller than Bob. So the shortest is Bob."),
    (Exact(text="Canberra"), '{"capital": "Canberra", "largest": "Sydney"}'),
    (Exact(text="21 February 2026"), "21 Mar 2026"),
    (Exact(text="42 kg"), "42 g"),
    (Keywords(words=("state-of-the-art",)), "A state of art."),
    (Letter(value="C", choices=4), "A. 2 → true\nB. 3 → false\nC. 4 → false\nD. 5 → false"),
    (Number(value=9), "y = 4 when x = 9."),
    (Number(value=0), "11:00 AM"),
    (Number(value=0.95), '{"result": 120, "confidence": 0.95}'),
    (YesNo(value=True), "Urgent: No\nReason: yes, it can wait"),
    (YesNo(value=True), '{"is_spam": false, "is_urgent": true}'),
    (YesNo(value=False), "✅"),
]


@pytest.mark.parametrize(("expected", "text"), RIGHT)
def test_a_right_reply_scores_1(expected: Expectation, text: str) -> None:
    assert value(expected, text) == 1


@pytest.mark.parametrize(("expected", "text"), WRONG)
def test_a_wrong_reply_does_not(expected: Expectation, text: str) -> None:
    assert value(expected, text) == 0
