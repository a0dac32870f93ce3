"""Fleets from files: our TOML (`[[model]]` tables) and the published agents JSON (a list, or a table with `agents`).

The shipped fleets are found by name: `load_fleet("heavy")`, `load_fleet("fast")`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pytest_swarm.domain.model import Fleet, Model, encode_model
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import FleetError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.workloads.documents import read_document
from pytest_swarm.workloads.toml_writer import toml_key, toml_value

_SHIPPED: Final = Path(__file__).parent / "fleets"
_KEYS: Final = (
    "name",
    "vram_gb",
    "load_time_ms",
    "cost_per_token",
    "max_ctx",
    "num_ctx",
    "capabilities",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
    "keep",
    "exclude",
)


def shipped_fleets() -> dict[str, Path]:
    """Name -> file of the fleets that come with the package."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def load_fleet(path: str | os.PathLike[str]) -> Fleet:
    """The fleet of a file, or a shipped one by its name (a file of that name goes first); its name is the file's stem.

    A model with `exclude = true` is left out. FleetError names file, model and rule in one sentence.
    """
    found = Path(path)
    shipped = shipped_fleets()
    if str(path) in shipped and not found.exists():
        found = shipped[str(path)]
    elif not found.suffix and not found.exists():
        raise FleetError(
            f"{path}: there is no such fleet file, nor a shipped fleet ({', '.join(shipped)}) of that name"
        )
    return read_fleet(read_document(found, FleetError), name=found.stem, where=str(path))


def read_fleet(document: Json, *, name: str, where: str) -> Fleet:
    """The fleet of a parsed document; FleetError with `where` in front."""
    rows = _rows(document, where)
    models = [_read_model(Fields(row, where=f"{where}, model {n}", error=FleetError)) for n, row in enumerate(rows, 1)]
    offered = tuple(model for model in models if model is not None)
    if models and not offered:
        raise FleetError(f"{where}: every model is excluded; leave one in")
    try:
        return Fleet(name=name, models=offered)
    except FleetError as error:
        raise FleetError(f"{where}: {error}") from error


def dump_fleet(fleet: Fleet) -> str:
    """The fleet as TOML; `load_fleet` gives an equal one back from a file of the fleet's name."""
    lines: list[str] = []
    for model in fleet:
        row = encode_model(model)
        capabilities = row.pop("capabilities")
        lines += ["[[model]]", *(f"{key} = {toml_value(value)}" for key, value in row.items() if value is not None)]
        if isinstance(capabilities, dict) and capabilities:
            lines += ["[model.capabilities]", *(f"{toml_key(k)} = {toml_value(v)}" for k, v in capabilities.items())]
        lines.append("")
    return "\n".join(lines)


def _rows(document: Json, where: str) -> list[Json]:
    if isinstance(document, list):
        return document
    fields = Fields(document, where=where, error=FleetError)
    fields.only(("model", "agents"))
    if "model" in fields and "agents" in fields:
        raise fields.fail("holds both 'model' and 'agents'; name the models once")
    key = "agents" if "agents" in fields else "model"
    rows = fields.raw(key)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise fields.fail(f"{key!r} must be a list of tables; write [[{key}]]")
    return rows


def _read_model(fields: Fields) -> Model | None:
    """The model of a table, None where it is excluded."""
    fields.only(_KEYS)
    tag = fields.text("name")
    fields.where = f"{fields.where} ({tag})"
    try:
        model = Model(
            tag=tag,
            vram_gb=fields.number("vram_gb"),
            load_time_ms=fields.number("load_time_ms"),
            cost_per_token=fields.number("cost_per_token"),
            max_ctx=fields.whole("max_ctx", low=1),
            capabilities=_read_capabilities(fields.table("capabilities")),
            num_ctx=fields.optional_whole("num_ctx"),
            prefill_tokens_per_s=_speed(fields, "prefill_tokens_per_s"),
            decode_tokens_per_s=_speed(fields, "decode_tokens_per_s"),
            keep=fields.flag("keep", default=False),
        )
    except FleetError as error:
        raise error if str(error).startswith(fields.where) else fields.fail(str(error)) from error
    return None if fields.flag("exclude", default=False) else model


def _read_capabilities(fields: Fields) -> dict[TaskType, float]:
    fields.only(TaskType)
    return {TaskType(key): fields.number(key, low=0, high=1) for key in fields}


def _speed(fields: Fields, key: str) -> float | None:
    speed = fields.optional_number(key)
    if speed is not None and speed <= 0:
        raise fields.fail(f"{key!r} is {speed:g}, but must be above 0")
    return speed
