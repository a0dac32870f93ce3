"""Reads a profile from TOML: a shipped one by name, or any file by path.

A file may say `base = "a40"`: then its `source` and `faults` replace the base's, and its tables `hardware`, `behaviour`
and `planner` override the base's key by key. Its models are added to the base's. One of them may say
`like = "llama3.1:8b"`. Without a `name` it has that of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields as fields_of
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pytest_swarm.documents import parse_toml, read_text
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Fields
from pytest_swarm.simulator.models.imported_answers import load_imported_answers
from pytest_swarm.simulator.models.profile_tables import (
    by_task_type,
    read_answer,
    read_known_outcome,
    read_model,
    read_numbers,
    read_task_type,
)
from pytest_swarm.simulator.models.profile_types import (
    Behaviour,
    Favour,
    PlannerProfile,
    Profile,
)
from pytest_swarm.simulator.server.faults import read_faults
from pytest_swarm.simulator.server.hardware import (
    KEEP_ALIVE_S,
    LOAD_POLL_S,
    MAX_LOADED_MODELS,
    MAX_QUEUE,
    ModelSpec,
    ServerSpec,
)

_TABLES: Final = (
    *("name", "source", "hardware", "behaviour", "planner", "models", "known", "answers", "measured", "faults"),
)
_HARDWARE: Final = (
    *("gpu_bytes", "max_loaded_models", "num_parallel", "max_queue", "keep_alive_s"),
    *("compute_bytes", "fit_margin_bytes", "stale_free_memory", "load_poll_s"),
)


def load_profile(name_or_path: str | Path) -> Profile:
    """Return the shipped profile of that name (`a40`), or the one in a TOML file. Raises ProfileError if invalid."""
    where = str(name_or_path)
    return _shipped(where) if where in shipped_profiles() else _profile(where)


def parse_profile(text: str, where: str) -> Profile:
    """Return the profile in a TOML text; messages name it `where`. Raises ProfileError if it is invalid."""
    top = Fields(_layered(_parsed(text, where), where), where=f"profile {where}", error=ProfileError)
    try:
        return _decode(top, where)
    except ProfileError as error:
        raise top.placed(error) from error


def _profile(where: str) -> Profile:
    return parse_profile(_text(where), where)


_shipped: Final = cache(_profile)  # which a run asks for several times


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    return tuple(sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml")))


def _folder() -> Traversable:
    return resources.files("pytest_swarm.simulator") / "profiles"


def _text(where: str) -> str:
    shipped = shipped_profiles()
    path = Path(str(_folder() / f"{where}.toml")) if where in shipped else Path(where)
    if where not in shipped and not path.exists():
        raise ProfileError(f"profile {where}: there is no such file, and no shipped profile ({', '.join(shipped)})")
    return read_text(path, ProfileError)


def _parsed(text: str, where: str) -> dict[str, object]:
    table = parse_toml(text, f"profile {where}", ProfileError)
    assert isinstance(table, dict)  # a TOML document is a table
    return {**table}


def _layered(data: dict[str, object], where: str) -> dict[str, object]:
    if "base" not in data:
        return data
    top = Fields(data, where=f"profile {where}", error=ProfileError)
    if alone := [key for key in _TABLES if key in top and key not in _LAYER_KEYS]:
        raise top.fail(f"{alone[0]!r} stands in a profile without 'base'; leave out one of them")
    top.only(_LAYER_KEYS)
    base_name = top.text("base")
    if base_name not in shipped_profiles():
        raise top.fail(f"base {base_name!r} is not a shipped profile; known are {', '.join(shipped_profiles())}")
    base = _parsed(_text(base_name), base_name)
    if "base" in base:
        raise top.fail(f"base {base_name!r} has a base itself; name that one")
    return {**_on_top_of(base, top), "name": top.text("name", Path(where).stem)}


def _decode(top: Fields, where: str) -> Profile:
    top.only(_TABLES)
    models = tuple(map(read_model, top.tables("models")))
    if not models:
        raise top.fail("has no models; give it at least one [[models]] table")
    return Profile(
        name=top.text("name"),
        source=top.text("source"),
        server_spec=_server(top.table("hardware"), tuple(each.spec for each in models)),
        models=models,
        behaviour=_behaviour(top.table("behaviour")),
        planner=_planner(top.table("planner")),
        known=tuple(map(read_known_outcome, top.tables("known"))),
        answers=tuple(map(read_answer, top.tables("answers"))),
        measured=load_imported_answers(Path(where).parent / top.text("measured")) if "measured" in top else None,
        faults=read_faults(
            top.texts("faults"),
            [model.spec.name for model in models],
            error=ProfileError,
            what=f"profile {where}, 'faults'",
        ),
    )


def _server(table: Fields, models: tuple[ModelSpec, ...]) -> ServerSpec:
    table.only(_HARDWARE)
    return ServerSpec(
        models=models,
        gpu_bytes=table.optional_whole("gpu_bytes"),
        max_loaded_models=table.whole("max_loaded_models", MAX_LOADED_MODELS, low=1),
        num_parallel=table.whole("num_parallel", 1, low=1),
        max_queue=table.whole("max_queue", MAX_QUEUE, low=0),
        keep_alive_s=table.number("keep_alive_s", KEEP_ALIVE_S, low=0),
        compute_bytes=table.whole("compute_bytes", 0, low=0),
        fit_margin_bytes=table.whole("fit_margin_bytes", 0, low=0),
        load_poll_s=table.number("load_poll_s", LOAD_POLL_S, low=0),
        stale_free_memory=table.flag("stale_free_memory", default=True),
    )


def _behaviour(table: Fields) -> Behaviour:
    table.only(each.name for each in fields_of(Behaviour))
    tokens = table.table("completion_tokens")
    return Behaviour(
        reference_difficulty=table.number("reference_difficulty", low=1, high=5),
        difficulty_slope=table.number("difficulty_slope", low=0),
        partial_share=table.number("partial_share", low=0, high=1),
        error_carryover=table.number("error_carryover", low=0, high=1),
        self_contained_carryover=table.number("self_contained_carryover", low=0, high=1),
        neutral_accuracy=table.number("neutral_accuracy", low=0, high=1),
        token_spread=table.number("token_spread", low=0, high=1),
        completion_tokens=by_task_type(
            tokens, ((read_task_type(tokens, key), tokens.whole(key, low=1)) for key in tokens)
        ),
    )


def _planner(table: Fields) -> PlannerProfile:
    table.only(each.name for each in fields_of(PlannerProfile))
    favours = table.text("favours", Favour.CAPABILITY)
    if favours not in Favour._value2member_map_:
        raise table.fail(f"favours {favours!r} is unknown; known are {', '.join(Favour)}")
    try:
        return PlannerProfile(
            favours=Favour(favours),
            corrects=table.number("corrects", 1.0, low=0, high=1),
            ignores_schema=table.flag("ignores_schema", default=False),
            thinking_tokens=table.whole("thinking_tokens", 0, low=0),
            runaway_tokens=table.whole("runaway_tokens", 100_000, low=1),
            ignores_budget=table.flag("ignores_budget", default=False),
            answer_tokens=tuple(max(1, round(each)) for each in read_numbers(table, "answer_tokens")),
            **{name: table.number(name, 0.0, low=0, high=1) for name, _ in PlannerProfile().faults},
        )
    except ProfileError as error:
        raise table.placed(error) from error


_LAYER_KEYS: Final = ("base", "name", "source", "hardware", "behaviour", "planner", "models", "faults")


def _on_top_of(base: Mapping[str, object], top: Fields) -> dict[str, object]:
    """Return the tables of a base with those of the file that names it: see the module. Raises the error of `top`."""
    merged = {**base}
    for key in (key for key in top if key not in ("base", "models")):
        below, value = base.get(key), top.raw(key)
        merged[key] = {**below, **value} if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    if "models" in top:
        merged["models"] = _models(Fields(base, where="the base", error=top.error), top)
    return merged


def _models(base: Fields, top: Fields) -> list[dict[str, object]]:
    """Return the models of the base, as far as the file does not replace them, and those of the file."""
    below = {full_tag(row.text("name")): {key: row.raw(key) for key in row} for row in base.tables("models")}
    rows = [_model(row, below) for row in top.tables("models")]
    replaced = {full_tag(str(row["name"])) for row in rows}
    return [*(row for tag, row in below.items() if tag not in replaced), *rows]


def _model(row: Fields, below: Mapping[str, dict[str, object]]) -> dict[str, object]:
    """Return the table of one model: that of the model it is like, with its own keys on top."""
    name, own = row.text("name"), {key: row.raw(key) for key in row if key != "like"}
    if "like" not in row:
        return own
    like = row.text("like")
    if full_tag(like) not in below:
        known = ", ".join(str(each["name"]) for each in below.values())
        raise row.fail(f"like {like!r} is no model of the base; its models are {known}")
    blob = hashlib.sha256(full_tag(name).encode()).hexdigest()[:16]  # a file of its own, so that both can be loaded
    return {**below[full_tag(like)], "source": f"assumed: as {like}, where not given", "blob": blob, **own}
