"""The places of a text where an answer is looked for, and the order in which they are read.

For every kind the order is the same: the last `\\boxed{}` or `<answer>`, then what follows the last "answer is" or
"answer:", then the kind's own rule on the whole text. What follows a model's own correction ("Wait, ...") is read
before the rest. Of a reply that is a JSON object, `answer_field` is the place. All searches take time linear in the
length of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic

from pytest_swarm.scoring.asides import before_next_question
from pytest_swarm.scoring.fences import fences, unfenced
from pytest_swarm.scoring.patterns import BELIEF
from pytest_swarm.scoring.plain_text import with_short_gaps
from pytest_swarm.scoring.verdict import AnswerPlace, Reading, ValueT

MAX_BOX_CHARS: Final = 2000  # a longer box is no final answer
MAX_TRIES: Final = 300  # boxes and markers that are looked at from the end; keeps hostile texts cheap
_MAX_MARKERS: Final = 3  # that are tried from the end
_MARKER_CHARS: Final = 200
_TAG: Final = re.compile(r"<(?:final_?)?answer>", re.IGNORECASE)
_TAG_END: Final = re.compile(r"</(?:final_?)?answer>", re.IGNORECASE)
_BOX: Final = re.compile(r"\\f?(?:boxed|box)\s{0,2}\{")
_DECORATION: Final = r"[*_`\"'”’)\]]{0,4}"
_ANSWER: Final = (
    "answers?|antwort|lösung|réponse|respuesta|risposta|resposta|ответ"
    r"|(?:opci[óo]n|option|opção|opzione|alternativa)(?=\s(?:correcta|correcte|correta|corretta)\b)"
)
_ANSWER_CJK: Final = "答案|答え|정답"
_WORD: Final = re.compile(rf"(?<![\w/<])(?:{_ANSWER})|{_ANSWER_CJK}", re.IGNORECASE)
_LINK: Final = re.compile(
    rf"(?:{_ANSWER}|{_ANSWER_CJK})(?:\s(?:correcta|correcte?|correta|corretta|giusta|exacte|final[ea]?))?{_DECORATION}"
    r"(?:\s?\([^()\n]{1,60}\)[*_]{0,2})?"
    r"(?:\s(?!for all\b)(?:to|for|of|in|here)\b[^.!?\n:=]{0,120}?)?"
    rf"\s{{0,2}}[*_]{{0,2}}(?:(?<=[\s*_])(?:is|was|are|(?:would|will|should|must|can only) be|comes (?:out )?to"
    rf"|equals|ist|lautet|est|es|é|è)\b(?!n't|n’t)"
    rf"|[是为は는은】]|[:\uff1a=≈→⇒]|(?:-{{1,2}}|=)>|\s[-–—]\s|{_DECORATION}\s{{0,3}}\n)"
    r":?",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"(?:(?<=\n)|^)[ \t>*_]{0,6}(?:A:|(?:Ans|ANS)[.:])[*_]{0,3}(?=\s)|(?:(?<=\n)|^)#{4}\s(?=[-−$\d])"
)
_HEADING: Final = re.compile(r"(?:^|\n)[^\w\n]{0,8}(?:(?:the|my|final|correct|right|best)\s){0,3}$", re.IGNORECASE)
_CONDITION: Final = re.compile(
    r"\b(?:if|whether|unless|what|which|no|not)\s(?:that\s)?(?:(?:the|your|my|this|an?)\s)?(?:(?:final|correct"
    r"|right|best)\s)?$|\b(?:long|longer|detailed|wrong|incorrect|initial|first|original"
    r"|previous|earlier|possible|potential|candidate)\s$"
    r"|\b(?:do|does|did|would)(?:n['’]t| not) (?:think|believe|suppose|say) (?:that )?(?:the|my|your) (?:\w+ )?$"
    r"|\ball (?:of )?(?:the |these |our )?$"
    r"|\b(?:doubt|thought|assumed|guessed|expected) (?:that )?(?:the|my|your) (?:\w+ )?$"
    rf"|\b{BELIEF} (?:that )?the (?:\w+ )?$",
    re.IGNORECASE,
)
_NO_AFTER_PAUSE: Final = (  # "A... no, B"
    r"no(?=\s?[,—–])(?:(?<=\.\.\sno)|(?<=\.\.no)|(?<=…\sno)|(?<=…no)|(?<=[—–]\sno))"
)
_IN_BRACKETS: Final = re.compile(r"\([^()\n]*$")  # "No. (With a ticket the answer would be yes.)"
_CORRECTION: Final = re.compile(
    r"(?:^|[,.!?…\n(—–]|\s-\s)[ \t]{0,3}[*_]{0,2}(?:(?:but|oh|hmm+|um|ah)\W{1,3})?"
    rf"(?:{_NO_AFTER_PAUSE}|"
    r"wait(?=\s?[,.:!…—–-]|\s(?:no|actually|that)\b)|hold on|oops|(?:correction|edit)(?=\s?:)|or rather|scratch that"
    r"|(?:up)?on (?:second thought|reflection|re-?consideration|further (?:thought|reflection))"
    r"|after (?:re-?consideration|re-?considering|re-?checking|further thought)"
    r"|actually(?=,? (?:no\W*$|yes\b[,.:!]?(?:\s|$)))"
    r"|actually(?=,? (?:it(?:['’]s| is| was| should)|the (?:\w+ )?answer)\b)|just kidding"
    r"|sorry(?=,? (?:no|yes|i meant|it(?:['’]s| is| should)|the (?:\w+ )?answer)\b)"
    r"|sorry,? (?:that|this|it)(?:['’]s| is| was) (?:wrong|incorrect|not (?:right|correct)|a mistake)"
    r"|(?:no,? )?actually,? (?:no|wait)\b|no,? (?:wait|actually)\b,?"
    r"|(?:sorry,? )?i (?:made|see) (?:a|an|my) (?:mistake|error)"
    r"|let me (?:correct|re-?do|re-?calculate|re-?consider|re-?think|fix))\b",
    re.IGNORECASE,
)

_INTERJECTION: Final = re.compile(  # "Wait, no, it is true."
    r"\A[\s,.:;!…—–]{0,4}(?:(?:no|yes|actually|sorry|rather|i mean|make that)\b[\s,.:;!…—–]{1,4}){0,3}(?=\S)",
    re.IGNORECASE,
)
_CHECKED: Final = re.compile(r"^([ \t]{0,8}(?:[-*+] )?)\[[xX✓✔]\] (?=\S)", re.MULTILINE)
_UNCHECKED: Final = re.compile(r"^[ \t]{0,8}(?:[-*+] )?\[ ?\] [^\n]*\n?", re.MULTILINE)
_TOOL_CALL: Final = re.compile(
    r"<(?P<tag>tool_call|function_call)>.*?(?:</(?P=tag)>|\Z)|(?:\[TOOL_CALLS\]|<\|python_tag\|>).*", re.DOTALL
)
_ONLY_ASKED: Final = re.compile(  # a model that repeats its question
    r"(?:\W*(?:what|how|which|who|when|where|why|is|are|does|do|did|can|wie|combien|cu[áa]nt[oa]s?|quant[oi])\b"
    r"(?:[^.!?\n]|\.(?=\d))*\?)+\W*",
    re.IGNORECASE,
)
_STRUCK: Final = re.compile(r"~~(?=[^~\s])[^~\n]{1,80}~~")  # "~~12~~ 18"
_MAX_OBJECT_CHARS: Final = 4000  # of an object that is an answer
_FIELDS: Final = ("answer", "final_answer", "finalanswer", "result", "output", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules(Generic[ValueT]):
    """How one kind of answer is read: out of a place that holds nothing else, and out of a whole text."""

    region: Callable[[str, AnswerPlace], Reading[ValueT] | None]
    own: Callable[[str], Reading[ValueT] | None]


def read_answer(text: str, rules: AnswerRules[ValueT]) -> Reading[ValueT] | None:
    """Return the answer of a text without thinking; None where it holds none of this kind."""
    text = _TOOL_CALL.sub("", text)  # said to a tool, not to the reader
    if _ONLY_ASKED.fullmatch(text):
        return None
    if _STRUCK.search(text):
        text = with_short_gaps(_STRUCK.sub("", text))
    if _CHECKED.search(text):
        text = _CHECKED.sub(r"\1", _UNCHECKED.sub("", text))
    before = before_next_question(text)
    if before is not None and (reading := read_answer(before, rules)) is not None:
        return reading
    correction = _last_match(_CORRECTION, text)
    if correction is not None:
        corrected = text[correction.end() :]
        reading = _read_part(_INTERJECTION.sub("", corrected), rules) or _read_part(corrected, rules)
        if reading is not None:
            return reading
    field = _field_of_block(text)  # a note below the object may speak of "the answer"
    return (None if field is None else rules.region(field, AnswerPlace.OBJECT)) or _read_part(text, rules)


def _field_of_block(text: str) -> str | None:
    """The field for the answer of an object in the only fenced block of a text; None where there is none."""
    blocks = fences(text) if "```" in text else ()
    if len(blocks) != 1:
        return None
    return next(iter(_named_values(_object(blocks[0].text))), None)


def _read_part(text: str, rules: AnswerRules[ValueT]) -> Reading[ValueT] | None:
    region, after = enclosed_region(text), after_marker(text)
    if region is not None:
        reading = rules.region(*region)
        if reading is not None or after is None or region[0] in after:
            return reading  # final: a box without an answer of this kind is a wrong answer, unless one follows
    before = text
    for _ in range(_MAX_MARKERS):
        if after is None:
            break
        reading = rules.region(after, AnswerPlace.MARKER)
        if reading is not None:
            return reading
        before = before[: len(before) - len(after)]  # "the answer is" was no more than words: the one before it counts
        after = after_marker(before)
    return rules.own(text)


def enclosed_region(text: str) -> tuple[str, AnswerPlace] | None:
    """The content of the last `\\boxed{}` or `<answer>` that has any, and which of them it was."""
    tag = _last_match(_TAG, text)
    box = _last_box(text)
    if tag is None or (box is not None and box[0] > tag.start()):
        return None if box is None else (box[1], AnswerPlace.BOX)
    end = _TAG_END.search(text, tag.end())
    content = text[tag.end() : len(text) if end is None else end.start()].strip()
    if not content:
        return None if box is None else (box[1], AnswerPlace.BOX)
    return content, AnswerPlace.TAG


def after_marker(text: str) -> str | None:
    """The text after the last "answer is", "answer:" or the like; None where there is no such marker.

    Conditions ("if the answer is 5") and questions are no markers.
    """
    best = -1
    label = _last_match(_LABEL, text)
    if label is not None and "\nB:" not in text:
        best = label.end()
    for word in reversed(list(_WORD.finditer(text))[-MAX_TRIES:]):
        if word.start() < best:
            break
        end = _marker_end(text, word.start())
        if end is not None and text[end:].strip(" \t\n*_`#:.\"'$"):
            best = max(best, end)
            break
    return None if best < 0 else text[best:]


def _marker_end(text: str, position: int) -> int | None:
    match = _LINK.match(text, position, position + _MARKER_CHARS)
    before = text[max(0, position - 40) : position]
    if match is None or _CONDITION.search(before):
        return None
    if "would" in match[0] and _IN_BRACKETS.search(text, max(0, position - _MARKER_CHARS), position):
        return None
    if match[0].endswith("\n") and not _HEADING.search(before):
        return None
    return match.end()


def _last_box(text: str) -> tuple[int, str] | None:
    """Start and content of the last box that is closed and not empty."""
    boxes = list(_BOX.finditer(text))[-MAX_TRIES:]
    for box in reversed(boxes):
        depth, at = 1, box.end()
        for at in range(box.end(), min(len(text), box.end() + MAX_BOX_CHARS)):  # `at` is read below
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                break
        content = text[box.end() : at].strip()
        if depth == 0 and content:
            return box.start(), content
    return None


def _last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for last in pattern.finditer(text):  # noqa: B007  # only the last one matters
        pass
    return last


def answer_field(text: str) -> str | None:
    """Return the value of an object's field for the answer, else of its only field; None for any other text."""
    table = _object(text)
    found = _named_values(table)
    if not found and len(table) == 1:
        return _value(next(iter(table.values())))
    return found[0] if len(found) == 1 else None


def _named_values(table: dict[str, object]) -> list[str]:
    """The values of the fields for an answer."""
    return [said for name in _FIELDS if (said := _value(table.get(name))) is not None]


def _value(field: object) -> str | None:
    """A field as text; of an object, `{"value": 14.5, "unit": "hours"}`, its value; a list with commas between."""
    if isinstance(field, dict):
        field = field.get("value")
    if isinstance(field, list) and all(isinstance(item, str) for item in field):
        return ", ".join(field)
    return str(field) if isinstance(field, str | int | float) else None


def truth_values(text: str) -> tuple[bool, ...]:
    """Return the truth values of an object, `{"is_spam": false, "topic": "mail"}`; with a field for the answer, its."""
    table = _object(text)
    said = {name: truth for name, value in table.items() if (truth := _truth(value)) is not None}
    named = [said[name] for name in _FIELDS if name in said]
    return tuple(named[:1] or said.values())


def _truth(value: object) -> bool | None:
    """A truth value, also as a word."""
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _object(text: str) -> dict[str, object]:
    """The object that a text is; empty where it is something else."""
    text = unfenced(text)
    if not text.startswith("{") or len(text) > _MAX_OBJECT_CHARS:
        return {}
    try:
        table: dict[str, object] = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return table
