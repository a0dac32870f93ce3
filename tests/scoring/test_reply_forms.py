"""Forms of replies: objects, calls of tools, reasons, marks, conditions, brackets, denials, points, titles, units."""

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


CALL = '<tool_call>\n{"name": "calculator", "arguments": {"expression": "12*7"}}\n</tool_call>'
OBJECT = '```json\n{"reasoning": "3 * 4", "answer": "12"}\n```\n\nNote: the answer is a number of 2 digits.'

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
    (Letter(value="B", choices=4), "【解析】选项A错误。\n【答案】B <eoa>"),
    (Letter(value="B", choices=4), "【解析】选项A错误。\n【答案】: B"),
    (Letter(value="B", choices=4), "四个选项都是正确的。\n【答案】: B.①④ <eoa>"),
    (Number(value=84), f"{CALL}\nThat makes 84."),
    (Number(value=12), OBJECT),
    (Exact(text="12"), OBJECT),
    (Number(value=14.5), '{"result": {"value": 14.5, "unit": "hours"}, "confidence": 0.9}'),
    (Exact(text="Canberra"), "The capital is Sydney. Sorry, that is wrong: the capital is Canberra."),
    (YesNo(value=True), "It is prime.\n\n[Yes]"),
    (Letter(value="D", choices=4), r"$\mathrm{(D)}$"),
    (Letter(value="B", choices=4), "答案是\uff08B\uff09"),
    (Exact(text="invalid"), "The argument is not valid."),
    (Exact(text="invalid"), "Therefore, the argument isn't deductively valid."),
    (Exact(text="> ) }"), 'The sequence is "{ ( <". To close it we need "> ) }".'),
    (Exact(text="9"), "assert f(3) == 9\n\nSo the output is 9."),
    (Exact(text="jane.doe@example.com"), "The address is jane.doe@example.com."),
    (Exact(text="The Night Watch"), "It is called “The Night Watch”."),
    (Exact(text="Night Watch"), "It is called “The Night Watch”."),
    (Exact(text="Marie Curie"), 'The text says "the prize went to Marie Curie".'),
    (Number(value=3.5), "It takes 3 and a half hours."),
    (Number(value=75), "75 %, which is 15 out of 20"),
    (Number(value=17), "So, Emily has **17 stickers** left after giving **8** to Tom."),
    (Number(value=5), "The distance is 5. It runs from the origin to the point (3, 4)."),
    (Number(value=5), "The distance is 5, from (0, 0) to (3, 4)."),
    (Number(value=42), "42 = 6 × 7"),
    (Number(value=30), "The answer is 12 + 18, which makes 30."),
    (Number(value=12), "The answer is 5 + 7, which is 12."),
    (Number(value=1.5), "It takes an hour and a half."),
    (Number(value=2.5), "It takes 2 hours and a half."),
    (YesNo(value=False), "The hypothesis contradicts the premise."),
    (Letter(value="C", choices=4), "A and B are wrong; C is right."),
    (Letter(value="C", choices=4), "La bonne réponse est donc c)."),
    (Exact(text="False"), "not True = False"),
    (Exact(text="A-1234"), "The order number is A-1234."),
    (Exact(text="Alice"), "The oldest is Alice, then Bob, then Carol."),
    (Exact(text="Paris"), "The capital is Paris. Would you like to know more?"),
    (Exact(text="Marie Curie"), "The prize went to Marie Curie in 1903. Anything else?"),
    (Exact(text="Marie Curie"), "The prize went to Marie Curie in 1903. How else can I help you?"),
    (Number(value=5), "Let x be the number. 3x + 5 = 20, so 3x = 15 and x = 5."),
    (Number(value=20), "3/4 of 40 is 30. The answer is 50% of 40, which is 20."),
    (YesNo(value=False), "Leider nein."),
    (Letter(value="B", choices=4), "选项B正确\uff0c因为A和C都与题意不符。"),
    (Number(value=12), "Let x + 5 = 17. So x = 12."),
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
    (Number(value=7), CALL),
    (Number(value=7), '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 3, "b": 7}}]'),
    (Number(value=2), OBJECT),
    (Number(value=0.9), '{"result": {"value": 14.5, "unit": "hours"}, "confidence": 0.9}'),
    (Exact(text="Sydney"), "The capital is Sydney. Sorry, that is wrong: the capital is Canberra."),
    *((YesNo(value=value), "Penguins cannot fly.") for value in (True, False)),
    (Exact(text="valid"), "The argument is not valid."),
    (Exact(text="invalid"), "The argument is valid."),
    (Exact(text="{ ( <"), 'The sequence is "{ ( <". To close it we need "> ) }".'),
    (Exact(text="doe@example.com"), "The address is jane.doe@example.com."),
    (Exact(text="jane.doe"), "The address is jane.doe@example.com."),
    (Exact(text="Deutschland"), "Die Hauptstadt von Deutschland ist Berlin."),
    (Exact(text="Italia"), "La capital de Italia es Roma."),
    (Number(value=3), "It takes 3 and a half hours."),
    (Number(value=4), "The point is (3, 4)."),
    (Number(value=5), "The solutions are {2, 5}."),
    (Number(value=5), "The answer is x + 5."),
    (Number(value=0.5), "What is one half as a decimal number?\nWhat is one half as a decimal number?"),
    (Exact(text="Alice"), "Alice is older than Bob. Bob is older than Carol. Who is the oldest?"),
    (YesNo(value=True), "Not sure. It might be yes."),
    (YesNo(value=True), "Das ist nicht richtig."),
    (YesNo(value=True), 'Therefore, the answer is "[Yes]" if 91 is a prime number or "[No]" if it is not.'),
    (YesNo(value=False), "The answer is no if it rains, otherwise yes."),
    (Letter(value="A", choices=4), "【答案】A、C、D"),
    (Letter(value="A", choices=4), "【答案】: A和D <eoa>"),
    (Letter(value="D", choices=4), "选项D也不正确。\n【答案】无 <eoa>"),
    (Letter(value="D", choices=4), "选项D也不正确。\n【答案】无正确答案 <eoa>"),
    (Letter(value="D", choices=4), "所以选项B正确。所以选项D正确。\n【答案】 BD <eoa>"),
    (Exact(text="1234"), "The order number is A-1234."),
    (Exact(text="syslog"), "The file is /var/log/syslog."),
    (Exact(text="Bob"), "The oldest is Alice, then Bob, then Carol."),
    (Exact(text="France"), "La capitale de la France est Paris."),
    (Number(value=4), "The answer is 4 * 25."),
    (Number(value=4), "```python\nanswer = 4 * 25\nprint(answer)\n```"),
    (Number(value=3), "y = 2x + 3"),
    (Number(value=2), "y = 2x + 3"),
]


@pytest.mark.parametrize(("expected", "text"), RIGHT)
def test_a_right_reply_scores_1(expected: Expectation, text: str) -> None:
    assert value(expected, text) == 1


@pytest.mark.parametrize(("expected", "text"), WRONG)
def test_a_wrong_reply_does_not(expected: Expectation, text: str) -> None:
    assert value(expected, text) == 0
