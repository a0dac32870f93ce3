"""Files of JSON, JSONC, TOML and YAML as plain JSON values: the suffix tells which."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_json, parse_toml, read_text
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json
from pytest_swarm.workloads.importers.jsonc_text import parse_jsonc
from pytest_swarm.workloads.importers.yaml_text import parse_yaml

JSON_SUFFIXES: Final = (".json", ".jsonc")
YAML_SUFFIXES: Final = (".yml", ".yaml")
DOCUMENT_SUFFIXES: Final = (*JSON_SUFFIXES, ".toml", *YAML_SUFFIXES)


def document_of(path: Path) -> Json:
    """Return the value that a file holds; one of an unknown suffix is read as JSON.

    Args:
        path: The file.

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
        return parse_jsonc(text, where)
    return parse_toml(text, where, GraphError) if suffix == ".toml" else parse_json(text, where, GraphError)
