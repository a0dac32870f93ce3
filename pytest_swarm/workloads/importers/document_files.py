"""Files of JSON, JSONC, TOML and YAML as plain JSON values: the suffix tells which."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json, parse_toml, read_text
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.yaml_text import parse_yaml

JSON_SUFFIXES: Final = (".json", ".jsonc")
YAML_SUFFIXES: Final = (".yml", ".yaml")
DOCUMENT_SUFFIXES: Final = (*JSON_SUFFIXES, ".toml", *YAML_SUFFIXES)
_TEXT: Final = r'"(?:[^"\\\n]|\\.)*"'  # first, because a text may hold what looks like a comment
_COMMENT: Final = re.compile(rf"{_TEXT}|//[^\r\n]*|/\*(?s:.*?)(?:\*/|\Z)")
_LAST_COMMA: Final = re.compile(rf"{_TEXT}|,(?=\s*[}}\]])")


def document_of(path: Path) -> Json:
    """Return the value that a file holds; one of an unknown suffix is read as JSON.

    Raises:
        GraphError: Where it cannot be read, or is not what its suffix says.
    """
    text, suffix, where = read_text(path, GraphError), path.suffix.lower(), str(path)
    if suffix in YAML_SUFFIXES and not text.lstrip().startswith("{"):
        return parse_yaml(text, where)
    if suffix in YAML_SUFFIXES:  # often JSON, whose pairs of escapes for one character YAML refuses
        try:
            return parse_json(text, where, GraphError)
        except GraphError:
            return parse_yaml(text, where)
    if suffix == ".jsonc":
        text = _LAST_COMMA.sub(_kept, _COMMENT.sub(_kept, text))
    return parse_toml(text, where, GraphError) if suffix == ".toml" else parse_json(text, where, GraphError)


def _kept(match: re.Match[str]) -> str:
    """Return what stays of JSONC: a text as it is, of a comment its line breaks, so that lines keep their numbers."""
    return match[0] if match[0].startswith('"') else "\n" * match[0].count("\n")
