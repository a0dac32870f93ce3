"""The faults of a prompt template that the server notices when a template is given, with Go's messages."""

from __future__ import annotations

import re
from typing import Final

_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPENS: Final = frozenset({"if", "range", "with", "block", "define"})


def template_fault(template: str) -> str | None:
    """Return Go's message for a template with an unclosed action or block; None for any other template."""
    rest = _ACTION.sub(lambda found: "\n" * found[0].count("\n"), template)
    if "{{" in rest:
        return f"template: :{rest[: rest.index('{{')].count(chr(10)) + 1}: unclosed action"
    depth = 0
    for action in _ACTION.finditer(template):
        words = action[1].strip("- \t\r\n").split()
        line = template[: action.start()].count("\n") + 1
        if not words:
            return f"template: :{line}: missing value for command"
        depth += (words[0] in _OPENS) - (words[0] == "end")
        if depth < 0:
            return f"template: :{line}: unexpected {{{{end}}}}"
    return None if depth == 0 else f"template: :{template.count(chr(10)) + 1}: unexpected EOF"
