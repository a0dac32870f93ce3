"""Numbers that a sentence only bounds, or gives beside another, are none."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.expectation import Number
from pytest_swarm.scoring.scorers import score_text


@pytest.mark.parametrize(
    "answer",
    [
        "More than 30",
        "It is less than $30.",
        "The answer is over 30.",
        "There are fewer than 30 students in the class.",
        ">30",
        "x < 30",
        "30+",
        "30 people or more",
        "20-30",
        "anywhere from 20 to 30",
        "before 30",
        r"\boxed{>30}",
        "The answer is 30 to 40.",
        "The answer is 30-40.",
        "The answer is 30 apples or 8.",
    ],
)
def test_a_limit_is_no_answer(answer: str) -> None:
    assert score_text(Number(value=30), answer).value == 0


@pytest.mark.parametrize(
    "answer",
    [
        "She needs at least 30.",
        "He left after 30 minutes.",
        "> 30",
        "That adds up to 30",
        "12 more than 18 makes 30",
        "There are 40 - 10 = 30 students over 16.",
        "It rose from 20 to 30.",
        "It is 30 or, more precisely, 30.0",
        "Work out 50 - 20. That leaves more room. In the end it was over 30.",
    ],
)
def test_a_number_beside_the_same_words_is_one(answer: str) -> None:
    assert score_text(Number(value=30), answer).value == 1


@pytest.mark.parametrize(
    "answer",
    [
        "Ana pagará $30 cada mes durante 3 meses.",
        "Ana debe entregar 30 rosas antes de las 5 p. m.",
        "Ana necesita $30 para pagar los 16 vasos.",
        "Ana ahorra $30 al comprar 18 flores.",
        "Ana gana $30, si vende 18 flores.",
        "Anna a regardé 30 épisodes de 20 minutes.",
        "Anna devra verser 30 $ chaque mois pendant 3 mois.",
        "Anna gagne 30 $ en vendant 43 brownies.",
        "Claire isst 30 Eier innerhalb von 4 Wochen.",
        "Anna spart 30 Euro, wenn sie 18 Blumen kauft.",
        "安娜看了30集每集20分钟的节目。",
        "She spent a total of $30 on 4 cucumbers, 20 peppers, and 10 oranges.",
        "She has 30 plants left after giving away 1 plant of each kind.",
        "10 years from now, Al will be 30 years old.",
        "8 pens cost $30.",
        "10 bats need 30 pounds of insects every day.",
        "She saves $30 by buying 18 flowers.",
        "It takes 30 hours to return at a speed of 6 miles per hour.",
        "She can fill 30 bags with 2 lollipops each.",
        "She can go 30 times with her $42 budget.",
        "The bell was rung 30 times by all 4 friends.",
        "There are 30 flowers, consisting of 4 roses and 26 dahlias.",
        "She can eat 30 grams without exceeding the daily limit of 2000 calories.",
        "There are 30 episodes in season 1.",
    ],
)
@pytest.mark.parametrize("lead", ["", "Answer: "])
def test_a_number_that_says_how_when_or_of_what_is_none(lead: str, answer: str) -> None:
    assert score_text(Number(value=30), lead + answer).value == 1


@pytest.mark.parametrize(
    "answer",
    [
        "Answer: In 5 years, she will be 30.",
        "Answer: 3/4 of 40 is equal to 30.",
        "Given that a dog has 4 legs, the total for 3 dogs comes to 30.",
        "El precio es de 30 euros.",
    ],
)
def test_a_number_that_is_stated_by_the_same_words_is_one(answer: str) -> None:
    assert score_text(Number(value=30), answer).value == 1
