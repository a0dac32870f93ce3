"""Fleet files: our TOML (`[[model]]` tables) and the published agents JSON (a list, or a table with `agents`).

The shipped fleets are found by name: `load_fleet("heavy")`, `load_fleet("fast")`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_swarm.documents import path_of, read_document, toml_comment, toml_line
from pytest_swarm.domain.model import Fleet, Model, encode_model
from pytest_swarm.domain.model_names import checked_name, full_tag
from pytest_swarm.domain.task import MAX_ESTIMATED_TOKENS
from pytest_swarm.errors import FleetError
from pytest_swarm.fields import Fields, Json, shown
from pytest_swarm.units import MOST_GB, MOST_S

_SHIPPED: Final = Path(__file__).parent / "fleets"
_OTHERWISE: Final = ("tag", "auto_ctx", "shares_with")  # the name, `num_ctx = "auto"`, and what a server tells
_KEYS: Final = ("name", *(each.name for each in fields_of(Model) if each.name not in _OTHERWISE), "exclude")
_MOST: Final[Mapping[str, float]] = MappingProxyType(
    {"vram_gb": MOST_GB, "load_time_ms": MOST_S * 1000, "cost_per_token": 1e12, "max_ctx": MAX_ESTIMATED_TOKENS}
)
"""The largest figures of a model: what is computed from such ones is still finite."""
_LEAST_SPEED: Final = 1e-6  # tokens per second: twelve days for one


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEntry:
    """A model as it is written to a fleet file, with a comment per key of its table.

    The key of a capability's comment is its task type.
    """

    model: Model
    comments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "comments", MappingProxyType(dict(self.comments)))


def shipped_fleets() -> dict[str, Path]:
    """Return name -> file of the fleets that come with the package."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def load_fleet(path: str | os.PathLike[str]) -> Fleet:
    """Return the fleet of a file, or a shipped fleet by its name; an existing file of that name takes precedence.

    The fleet is named after the file. A model with `exclude = true` is left out. Raises FleetError, which names file,
    model and rule in one sentence.
    """
    found = path_of(path, FleetError)
    shipped = shipped_fleets()
    if str(path) in shipped and not found.exists():
        found = shipped[str(path)]
    elif not found.suffix and not found.exists():
        raise FleetError(f"{path}: there is no such fleet file; name a file, or a shipped fleet ({', '.join(shipped)})")
    return read_fleet(read_document(found, FleetError), name=found.stem, where=str(path))


def read_fleet(document: Json, *, name: str, where: str) -> Fleet:
    """Return the fleet of a parsed document.

    Args:
        document: A table with `model` or `agents`, or a list of models.
        name: The fleet's name.
        where: What to call the document in an error, such as the file's path.

    Raises:
        FleetError: Where a model is invalid, or none is left.
    """
    rows, assign = _rows(document, where), _assign(document, where)
    models = [_read_model(Fields(row, where=f"{where}, model {n}", error=FleetError)) for n, row in enumerate(rows, 1)]
    offered = tuple(model for model, excluded in models if not excluded)
    if models and not offered:
        raise FleetError(f"{where}: every model is excluded; include at least one")
    left_out = {full_tag(model.tag) for model, _ in models}.difference(full_tag(model.tag) for model in offered)
    for kind, tag in assign.items():
        if full_tag(tag) in left_out:
            raise FleetError(
                f"{where}, assign: {kind!r} names {tag!r}, which is excluded; include it, or name another model"
            )
    try:
        return Fleet(name=name, models=offered, assign=assign)
    except FleetError as error:
        raise FleetError(f"{where}: {error}") from error


def fleet_toml(
    entries: Iterable[FleetEntry], *, heading: Iterable[str] = (), assign: Mapping[str, str] | None = None
) -> str:
    """Return the text of a fleet file.

    Args:
        entries: The models, each with its comments.
        heading: Comments at the top of the file, one line each.
        assign: Task type to model, for mode `fixed`.
    """
    lines = [toml_comment(each) for each in heading]
    if assign:
        lines += ["", "[assign]", *(toml_line(kind, tag) for kind, tag in assign.items())]
    for entry in entries:
        table = encode_model(entry.model)
        capabilities = table.pop("capabilities")
        lines += ["", "[[model]]", *_lines(table, entry.comments)]
        if isinstance(capabilities, dict) and capabilities:
            lines += ["[model.capabilities]", *_lines(capabilities, entry.comments)]
    return "\n".join(lines).removeprefix("\n") + "\n"


def _lines(table: Mapping[str, Json], comments: Mapping[str, str]) -> list[str]:
    return [toml_line(key, value, comments.get(key)) for key, value in table.items() if value is not None]


def _rows(document: Json, where: str) -> list[Json]:
    if isinstance(document, list):
        return document
    fields = Fields(document, where=where, error=FleetError)
    fields.only(("model", "agents", "assign"))
    if "model" in fields and "agents" in fields:
        raise fields.fail("has both 'model' and 'agents'; use one of them")
    key = "agents" if "agents" in fields else "model"
    rows = fields.raw(key)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise fields.fail(f"{key!r} must be a list of tables; write [[{key}]]")
    return rows


def _assign(document: Json, where: str) -> dict[str, str]:
    """Return task type -> model of the table `assign`; nothing where there is none."""
    if isinstance(document, list):
        return {}
    table = Fields(document, where=where, error=FleetError).table("assign")
    return {kind: table.text(kind) for kind in table}


def _read_model(row: Fields) -> tuple[Model, bool]:
    """Return the model of a table, and whether it is excluded."""
    row.only(_KEYS)
    tag = checked_name(row.text("name"), what=row.where, error=FleetError)
    fields = row.labeled(tag)
    capabilities = fields.table("capabilities")
    written = fields.raw("num_ctx") if "num_ctx" in fields else None
    auto_ctx = written == "auto"
    for key, most in _MOST.items():
        fields.number(key, high=most)
    if isinstance(written, str) and not auto_ctx:
        raise fields.fail(f"'num_ctx' must be a whole number or \"auto\", not {shown(written)}")
    try:
        model = Model(
            tag=tag,
            vram_gb=fields.number("vram_gb"),
            load_time_ms=fields.number("load_time_ms"),
            cost_per_token=fields.number("cost_per_token"),
            max_ctx=fields.whole("max_ctx", low=1),
            capabilities={key: capabilities.number(key, low=0, high=1) for key in capabilities},
            num_ctx=None if auto_ctx else fields.optional_whole("num_ctx"),
            auto_ctx=auto_ctx,
            prefill_tokens_per_s=_speed(fields, "prefill_tokens_per_s"),
            decode_tokens_per_s=_speed(fields, "decode_tokens_per_s"),
            keep=fields.flag("keep", default=False),
            parallel=fields.optional_whole("parallel"),
        )
    except FleetError as error:
        raise fields.placed(error) from error
    if model.context_tokens > model.max_ctx:
        raise fields.fail(
            f"'num_ctx' is {model.context_tokens}, but the longest context ('max_ctx') is {model.max_ctx}; "
            "lower the one or raise the other"
        )
    return model, fields.flag("exclude", default=False)


def _speed(fields: Fields, key: str) -> float | None:
    speed = fields.optional_number(key)
    if speed is not None and speed <= 0:
        raise fields.fail(f"{key!r} is {speed:g}, but must be above 0")
    return fields.optional_number(key, low=_LEAST_SPEED)
