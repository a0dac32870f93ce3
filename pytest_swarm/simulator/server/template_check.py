"""What the server notices of a prompt template: its fields, and its faults with Go's messages."""

from __future__ import annotations

import re
from typing import Final

_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TEXT: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|'(?:[^'\\]|\\.)*'|/\*[^*]*\*/")
_FUNCTION: Final = re.compile(r"(?<![.$\w])[A-Za-z_]\w*")  # a name that is no field and no variable
_FIELD: Final = re.compile(r"\.([A-Za-z_]\w*)")
_VARIABLE: Final = re.compile(r"\$\w*")
_DECLARATION: Final = re.compile(r"(\$\w+(?:\s*,\s*\$\w+)?)\s*:=")
_WITH_VALUE: Final = frozenset({"if", "range", "with"})
_KNOWN: Final = frozenset(
    (
        *("and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "call"),
        *("eq", "ne", "lt", "le", "gt", "ge", "true", "false", "nil", "if", "else", "end", "range", "with", "block"),
        *("define", "template", "break", "continue", "json", "currentDate", "yesterdayDate"),
    )
)
_OPENS: Final = frozenset({"if", "range", "with", "block", "define"})


def template_fault(template: str) -> str | None:
    """Return Go's message for a template with an unclosed action or block, or an unknown part; None for any other."""
    rest = _ACTION.sub(lambda found: "\n" * found[0].count("\n"), template)
    if "{{" in rest:
        return f"template: :{rest[: rest.index('{{')].count(chr(10)) + 1}: unclosed action"
    clauses: list[str] = []
    variables = {"$"}
    for action in _ACTION.finditer(template):
        words = action[1].strip("- \t\r\n").split()
        variables.update(each for names in _DECLARATION.findall(action[1]) for each in _VARIABLE.findall(names))
        fault = _action_fault(words, variables) or _clause_fault(words, clauses)
        if fault is not None:
            return f"template: :{template[: action.start()].count(chr(10)) + 1}: {fault}"
    return f"template: :{template.count(chr(10)) + 1}: unexpected EOF" if clauses else None


def template_fields(template: str) -> frozenset[str]:
    """Return the names in small letters of the fields that a template reads, such as `tools` of `{{ .Tools }}`."""
    code = " ".join(_TEXT.sub(" ", action[1]) for action in _ACTION.finditer(template))
    return frozenset(map(str.lower, _FIELD.findall(code)))


def _clause_fault(words: list[str], clauses: list[str]) -> str | None:
    """Return why an action stands at a wrong place; enter it into the clauses that are open."""
    word = words[0]
    if word in _OPENS:
        clauses.append(word)
    elif word in ("end", "else") and not clauses:
        return f"unexpected {{{{{word}}}}}"
    elif word == "end":
        clauses.pop()
    elif word == "else" and clauses[-1].endswith("else"):
        return "expected end; found {{else}}"
    elif words == ["else"]:
        clauses[-1] += " else"
    elif word in ("break", "continue") and not any(clause.startswith("range") for clause in clauses):
        return f"{{{{{word}}}}} outside {{{{range}}}}"
    return None


def _action_fault(words: list[str], variables: set[str]) -> str | None:
    """Return what is wrong with the words of one action; None for nothing that is checked."""
    if not words:
        return "missing value for command"
    if words[0] in _WITH_VALUE and len(words) == 1:
        return f"missing value for {words[0]}"
    if words[0].startswith("/*"):
        return None
    code = _TEXT.sub(" ", " ".join(words))
    if '"' in code:
        return "unterminated quoted string"
    unknown = next((name for name in _FUNCTION.findall(code) if name not in _KNOWN), None)
    if unknown is not None:
        return f'function "{unknown}" not defined'
    unknown = next((name for name in _VARIABLE.findall(code) if name not in variables), None)
    return None if unknown is None else f'undefined variable "{unknown}"'
