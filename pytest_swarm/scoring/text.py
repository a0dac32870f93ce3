"""Scoring texts: keywords, and an exact text that may stand in a chat reply.

`read_text` finds the line of a reply that gives its answer (the value of a JSON object, a box, what follows "answer
is", its only block, its first or last line) and cuts it in several ways. An exact text is right where one of the cuts
is the same text (`same_text`), else where the sentence names it as its answer (`named_answer`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_swarm.domain.bare_formula import bare_formula
from pytest_swarm.domain.expectation import Exact, Keywords
from pytest_swarm.scoring.answer_regions import AnswerRules, answer_field, read_answer
from pytest_swarm.scoring.asides import without_offers, without_reason
from pytest_swarm.scoring.fences import fences, unfenced
from pytest_swarm.scoring.formulas import with_formulas_in_lines, without_delimiters
from pytest_swarm.scoring.named_answer import names_as_answer
from pytest_swarm.scoring.patterns import BELIEF, CONCLUDING, DENIAL
from pytest_swarm.scoring.same_text import normalized, one_spelling, undressed
from pytest_swarm.scoring.text_lists import LIST_MARK, bare_items, list_in_one_line
from pytest_swarm.scoring.verdict import RIGHT, AnswerPlace, Reading, Score, score_reading, share, shown, wrong

_MAX_LINE_CHARS: Final = 4000
_LEAD_IN: Final = re.compile(
    r"[\s:*_]{0,6}(?:(?:so|therefore|thus|hence|then|well|sure)\b[,!]?\s{1,3}){0,2}"
    r"(?:i(?:'d|’d)?\s(?:(?:would|must)\s)?(?:think|believe|guess|say|suppose)\s(?:that\s)?)?(?:it|this|that|he|she"
    r"|they"
    r"|here|(?:the|my) \w{1,20})(?:'s|’s|\s(?:is|was|are|were|would be|must be|should be|appears|seems|looks))\s{1,3}"
    r"|i(?:'d|’d|\swould)?\s(?:say|guess|pick|choose|go with)\s"
    r"|(?:at|in|on|by|(?:dr|mr|mrs|ms|prof)\b\.?|professor|president|sir)\s(?=\S)"
    r"|the\s(?:city|town|state|country|island|river|planet|month|year|element|gas|colou?r|word|letter|author|artist"
    r"|physicist|scientist|composer|painter)\s(?:of\s)?(?=\S)",
    re.IGNORECASE,
)
_HEDGE: Final = re.compile(
    r"(?:(?:probably|most likely|likely|definitely|certainly|clearly|simply|deductively|logically"
    r"|i (?:think|believe|guess|would say)(?: that)?)"
    r"\b,?\s{1,3}|(?:hmm+|well|oh|yes(?!,? no\b)|i['’]m not (?:certain|sure|100% sure))\b,?\s{1,3}(?:but\s)?"
    r"|[^?.!\n]{1,60}\?\s{1,2}(?:no,\s{1,2})?"
    r"|\W{0,3}no[.,:!]\s{1,3}(?=(?:it|the|that|this)\b)"
    r"|(?:so|thus|therefore|hence),?\s{1,3}|not\s[^.,;:\n]{1,60}(?:,?\sbut\s(?:rather\s)?|[:;—–]\s)){1,2}(?=\S)",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|great question|good question|no problem|here you (?:go|are))\b"
    r"[^.!:\n]{0,40}[.!:]\s+",
    re.IGNORECASE,
)
_COPULA: Final = re.compile(
    r"\s(?:(?:translates|(?:is|can be) translated) (?:to|as|into)|equals|reads"
    r"|(?:is|was|are|were)(?:\s(?:thus|therefore|hence|indeed))?"
    r"|looks like|seems to be|appears to be|prints|returns|outputs|means|stands for"
    r"|expresses|gives|yields|(?:simplifies|evaluates|comes) to"
    r"|(?:classified|categorized|labell?ed|(?:classify|categorize|label|rate) [\w ]{2,30}?) as"
    r"|ist|sind|war|est|sont|es|son|é|heißt|lautet|s['’]appelle|se llama|si chiama|называется)\s"
    r"|(?<=[\u0430-\u044f\u0451])\s[-–—]\s"
    r"|(?<=[\u3040-\u9fff])(?<![不非])(?:[是为は]|[:\uff1a]\s?)"
    r"|(?:(?<=[A-Za-z\"'”’)])|(?<=[a-z]\s\d{4}))[*_]{0,2}:[*_]{0,2}\s|\s(?:=|→|->|=>)\s"
)
_EQUALS: Final = ("=", "→", "->", "=>")
_DENIED: Final = re.compile(rf"\b(?:either|if)\b|{DENIAL}", re.IGNORECASE)
_CONTRAST: Final = re.compile(r",?\s(?:while|whereas|(?:even )?though|although|despite)\s", re.IGNORECASE)
_CONCLUSION: Final = re.compile(rf"\W{{0,3}}(?:{CONCLUDING}),?\s(?!(?:he|she|they|that|this|there)\b)", re.IGNORECASE)
_RETRACTION: Final = re.compile(
    r"\W{0,4}(?:(?:no|wait|actually|sorry|correction|hmm+|oops|scratch that|i mean|on second thought|let me)\b"
    r"|(?:but\s)?(?:that|this|it)(?:'s|’s|\sis|\swas)\s(?:\w{1,12}\s)?(?:wrong|incorrect|not\b|false|a mistake))",
    re.IGNORECASE,
)
_CONTRARY: Final = re.compile(r"\W{0,3}(?:however|but|yet|in fact|actually)\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(
    r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\bJr)(?<!\bvs)[.!](?!(?<=\bNo\.)\s\d)(?=\s+[^\sa-z])"
)
_DISCLAIMER: Final = re.compile(
    r"\W*(?:as an AI\b|hello\b|hi\b|i(?:['’]m| am) (?:an AI|sorry)\b|i (?:do not|don['’]t) have"
    rf"|you (?:asked|want to know)\b|{BELIEF}\b)",
    re.IGNORECASE,
)
_CONDITION: Final = r"(?:at|when|where|for|if|with)\s"  # "5 at x = 3"
_OF_CONDITION: Final = re.compile(rf"\b{_CONDITION}\S{{1,20}}\s=\s$")
_CONDITION_CHARS: Final = 40
_EXPLANATION: Final = re.compile(
    r"(?:,\s|\s)(?:because|since|as|which|who|where|not|rather than|instead of|followed by)(?=\s|$)"
    r"|(?<=[\u3040-\u9fff])(?:です|である)(?=\W*$)|\s[-–—]\s|\s\(|(?<=[\"”])\sby\s(?=[A-Z])|,\s"
    r"(?=(?:the|an?|in|on|at|attained|achieved|reached|of course|obviously|indeed|i (?:think|believe|guess|suppose))\b)"
    rf"|;\s|\s{_CONDITION}(?=[^\s=]{{1,20}}\s?=)",
    re.IGNORECASE,
)
_BOLD: Final = re.compile(r"\*\*([^*\n]{1,300})\*\*|__([^_\n]{1,300})__|`([^`\n]{1,300})`")
_LABEL: Final = re.compile(  # "[positive]" as in the prompt, "Positive sentiment"
    r"^\[?((?<=\[)[A-Za-z][\w -]{0,60}(?=\]\W?$)|[A-Za-z-]{1,40}(?= (?:sentiment|category|class|label|priority)\W?$))"
)
_QUOTED: Final = re.compile(r"[\"“„'‘«]([^\"”“'’»\n]{1,200})[\"”“'’»](?=[\s.,;]|$)")
_SYMBOLS: Final = re.compile(r"[\"“`]([^\w\"”`\n]{1,60})[\"”`]")  # "To close it we need "> ) }"."
_PREFIXED: Final = re.compile(r"(?:in|im|un|ir|il)-?([a-z]{4,30})")
_INDEX: Final = re.compile(
    r"(?<=[a-z)}\]])(?<!log)_(?:\{(\d{1,3})\}|(\d))"
)  # H_2O is H2O in a formula, 2516_8 no 25168
_FORMULA: Final = re.compile(r"[\\$=√π≈]")
_BEGINNING: Final = re.compile(r"\W*(?:let['’]?s|let us|let me|we|first|step)\b", re.IGNORECASE)  # of working
_SENTENCE_WORDS: Final = 5  # a line of fewer words is no sentence


def score_keywords(expected: Keywords, text: str) -> Score:
    """Share of `expected.words` that the answer mentions as whole words, in any case and spelling of their signs."""
    spelled = one_spelling(text)
    patterns = [rf"(?<!\w){re.escape(one_spelling(word))}(?!\w)" for word in expected.words]  # no "fib" in "Fibonacci"
    found = [re.search(pattern, spelled, re.IGNORECASE) is not None for pattern in patterns]
    lost = ", ".join(word for word, mentioned in zip(expected.words, found, strict=True) if not mentioned)
    return share(sum(found), len(found), f"not mentioned: {lost}")


def score_exact(expected: Exact, text: str) -> Score:
    """1 where the answer that the text gives is `expected.text`, but for its spelling (see `normalized`).

    With `strict`, the whole text must be it, without surrounding space, fence and case.
    """
    if expected.strict:
        said = unfenced(text)
        same = said.casefold() == expected.text.strip().casefold()
        return RIGHT if same else wrong(f"the answer is {shown(text)}, not {shown(expected.text)}")
    wanted = normalized(expected.text)
    reading = read_text(_with_prefix(text, wanted))
    fitting = next((value for value in _spellings(reading, text, wanted) if normalized(value) == wanted), None)
    if fitting is None and re.search(r"[\\=]", expected.text):  # an answer without the expected name and unit
        first = reading.values[0]
        fitting = first if normalized(bare_formula(expected.text)) == normalized(first) else None
    asks = without_offers(text).rstrip(" *_").endswith("?")  # and does not answer: it repeats a question
    if fitting is None and not asks and names_as_answer(reading.text, expected.text):
        fitting = expected.text
    said = undressed(reading.values[0] if fitting is None else fitting)
    read = Reading(values=(said,), text=said, place=reading.place)
    detail = f"the answer is {shown(said)}, not {shown(expected.text)}"
    return score_reading(read, right=fitting is not None, detail=detail)


def _with_prefix(text: str, wanted: str) -> str:
    """The text with "invalid" for "not valid", where that word is wanted."""
    prefixed = _PREFIXED.fullmatch(wanted)
    if prefixed is None:
        return text
    return re.sub(rf"(?:n['’]t|\bnot)\s(?:\w{{2,14}}ly\s)?{prefixed[1]}\b", f" {wanted}", text, flags=re.IGNORECASE)


def _spellings(reading: Reading[str], text: str, wanted: str) -> Iterator[str]:
    """What a text may give, also as a list in one line where one is wanted, a formula also without indices and unit."""
    yield from reading.values
    if "," in wanted:
        yield list_in_one_line(text)
        yield from (bare_items(value) for value in reading.values)
    elif "," not in text:
        yield list_in_one_line(text).replace(", ", " ")
    if _FORMULA.search(text):
        for value in reading.values:
            yield _INDEX.sub(r"\1\2", normalized(value))
            yield bare_formula(undressed(value))


def read_text(text: str) -> Reading[str]:
    """Return the text that a reply gives as its answer, with other cuts of the same words, the likeliest first."""
    whole = unfenced(text)
    field = answer_field(whole)
    reading = _region(field, AnswerPlace.OBJECT) if field else read_answer(text, _RULES)
    if reading is None:
        return Reading(values=(whole,), text=whole, place=AnswerPlace.WHOLE)
    if reading.place is AnswerPlace.WHOLE:
        return reading
    return Reading(values=(*reading.values, whole), text=reading.text, place=reading.place)


def _region(text: str, place: AnswerPlace) -> Reading[str] | None:
    """The text of a place that holds the answer: all of a box, the first line after a marker."""
    if place in (AnswerPlace.BOX, AnswerPlace.TAG):
        return _line(unfenced(text), place, whole=unfenced(text))
    blocks = fences(text) if text.lstrip(" \t\n*_:").startswith(("```", "~~~")) else ()
    if blocks:
        return _reading((blocks[0].text.strip(),), place)
    line = next((line for line in text.split("\n") if line.strip(" \t*_:#>$\"'")), "")
    line = line.lstrip(" \t:").removeprefix("** ").removeprefix("**:")
    return _line(_without_end_of_emphasis(line), place) if line.strip() else None


def _without_end_of_emphasis(line: str) -> str:
    """The line without the end of an emphasis that began before it: " Paris**" of "**Answer: Paris**"."""
    for mark in ("**", "__", "*", "_"):
        before, found, after = line.rpartition(mark)
        if found and line.count(mark) % 2 and not after.strip(" .!"):
            return before + after
    return line


def _own(text: str) -> Reading[str] | None:
    """The whole text, its only block, its last line, or a first line that a blank one follows."""
    blocks = fences(text) if "```" in text or "~~~" in text else ()
    whole = with_formulas_in_lines(unfenced(text))
    if len(blocks) == 1:
        return _reading(
            (blocks[0].text.strip(), whole), AnswerPlace.WHOLE if whole != text.strip() else AnswerPlace.BLOCK
        )
    said = without_offers(_GREETING.sub("", whole, count=1)) if len(whole) < _MAX_LINE_CHARS else whole
    lines = [line for line in without_reason(said).split("\n") if line.strip()]
    if len(lines) < 2:
        return _line(lines[0] if lines else said, AnswerPlace.WHOLE, whole=whole)
    leads = re.match(r"[^\n]*\w[^\n]*\n[ \t]*\n", said) is not None and _leads(lines[0], lines[-1])
    return _line(lines[0] if leads else lines[-1], AnswerPlace.WHOLE, whole=whole)


def _leads(first: str, last: str) -> bool:
    """Whether the first line is the answer and the last one explains it: one of the two, never both."""
    if _is_short(last) or (_CONCLUSION.match(last) and _COPULA.search(last)):
        return False
    names = _COPULA.search(last) is not None or _BOLD.search(last) is not None
    return (_is_short(first) and not _BEGINNING.match(first) and not first.rstrip("*_ ").endswith(":")) or not names


def _is_short(line: str) -> bool:
    return len(line.split()) < _SENTENCE_WORDS


def _cuts(line: str) -> tuple[str, ...]:
    """The line, and what is left of it without its lead-in, explanation and further sentences."""
    line = line.strip()[:_MAX_LINE_CHARS]
    found = [line, LIST_MARK.sub("", line), *_LABEL.findall(line)]
    line = without_delimiters(line)
    line = _HEDGE.sub("", line) if _HEDGE.match(line) else line
    sentence, *rest = _SENTENCE.split(line, maxsplit=1)
    if rest and _RETRACTION.match(rest[0]):
        return (line,)
    symbols = _SYMBOLS.findall(_SENTENCE.split(line)[-1])
    if len(symbols) == 1:
        return (line, *symbols)
    for part in (line, sentence):
        lead_in = _LEAD_IN.match(part)
        bare = part[lead_in.end() :] if lead_in else part
        head = _CONTRAST.split(part, maxsplit=1)[0]
        head = head if _COPULA.search(head) else part  # "He who fled while in Paris was Nureyev."
        copula = _after_copula(head)
        quoted = None if copula == part else _QUOTED.match(copula)  # "means 'good morning' in German"
        found += [] if quoted is None else [quoted[1]]
        found += [part, *(_without_explanation(each) for each in (bare, copula)), bare, copula]
        found += [_after_copula(head, signs=False)] if "=" in head else []  # "The line is y = 2x."
        found.append(_after_copula(_without_explanation(head)))  # "It is Q, which is worth 10 points."
    bold = {next(filter(None, match.groups())).strip() for match in _BOLD.finditer(line)}
    if len(bold) == 1:
        found += bold
    return tuple(found)


def _without_explanation(part: str) -> str:
    """What stands before an explanation; the whole where that takes it back: "Paris - sorry, Lyon"."""
    found = _EXPLANATION.search(part)
    return part if found is None or _RETRACTION.match(part, found.end()) else part[: found.start()]


def _after_copula(part: str, *, signs: bool = True) -> str:
    """What a sentence says after its last "is", or "=" with `signs`; the sentence itself where it denies something."""
    whole = " " + part
    said = [each for each in _COPULA.finditer(whole) if signs or each[0].strip() not in _EQUALS]
    while len(said) > 1 and _OF_CONDITION.search(whole[: said[-1].end()][-_CONDITION_CHARS:]):
        said.pop()  # "The least value is 5 at x = 3."
    sign = bool(said) and said[-1][0].strip() in _EQUALS  # "not True = False"
    if not said or (not sign and _DENIED.search(part, 0, max(0, said[-1].start() - 1))):
        return part
    return whole[said[-1].end() :]


def _conclusion(line: str) -> str | None:
    """The last sentence that draws a conclusion from those before it: "So the shortest is Bob."."""
    later = _SENTENCE.split(line)[1:]
    return next((part for part in reversed(later) if _CONCLUSION.match(part) and _COPULA.search(part)), None)


def _line(line: str, place: AnswerPlace, *, whole: str = "") -> Reading[str] | None:
    """The reading of a line: what it may give as the answer, and as its words the sentence that says so."""
    sentence, *rest = _SENTENCE.split(line.strip()[:_MAX_LINE_CHARS], maxsplit=1)
    if rest and _DISCLAIMER.match(sentence):
        line = rest[0].strip()
        sentence, *rest = _SENTENCE.split(line, maxsplit=1)
    taken_back = rest and (_RETRACTION.match(rest[0]) or _CONTRARY.match(rest[0]))
    statement = line if taken_back else _conclusion(line) or sentence
    return _reading((whole, *_cuts(line)), place, statement=statement)


def _reading(values: Iterable[str], place: AnswerPlace, *, statement: str = "") -> Reading[str] | None:
    kept = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    return Reading(values=kept, text=statement or kept[0], place=place) if kept else None


_RULES: Final = AnswerRules(region=_region, own=_own)
