"""The faults of a prompt template that the server notices when a template is given, with Go's messages."""

from __future__ import annotations

import re
from typing import Final

_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OTHER_TEMPLATE: Final = re.compile(r"\{\{-?\s*(?:template|block)\s+(\"[^\"]*\")\s*([^}]*?)\s*-?\}\}")
_TEXT: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|'(?:[^'\\]|\\.)*'")
_FUNCTION: Final = re.compile(r"(?<![.$\w])[A-Za-z_]\w*")  # a name that is no field and no variable
_WITH_VALUE: Final = frozenset({"if", "range", "with"})
_KNOWN: Final = frozenset(
    [
        "and",
        "or",
        "not",
        "len",
        "index",
        "slice",
        "print",
        "printf",
        "println",
        "html",
        "js",
        "urlquery",
        "call",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "true",
        "false",
        "nil",
        "if",
        "else",
        "end",
        "range",
        "with",
        "block",
        "define",
        "template",
        "break",
        "continue",
        "json",
        "currentDate",
        "yesterdayDate",
    ]
)
_OPENS: Final = frozenset({"if", "range", "with", "block", "define"})


def template_fault(template: str) -> str | None:
    """Return Go's message for a template with an unclosed action or block, or an unknown part; None for any other."""
    rest = _ACTION.sub(lambda found: "\n" * found[0].count("\n"), template)
    if "{{" in rest:
        return f"template: :{rest[: rest.index('{{')].count(chr(10)) + 1}: unclosed action"
    depth = 0
    for action in _ACTION.finditer(template):
        words = action[1].strip("- \t\r\n").split()
        line = template[: action.start()].count("\n") + 1
        fault = _action_fault(words)
        if fault is not None:
            return f"template: :{line}: {fault}"
        depth += (words[0] in _OPENS) - (words[0] == "end")
        if depth < 0:
            return f"template: :{line}: unexpected {{{{end}}}}"
    if depth:
        return f"template: :{template.count(chr(10)) + 1}: unexpected EOF"
    without_argument = any(not other[2] for other in _OTHER_TEMPLATE.finditer(template))
    return "undefined template specified" if without_argument else None


def rendering_fault(template: str) -> str | None:
    """Return Go's message for a template that is read but calls another: the server knows none; None otherwise."""
    other = _OTHER_TEMPLATE.search(template)
    if other is None:
        return None
    name, argument = other[1], other[2]
    before = template[: other.start(1)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    at = f"<{{{{template {name} {argument}}}}}>"
    return f'template: :{line}:{column}: executing "" at {at}: template {name} not defined'


def _action_fault(words: list[str]) -> str | None:
    """Return what is wrong with the words of one action; None for nothing that is checked."""
    if not words:
        return "missing value for command"
    if words[0] in _WITH_VALUE and len(words) == 1:
        return f"missing value for {words[0]}"
    if words[0].startswith("/*"):
        return None
    names = _FUNCTION.findall(_TEXT.sub(" ", " ".join(words)))
    unknown = next((name for name in names if name not in _KNOWN), None)
    return None if unknown is None else f'function "{unknown}" not defined'
