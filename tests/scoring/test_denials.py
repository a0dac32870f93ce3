"""Answers that deny, correct themselves or do not decide: none of them is right for what it only mentions."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Exact, Letter, Number, YesNo
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        (12, "The answer is not 12.", 0),
        (12, "The answer isn't 12.", 0),
        (12, "The answer is definitely not 12.", 0),
        (12, "I don't think the answer is 12.", 0),
        (12, "I got 15, not 12.", 0),
        (15, "I got 15, not 12.", 1),
        (15, "So she has 15 apples instead of 12.", 1),
        (13, "The answer is not 12 but 13.", 1),
        (7, "The answer is 7 or 8.", 0),
        (8, "The answer is 7 or 8.", 0),
        (3, "\\boxed{3, 4}", 0),
        (3, "\\boxed{3 \\text{ or } 4}", 0),
        (3, "<answer>3, 4</answer>", 0),
        (3, "The answer is 3, for 4 people.", 1),
        (5, "答案是5。", 1),
        (42, "答えは42です。", 1),
        (42, "Anna has **42** apples. (I assumed a week of 7 days.)", 1),
        (24, "That is 2 dozen (24)", 1),
        (41, "The answer is 42. Actually, it's 41.", 1),
        (42, "41... no, 42", 1),
        (42, "41... no, 42 - 1 = 41", 0),
        (5, "La respuesta no es 5.", 0),
        (5, "答案不是5", 0),
        (1969, "It was not in 1969.", 0),
        (250, "250 is half of 500.", 1),
        (11, "A team fields 11 players, 10 of whom are outfield players.", 1),
        (3, "1, 2, 3", 0),
        (17, "17 is incorrect.", 0),
        (17, "Tim is 17, which makes him 3 years older than his sister.", 1),
        (1969, "It did not begin in 1969.", 0),
        (36, "Maria has 36 cookies left after giving 12 to her neighbor.", 1),
        (36, "I need more information: how many of the 36 were eaten?", 0),
        (20, "from $10 to $20 depending on the store", 0),
        (5, "I'm sorry, but I can't determine this from the 5 facts given.", 0),
        (5, "I have no access to the 5 files.", 0),
    ],
)
def test_number(expected: float, answer: str, value: float) -> None:
    assert score_text(Number(value=expected), answer).value == value


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        ("Paris", "I don't think the answer is Paris.", 0),
        ("Paris", "The wrong answer is Paris.", 0),
        ("Paris", "No one knows if the answer is Paris.", 0),
        ("Paris", "Paris... no, actually London", 0),
        ("London", "Paris... no, actually London", 1),
        ("Paris", "Paris\n\nThe capital of France is London.", 1),
        ("London", "Paris\n\nThe capital of France is London.", 0),
        ("Paris", "Paris\n\nIt is the capital of France.", 1),
        ("Paris", "Let us think about it for a while.\n\nParis", 1),
        ("Sydney", "Sydney is the largest city, but the capital is Canberra.", 0),
        ("Canberra", "Sydney is the largest city, but the capital is Canberra.", 1),
        ("Sydney", "Sydney is the largest city. However, the capital is Canberra.", 0),
        ("Sydney", "You might expect Sydney; however, it's Canberra.", 0),
        ("Sydney", "Canberra (Sydney is larger, though).", 0),
        ("Paris", "Paris is the capital. However, it is not the oldest city.", 1),
        ("positive", "It starts positive but the sentiment is negative.", 0),
        ("positive", "The review is far from positive.", 0),
        ("Berlin", "Die Hauptstadt ist nicht Berlin.", 0),
        ("Berlin", "No es Berlin, es Bonn.", 0),
        ("Mount Everest", "K2, second to Mount Everest", 0),
        ("Marie Curie", "Marie Curie discovered radium.", 1),
        ("Marie Curie", "Marie Curie did not discover it.", 0),
        ("10:30", "At 10:30", 1),
        ("Lima", "Could be Lima, could be Cusco.", 0),
        ("Lima", "Lima, I believe.", 1),
        ("Lima", "Peru's capital city? Lima.", 1),
        ("Lima", "Cusco, in contrast to Lima", 0),
        ("bug", "No bug was found.", 0),
        ("Ottawa", "It's Toronto; Ottawa is smaller.", 0),
        ("Ottawa", "It was Ottawa before, now it is Toronto.", 0),
        ("Ottawa", "It's Ottawa, of course!", 1),
        ("Ottawa", "Not Toronto: Ottawa.", 1),
        ("Ottawa", "The city of Ottawa", 1),
        ("Ottawa", "Canada → Ottawa", 1),
        ("$45", "It costs $45.", 1),
        ("$45", "It costs more than $45.", 0),
        ("$45", "It costs 45 euros.", 0),
        ("in progress", "It is no longer in progress.", 0),
        ("in progress", "It was in progress but is now done.", 0),
        ("the Nile", "The Nile is long, but the longest is the Amazon.", 0),
        ("Python", "It's written in Python.", 1),
        ("Jupiter", "Saturn is almost as large as Jupiter.", 0),
        ("Jupiter", "I'd say Jupiter.", 1),
        ("Jupiter", "Jupiter, followed by Saturn.", 1),
        ("Tuesday", "Tuesday is too early, so Friday.", 0),
        ("negative", "The sentiment is positive; nothing is negative.", 0),
        ("oxygen", "Gases such as nitrogen, helium, and oxygen are colorless.", 0),
        ("London", "She lives in London.", 1),
        ("True", "It prints True.", 1),
        ("blue", "It appears blue.", 1),
        ("Paris", "The answer is Lyon. Just kidding, it is Paris.", 1),
    ],
)
def test_exact(expected: str, answer: str, value: float) -> None:
    assert score_text(Exact(text=expected), answer).value == value


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I don't believe that is true.", False),
        ("I doubt that it's true.", False),
        ("I don't doubt that it's true.", True),
        ("It is unlikely that this is true.", False),
        ("There's no way that this is true.", False),
        ("Yes... hmm, actually no.", False),
        ("I don't think so.", False),
        ("Sure!", True),
        ("Of course!", True),
        ("Certainly.", True),
        ("✅ Yes", True),
        ("**Verdict:** ❌ No", False),
        ("I can't confirm that this is true.", None),
        ("Sure! Here is what I found.", None),
        ("Yes... no, it is not.", False),
        ("No answer.", None),
        ("No data available.", None),
        ("Maybe yes, maybe no.", None),
        ("Yes would be wrong.", False),
        ("By no means.", False),
        ("Claro que sí.", True),
        ("There is no way to know.", None),
        ("Exactly.", True),
        ("That's a false statement.", False),
        ("Yes... sorry, no.", False),
    ],
)
def test_yes_no(answer: str, said: bool | None) -> None:
    assert score_text(YesNo(value=True), answer).value == (1 if said is True else 0)
    assert score_text(YesNo(value=False), answer).value == (1 if said is False else 0)


@pytest.mark.parametrize("answer", ["答案是B。", "选B", "正确选项是(B)"])
def test_a_letter_that_touches_chinese_characters(answer: str) -> None:
    assert score_text(Letter(value="B", choices=4), answer).value == 1
    assert score_text(Letter(value="C", choices=4), answer).value == 0


@pytest.mark.parametrize(
    ("letter", "answer"),
    [
        ("B", "A... no, B."),
        ("B", "C, A and D are all wrong, therefore B."),
        ("B", "First I considered A, then I settled on B."),
        ("B", "B. Paris\nC is wrong because Lyon is smaller."),
        ("B", "A. Wait, actually B."),
        ("B", "After ruling out A, C and D, B remains."),
        ("B", "A is 13, so it can't be A. (B)"),
        (None, "B+"),
    ],
)
def test_a_letter_that_replaces_another(letter: str | None, answer: str) -> None:
    assert score_text(Letter(value="B", choices=4), answer).value == (1 if letter == "B" else 0)
    assert score_text(Letter(value="A", choices=4), answer).value == 0
