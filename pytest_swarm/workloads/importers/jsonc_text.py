"""JSON with comments and commas before a closing bracket, as plain JSON values."""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.documents import parse_json
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json

_TEXT: Final = r'"(?:[^"\\\n]|\\.)*"'  # first, because a text may hold what looks like a comment
_COMMENT: Final = re.compile(rf"{_TEXT}|//[^\r\n]*|/\*(?s:.*?)(?:\*/|\Z)")
_LAST_COMMA: Final = re.compile(rf"{_TEXT}|,(?=\s*[}}\]])")


def parse_jsonc(text: str, where: str) -> Json:
    """Return the value of a JSONC text.

    Args:
        text: The text.
        where: What to call it in an error, such as the file's path.

    Raises:
        GraphError: Where the text is not valid.
    """
    return parse_json(_LAST_COMMA.sub(_kept, _COMMENT.sub(_kept, text)), where, GraphError)


def _kept(match: re.Match[str]) -> str:
    """Return what stays: a text as it is, of a comment its line breaks, so that lines keep their numbers."""
    return match[0] if match[0].startswith('"') else "\n" * match[0].count("\n")
