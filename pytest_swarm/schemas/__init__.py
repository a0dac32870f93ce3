"""JSON Schemas of the machine files, as shipped: made from the types that read and write these files.

`python -m pytest_swarm.schemas` writes them anew, as does `python -m docs.generate` in a checkout. The schema of
report.json is in the room of the report; `load_schema` reads it as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_swarm.codec import JsonObject
from pytest_swarm.estimate.estimates_file import estimates_schema
from pytest_swarm.files import write_whole
from pytest_swarm.gate.baseline_codec import baseline_schema
from pytest_swarm.gate.gate_block import gate_schema
from pytest_swarm.ollama.answers.answer_codec import answers_schema
from pytest_swarm.ollama.cassette.cassette_codec import cassette_schema
from pytest_swarm.routing.policy_file import policy_schema
from pytest_swarm.telemetry.event_types import events_schema

SCHEMAS: Final[Mapping[str, Callable[[], JsonObject]]] = MappingProxyType(
    {
        "swarm-events-1": events_schema,
        "swarm-baseline-1": baseline_schema,
        "swarm-cassette-1": cassette_schema,
        "swarm-gate-1": gate_schema,
        "swarm-estimates-1": estimates_schema,
        "swarm-answers-1": answers_schema,
        "swarm-policy-1": policy_schema,
    }
)
"""The schemas of this folder by the name of their file, without its suffix."""
_REPORT: Final = "swarm-report-1"


def load_schema(name: str) -> JsonObject:
    """Return a shipped schema, such as `swarm-events-1` or `swarm-report-1`; KeyError for an unknown name."""
    if name not in SCHEMAS and name != _REPORT:
        raise KeyError(f"there is no schema {name!r}; known are {', '.join((*SCHEMAS, _REPORT))}")
    folder = files("pytest_swarm") / ("report/schema" if name == _REPORT else "schemas")
    schema: JsonObject = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def schema_text(name: str) -> str:
    """Return the text of a schema's file, as the types are now."""
    return json.dumps(SCHEMAS[name](), indent=1, ensure_ascii=True) + "\n"


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write all schemas, as the types are now, and return their paths."""
    paths = []
    for name in SCHEMAS:
        path = folder / f"{name}.json"
        write_whole(path, schema_text(name).encode("ascii"))
        paths.append(path)
    return tuple(paths)
