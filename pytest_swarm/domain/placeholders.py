"""Placeholders in prompts: `{{answer: ID}}` stands for the answer of an earlier task, filled in when the task is run.

`{{answer: ID | a.b}}` stands for one field of an answer that is JSON; an answer without it is filled in whole. Text
that only looks like a placeholder has one more colon in the file: `{{answer:: ID}}` is sent as `{{answer: ID}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

PLACEHOLDER: Final = re.compile(r"\{\{answer: ([^{}|\n]+?)(?: \| ([^{}|\n]+))?\}\}")
_MARK: Final = "{{answer:"  # every placeholder and every escaped one begins with it
_OPENING: Final = re.compile(re.escape(_MARK))
_ESCAPED: Final = re.compile(r"\{\{answer::")
_FENCE: Final = re.compile(r"\A\s*```\w*\n(.*)\n```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReference:
    """One placeholder: the task whose answer it stands for, and the path of a field; empty for the whole answer."""

    task: str
    path: tuple[str, ...] = ()


def placeholder(task: str, path: tuple[str, ...] = ()) -> str:
    """Return the placeholder of a task's answer, or of one field of it.

    Args:
        task: The task's ID, without braces, bars and line breaks.
        path: Keys and list positions that lead to the field.
    """
    return f"{{{{answer: {task} | {'.'.join(path)}}}}}" if path else f"{{{{answer: {task}}}}}"


def escaped(text: str) -> str:
    """Return a text as it is written in a prompt so that `fill` gives it back to the letter.

    Args:
        text: The whole text between two placeholders, because two pieces may form one only together.
    """
    return _OPENING.sub("{{answer::", text)


def references(text: str) -> tuple[AnswerReference, ...]:
    """Return the placeholders in the text, in their order, each once."""
    if _MARK not in text:
        return ()
    return tuple(dict.fromkeys(map(reference_of, PLACEHOLDER.finditer(text))))


def fill(text: str, answers: Mapping[str, str]) -> str:
    """Return the text as it is sent: with the answers filled in, and escaped text as it was before.

    A placeholder of a task that is not in `answers` stays.

    Args:
        text: A prompt.
        answers: Task ID to answer.
    """
    if _MARK not in text:
        return text
    parts: list[str] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        parts += (_literal(text[at : match.start()]), _value(reference_of(match), answers, match[0]))
        at = match.end()
    return "".join((*parts, _literal(text[at:])))


def read_filled(template: str, text: str) -> dict[str, str] | None:
    """Return what was filled into a template, as task ID to text; None where the text was not made from it.

    Where an answer contains the words that follow its placeholder, it is read up to the first of them.

    Args:
        template: A prompt with placeholders.
        text: A prompt that may have been made from it.
    """
    matches = list(PLACEHOLDER.finditer(template))
    if not matches:
        return {} if _literal(template) == text else None
    before = _literal(template[: matches[0].start()])
    if not text.startswith(before):
        return None
    values: dict[str, str] = {}
    at = len(before)
    for match, ahead in zip(matches, _literals_after(template, matches), strict=True):
        if match is matches[-1]:
            end = len(text) - len(ahead) if text.endswith(ahead) and len(text) - len(ahead) >= at else -1
        else:
            end = text.find(ahead, at)
        if end < 0:
            return None
        if len(value := text[at:end]) >= len(values.get(match[1], "")):
            values[match[1]] = value
        at = end + len(ahead)
    return values


def _literals_after(template: str, matches: list[re.Match[str]]) -> Iterator[str]:
    """Yield the text between each placeholder and the next one, or the end."""
    ends = [*(match.start() for match in matches[1:]), len(template)]
    yield from (_literal(template[match.end() : end]) for match, end in zip(matches, ends, strict=True))


def _literal(text: str) -> str:
    """Return the text between two placeholders as it is sent."""
    return _ESCAPED.sub("{{answer:", text)


def reference_of(match: re.Match[str]) -> AnswerReference:
    """Return what a match of `PLACEHOLDER` refers to."""
    return AnswerReference(task=match[1], path=tuple(match[2].split(".")) if match[2] else ())


def _value(reference: AnswerReference, answers: Mapping[str, str], otherwise: str) -> str:
    if reference.task not in answers:
        return otherwise
    answer = answers[reference.task]
    return (_field(answer, reference.path) or answer) if reference.path else answer


def _field(answer: str, path: tuple[str, ...]) -> str | None:
    """Return one field of an answer that is JSON, fenced or not; None where it has no such field."""
    fenced = _FENCE.match(answer)
    try:
        value = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return None
    for key in path:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
