"""Scoring a letter: which of the choices A, B, C ... an answer settles on.

After "answer is" (`_region`) the letter that the statement begins with counts, else the only one that it gives. In a
whole text (`_own`) the first of these that there is: a letter alone; one that the text begins with; the only one that a
list calls right; the last that a sentence names as right; the only one with a check mark; the last that stands as an
answer near the end. Which letters stand by themselves, and what is said of them, is owned by `letter_tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from pytest_swarm.domain.expectation import Letter
from pytest_swarm.scoring.answer_regions import AnswerRules, read_answer
from pytest_swarm.scoring.choice_lists import (
    judged_choice,
    lists_choices,
    starts_of_quoted_choices,
    ticked_choice,
)
from pytest_swarm.scoring.letter_tokens import (
    LETTER_ASIDE,
    StandingLetter,
    another_beside,
    is_denied,
    is_denied_after,
    is_denied_before,
    is_hedged,
    is_in_formula,
    standing_letters,
    stands_as_answer,
)
from pytest_swarm.scoring.patterns import ADVERB, one_of
from pytest_swarm.scoring.plain_text import (
    MAX_STATEMENT_CHARS,
    breaks_off,
    first_statement,
    plain_words,
    without_cjk_edges,
)
from pytest_swarm.scoring.verdict import AnswerPlace, Reading, Score, score_reading, wrong

_LAST_LETTERS: Final = 400  # letters that are looked at from the end of a text
_END_CHARS: Final = 200  # a letter that no word names as the answer counts only where the text ends with it
_TAIL_CHARS: Final = 20_000  # of a text that are searched for a letter that stands as an answer

_LEAD_IN: Final = re.compile(
    r"(?:[\s\"'(\[{:;,=>*-]|"
    + one_of(
        f"{ADVERB}, the, my, most, indeed, therefore, thus, so, just, choice, options?, letters?, answers?, la, el, "
        "le, die, der, donc, dunque, quindi, portanto, opción, opcion, opção, opzione, lettre, letra, a letra, "
        "lettera, réponse, respuesta, number, only, correct, right, best, is, be, it, it's, that, either, both, then, "
        "now"
    )
    + r"\b(?=\W))*",
    re.IGNORECASE,
)
_RIGHT: Final = one_of("correct, right, best, true, appropriate, accurate, suitable, likely")
_NAMED: Final = re.compile(
    r"\bonly(?=\s[(\[]?[A-Z][)\]]?\s(?:is|holds|applies|fits|remains|works|matches)\b)"
    rf"|(?:\b{_RIGHT}\s"
    + one_of("one, option, choice, statement, response, letter, description, match, conclusion")
    + r"|\bmy (?:choice|pick|selection|guess|vote)|\"(?:choice|option|letter|label)|\b"
    + one_of("conclusion, verdict, result, solution, selected option, selection, correct")
    + r"|(?:incorrect|false) statement)(?: here)?\W{0,3}(?:\s?(?:is|would be|must be|should be|seems to be|=)\b|:)|\b"
    + one_of("i, i'd, i'll, we, would, will, should, can, must, therefore, so")
    + " "
    + one_of("choose, pick, select, go with, opt for, say, answer, settle on, conclude")
    + r"\b|\b"
    + one_of(
        "choosing, picking, selecting, going with, chose, selected, picked, settled on, went with, opted for, "
        "leaning towards?, lean towards?, leaning to"
    )
    + r"\b|\bmakes(?=\s\W?[A-Z]\b[^.,;\n]{0,60}\s(?:correct|right|best)\b)",
    re.IGNORECASE,
)
_NO_CHOICE: Final = re.compile(
    r"(?-i:\W*[A-Z]{2,6}\W*(?:<|$))|\W*(?:无(?:正确|$|\s)|没有正确|都不正确|题目(?:可能)?(?:有误|存在错误|出错))"
    r"|[\s\"'(\[]*(?:none|neither)(?: one)?(?: of (?:the|these|those|them)\b[\w\s]{0,30})?[\s\"')\].]*$",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(
    r"(?<!\w)[(\[]?A[)\]]?\s?(?:-|–|through|thru|to)\s?[(\[]?[B-Z][)\]]?(?!\w)|\b[Bb]etween [A-Z] and [A-Z],"
)
_STATED: Final = re.compile(
    rf"[\")\]]?{LETTER_ASIDE}\.?\s{{0,2}}(?:"
    + one_of("is, was, must be, would be, should be, has to be, seems(?: to be)?, looks, appears(?: to be)?")
    + rf"\s(?:(?:{ADVERB}|therefore|thus|indeed|most likely|also)\s)?"
    + r"(?:(?:the|my)\s(?:only\s)?(?:(?!second|third|next|other)\w{2,12}\s)?"
    + one_of("correct, right, best, answer, true, one, most, option, choice, pick")
    + r"|correct|right|best|true)\b(?!\s(?:only\s)?if\b)"
    r"|(?:ist|est|es|è|é)\s(?:richtig|korrekt|correct[aeo]?|corretta)\b"
    r"|(?:项|选项)?\s?是?正确(?!的是)|remains(?=\W*$)|(?:fits|matches|works|is) (?:the )?(?:best|better|more \w+)\b"
    r"|(?:fits|meets|satisfies|matches) (?:all|every|both)\b)",
    re.IGNORECASE,
)
_CALLED_RIGHT: Final = re.compile(  # but not "is the right answer"
    rf"[\")\]]?{LETTER_ASIDE}\s(?:is|seems|looks)\s(?:(?:{ADVERB}|indeed|also)\s)?(?:correct|right|true)\b(?! only\b)"
    r"(?P<too>,?\s(?:too|as well)\b)?"
)
_CHANGED: Final = re.compile(
    r"\b"
    + one_of("wait, no, not, hmm+, actually, however, but, though, so, therefore, thus, hence, which, if, while")
    + r"\b",
    re.IGNORECASE,
)
_ONLY_LETTERS: Final = re.compile(r"(?:[ \t\n,;/.()\[\]]*[A-Za-z](?!\w))+[ \n,;/.()\[\]]*")
_STOP: Final = re.compile(r"[.):,;\n]|\s[-–—]\s|\sbecause\b")
_QUOTED: Final = re.compile(r"(?<!\w)'(?=\w)|(?<=[\w.])'(?!\w)")


def score_letter(expected: Letter, text: str) -> Score:
    """1 where the answer settles on `expected.value`; 0 for another letter, for two letters, and for none."""
    reading = read_letter(text, choices=expected.choices)
    if reading is None:
        return wrong("the answer names no choice")
    if not reading.values:
        return score_reading(reading, right=False, detail=f"the answer names no single choice of {expected.choices}")
    letter = reading.values[0]
    return score_reading(
        reading, right=letter == expected.value, detail=f"the letter is {letter}, not {expected.value}"
    )


def read_letter(text: str, *, choices: int) -> Reading[str] | None:
    """Return the letter that an answer settles on, None where it names none.

    A reading without a value: the answer names two letters, or one beyond the choices.
    """
    rules = AnswerRules(region=partial(_region, choices=choices), own=partial(_own, choices=choices))
    return read_answer(text, rules)


def _region(text: str, place: AnswerPlace, *, choices: int) -> Reading[str] | None:
    """The letter of a place that holds the answer: the one it begins with, else the only one in its statement."""
    words = _QUOTED.sub("", without_cjk_edges(plain_words(text[:MAX_STATEMENT_CHARS])))
    statement = first_statement(words)
    lead_in = _LEAD_IN.match(statement)
    begin = 0 if lead_in is None else max(0, lead_in.end() - 1)
    letters = list(standing_letters(statement))
    first = next((each for each in letters if begin - 1 <= each.start <= begin + 1), None)
    if first is not None and not is_denied_after(statement, first) and not is_denied_before(statement, first):
        return _settled(statement, first, place, choices)
    given = [
        each for each in letters if not is_denied(statement, each) and stands_as_answer(statement, each, after=(",",))
    ]
    given = [each for each in given if not is_hedged(statement, each)] or given  # "It's (B), but (C) is close."
    if not given:  # "The answer is none of the above.", "BD"
        return Reading(values=(), text=statement, place=place) if _NO_CHOICE.match(statement) else None
    if len({each.name for each in given}) > 1:
        return Reading(values=(), text=statement, place=place)
    return _settled(statement, given[-1], place, choices)


def _settled(text: str, letter: StandingLetter, place: AnswerPlace, choices: int) -> Reading[str]:
    """The reading of a letter: without a value where another one is given beside it, or where it is no choice."""
    another = another_beside(text, letter)
    if another is not None and another["letter"] != letter.name:
        return Reading(values=(), text=text[letter.start : another.end()], place=place)
    valid = ord(letter.name) - ord("A") < choices
    return Reading(values=(letter.name,) if valid else (), text=text[letter.start : letter.end].strip(), place=place)


def _own(text: str, *, choices: int) -> Reading[str] | None:
    """The kind's own rule: a letter alone, one that a sentence names as right, a leading one, the last that stands."""
    words = _RANGE.sub(" ", _QUOTED.sub("", without_cjk_edges(plain_words(text))))
    alone = re.fullmatch(r"\W{0,6}([A-Za-z])\W{0,6}", words)
    if alone and not set("*+#") & set(words):
        at = StandingLetter(name=alone[1].upper(), start=alone.start(1), end=alone.end(1), bracketed=False)
        return _settled(words, at, AnswerPlace.WHOLE, choices)
    names = {match.upper() for match in re.findall(r"\w", words)} if _ONLY_LETTERS.fullmatch(words) else set()
    if len(names) > 1:  # "(A) (B) (C) (D)"
        return Reading(values=(), text=words, place=AnswerPlace.WHOLE)
    tail = words[-_TAIL_CHARS:]
    leading = _leading(words)
    if leading is not None:
        first = _settled(words, leading, AnswerPlace.FIRST_WORD, choices)
        return first if first.values else _named(tail, choices) or _last_standing(tail, choices) or first
    return (
        judged_choice(text[-_TAIL_CHARS:], choices)
        or _named(tail, choices)
        or ticked_choice(text[-_TAIL_CHARS:], choices)
        or _last_standing(tail, choices)
    )


def _leading(words: str) -> StandingLetter | None:
    """The letter that a text begins with, followed by a stop; not where it is the first of a list of choices."""
    first = next(standing_letters(words[:20]), None)
    if first is None or words[: first.start].strip(" *\"'") or words.startswith("?", first.end):
        return None
    if len(words) > _END_CHARS and first.name not in words[first.start : first.end]:
        return None  # "(a) The speed is ... (b) The mass is ...": parts of a question
    if not first.bracketed and not _STOP.match(words, first.end):
        return None
    if is_denied_after(words, first) or _CALLED_RIGHT.match(words, first.end):
        return None
    return None if lists_choices(words, first) else first


def _named(words: str, choices: int) -> Reading[str] | None:
    """The letter of the last sentence that names one as right: "the correct option is B", "B is correct"."""
    best: tuple[int, Reading[str]] | None = None
    for match in list(_NAMED.finditer(words))[-_LAST_LETTERS:]:
        reading = _region(
            words[match.end() : match.end() + MAX_STATEMENT_CHARS], AnswerPlace.STATEMENT, choices=choices
        )
        if reading is not None:
            best = (match.end(), reading)
    letters = list(standing_letters(words))[-_LAST_LETTERS:]
    stated = [
        number
        for number, letter in enumerate(letters)
        if _STATED.match(words, letter.end)
        and stands_as_answer(words, letter, after=(",", ";", " while", " whereas"))
        and not is_denied_before(words, letter)
    ]
    if _several_right(words, [letters[number] for number in stated]):
        start, end = letters[stated[0]].start, letters[stated[-1]].end
        if best is not None and best[0] > end:
            return best[1]
        undecided: Reading[str] = Reading(values=(), text=words[start:end], place=AnswerPlace.STATEMENT)
        return _last_standing(words, choices, start=end) or undecided
    for number in stated:
        letter, previous = letters[number], letters[number - 1]
        reading = _settled(words, letter, AnswerPlace.STATEMENT, choices)
        if number and _joins(words, previous, letter) and not is_denied_before(words, previous):
            reading = Reading(values=(), text=words[previous.start : letter.end], place=reading.place)
        if best is None or letter.start >= best[0]:
            best = (letter.start, reading)
    return None if best is None else best[1]


def _several_right(words: str, stated: Sequence[StandingLetter]) -> bool:
    """Whether a text judges letters and chooses none: it calls three right, or two side by side, "B is true too"."""
    called = [(each, match) for each in stated if (match := _CALLED_RIGHT.match(words, each.end))]
    if not called or called[-1][0] != stated[-1]:
        return False
    last, match = called[-1]
    others = [each for each, _ in called if each.name != last.name]
    if len({each.name for each in others}) != 1:
        return bool(others)
    return match["too"] is not None or _CHANGED.search(words, others[-1].end, last.start) is None


def _last_standing(words: str, choices: int, *, start: int = 0) -> Reading[str] | None:
    """The last letter that stands as an answer: bracketed, on a line of its own, or after a word such as "is".

    Only letters from `start` on are looked at.
    """
    found = [each for each in standing_letters(words) if not is_in_formula(words, each)]
    denied = {each.name: each.start for each in found if is_denied(words, each)}
    letters = [each for each in found if each.start > max(start - 1, denied.get(each.name, -1))]
    quoted = starts_of_quoted_choices(words)
    ending = [each for each in letters if each.start >= len(words) - _END_CHARS]
    standing = [each for each in ending if stands_as_answer(words, each) and not {each.start, each.start + 1} & quoted]
    certain = [each for each in standing if not is_hedged(words, each)]
    if not standing or breaks_off(words, standing[-1].end):
        return None
    last = (certain or standing)[-1]
    if not certain and len({each.name for each in standing}) > 1:  # "Could be A, could be B."
        return Reading(values=(), text=words[standing[0].start : last.end], place=AnswerPlace.LAST)
    previous = next((each for each in reversed(letters) if each.start < last.start), None)
    if previous is not None and _joins(words, previous, last):
        return Reading(values=(), text=words[previous.start : last.end], place=AnswerPlace.LAST)
    return _settled(words, last, AnswerPlace.LAST, choices)


def _joins(words: str, one: StandingLetter, other: StandingLetter) -> bool:
    """Whether a text gives two letters in one breath: "A or B", "A and option B"."""
    joint = another_beside(words, one)
    return joint is not None and joint.start("letter") == other.start + other.bracketed and one.name != other.name
