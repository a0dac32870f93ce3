"""A starting fleet file from what a server has installed: each model is loaded, looked at, and unloaded again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.calibration.measured_fleet import FleetRow
from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.model import Model
from pytest_swarm.errors import BackendError, FleetError, ServerDownError
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ModelInfo
from pytest_swarm.units import bytes_to_gb

COST_PER_BILLION: Final = 0.15
"""Cost per token for each billion parameters: near the published fleet's (0.4 for 2.6 billion, 2.0 for 14.7)."""

_BILLIONS: Final = {"K": 1e-6, "M": 1e-3, "B": 1.0, "T": 1e3}
_CHAT: Final = "completion"
_MS_PER_S: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was found: rows of the fleet, and the models that are none, with the reason."""

    rows: tuple[FleetRow, ...]
    left_out: tuple[tuple[str, str], ...]


async def installed_fleet(client: OllamaClient, *, num_ctx: int, tell: Callable[[str], None]) -> Installed:
    """Every chat model of the server, measured at `num_ctx` tokens of context or its own longest, if that is shorter.

    Each is loaded twice: the second load, from page cache, is its load time. It is unloaded afterwards, also where it
    was resident before. FleetError where the server has no model that can chat.
    """
    rows: list[FleetRow] = []
    left_out: list[tuple[str, str]] = []
    for tag in await client.installed():
        tell(f"measuring {tag}")
        try:
            info = await client.show(tag)
            if info.capabilities and _CHAT not in info.capabilities:
                left_out.append((tag, f"it cannot chat (it can {', '.join(info.capabilities)})"))
                continue
            rows.append(await _measured(client, info, min(num_ctx, info.context_length or num_ctx)))
        except ServerDownError:
            raise
        except BackendError as error:
            left_out.append((tag, str(error)))
    if not rows:
        reasons = "; ".join(f"{tag}: {why}" for tag, why in left_out) or "it has none"
        raise FleetError(
            f"the server at {client.host} has no model for a fleet ({reasons}); fetch one with `ollama pull`"
        )
    return Installed(rows=tuple(rows), left_out=tuple(left_out))


async def _measured(client: OllamaClient, info: ModelInfo, num_ctx: int) -> FleetRow:
    await client.unload(info.tag)
    first_s = await _load_s(client, info.tag, num_ctx)
    await client.unload(info.tag)
    warm_s = await _load_s(client, info.tag, num_ctx)
    resident = [row for row in await client.resident() if full_tag(row.tag) == full_tag(info.tag)]
    await client.unload(info.tag)
    if not resident:
        raise FleetError(f"{info.tag} was loaded, but the server does not list it as resident; try again")
    row = resident[0]
    spilled_gb = bytes_to_gb(row.size_bytes - row.size_vram_bytes)
    spill = f", of which {spilled_gb:.3f} GB do not fit into VRAM" if spilled_gb else ""
    vram_gb = round(bytes_to_gb(row.size_bytes), 3)
    cost, why = _cost(info, vram_gb)
    model = Model(
        tag=info.tag,
        vram_gb=vram_gb,
        load_time_ms=round(warm_s * _MS_PER_S, 1),
        cost_per_token=cost,
        max_ctx=info.context_length or num_ctx,
        num_ctx=num_ctx,
    )
    sources = {
        "name": " ".join(part for part in (info.family, info.parameter_size, info.quantization) if part),
        "vram_gb": f"measured at num_ctx {num_ctx}{spill}",
        "load_time_ms": f"measured, the second load; the first took {first_s * _MS_PER_S:.1f}",
        "cost_per_token": why,
        "max_ctx": "as the server says" if info.context_length else "the server does not say; num_ctx",
    }
    return FleetRow(model=model, sources={key: text for key, text in sources.items() if text})


async def _load_s(client: OllamaClient, tag: str, num_ctx: int) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await client.load(tag, num_ctx=num_ctx)
    return loop.time() - began_s


def _cost(info: ModelInfo, vram_gb: float) -> tuple[float, str]:
    """A cost to start from, and how it was made: nothing measures it."""
    size = re.fullmatch(r"([0-9.]+)([KMBT])", info.parameter_size or "")
    if size is None:
        return round(COST_PER_BILLION * vram_gb, 3), f"a guess, edit it: {COST_PER_BILLION} per GB, for want of better"
    billions = float(size[1]) * _BILLIONS[size[2]]
    return round(COST_PER_BILLION * billions, 3), f"a guess, edit it: {COST_PER_BILLION} per billion parameters"
