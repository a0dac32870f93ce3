"""Fleet files made from measurements: each figure says in a comment where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.model import Model, encode_model
from pytest_swarm.fields import Json
from pytest_swarm.workloads.toml_writer import toml_key, toml_value

_ORDER: Final = ("name", "vram_gb", "load_time_ms", "cost_per_token", "max_ctx", "num_ctx")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """A model and, per key of its table (a capability by its task type), where the figure comes from."""

    model: Model
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))


def fleet_text(heading: Iterable[str], rows: Iterable[FleetRow]) -> str:
    """The fleet file: `heading` as comments, then a table for each model; `load_fleet` reads it."""
    lines = [f"# {_one_line(each)}" for each in heading]
    for row in rows:
        table = encode_model(row.model)
        capabilities = table.pop("capabilities")
        lines += ["", "[[model]]"]
        keys = (*_ORDER, *(key for key in table if key not in _ORDER))
        lines += [_entry(key, table[key], row.sources) for key in keys if table[key] is not None]
        if isinstance(capabilities, dict) and capabilities:
            lines += ["[model.capabilities]", *(_entry(key, value, row.sources) for key, value in capabilities.items())]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Json, sources: Mapping[str, str]) -> str:
    source = f"  # {_one_line(sources[key])}" if key in sources else ""
    return f"{toml_key(key)} = {toml_value(value)}{source}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
