"""A field of a model is written to the fleet file, read from it, documented, and a part of the fleet's digest."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.domain.model import Fleet, Model, encode_model
from pytest_swarm.workloads.fleet import FleetEntry, fleet_toml, load_fleet

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
MODEL = Model(tag="m:1b", vram_gb=5.5, load_time_ms=70.0, cost_per_token=0.3, max_ctx=9000)
OTHER: dict[str, Any] = {
    "tag": "n:1b",
    "vram_gb": 6.5,
    "load_time_ms": 71.0,
    "cost_per_token": 0.4,
    "max_ctx": 9001,
    "capabilities": {"code": 0.25},
    "num_ctx": 700,
    "prefill_tokens_per_s": 800.0,
    "decode_tokens_per_s": 90.0,
    "keep": True,
    "auto_ctx": True,
    "parallel": 2,
    "shares_with": "base:7b",
}
"""Field -> another value than that of MODEL."""
TOLD_BY_THE_SERVER = ("shares_with",)
KEYS = {"tag": "name", "auto_ctx": "num_ctx"}
"""Field -> its key in a fleet file, where that has another name."""


@pytest.mark.parametrize("name", [each.name for each in fields(Model)])
def test_a_field_is_everywhere(name: str, tmp_path: Path) -> None:
    model = replace(MODEL, **{name: OTHER[name]})
    assert encode_model(model) != encode_model(MODEL)  # of which the digest is made
    if name in TOLD_BY_THE_SERVER:
        return
    path = tmp_path / "mine.toml"
    path.write_text(fleet_toml([FleetEntry(model=model)]))
    assert load_fleet(path) == Fleet(name="mine", models=(model,))
    section = PAGE.read_text(encoding="utf-8").partition("## A fleet of your own")[2].partition("\n## ")[0]
    assert KEYS.get(name, name) in section
