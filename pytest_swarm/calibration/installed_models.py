"""Fleet entries from the models that an Ollama server has installed.

Each model is loaded twice, its footprint is read, and it is unloaded again. The server is left as it was found.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.model import Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.server_version import is_simulated_version
from pytest_swarm.errors import BackendError, FleetError, ServerDownError
from pytest_swarm.execution.restoration import Restoration
from pytest_swarm.execution.server_models import installed_models, require_models
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.ollama.messages import ListedModel, ModelInfo
from pytest_swarm.units import bytes_to_gb, plural
from pytest_swarm.workloads.fleet import FleetEntry, fleet_toml

COST_PER_BILLION: Final = 0.15
"""Cost per token for each billion parameters: near the published fleet's (0.4 for 2.6 billion, 2.0 for 14.7)."""

_BILLIONS: Final = {"K": 1e-6, "M": 1e-3, "B": 1.0, "T": 1e3}
_CHAT_CAPABILITY: Final = "completion"
_MS_PER_S: Final = 1000.0
_FEWER: Final = "--models=TAG,... measures those alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRequest:
    """What to measure: these models, or where none is named, all that are installed; at so many tokens of context.

    A model with a shorter context is measured at its own.
    """

    num_ctx: int
    tags: tuple[str, ...] = ()

    def of(self, installed: Iterable[ListedModel]) -> list[ListedModel]:
        """Return those of a server's models that are asked for."""
        wanted = set(map(full_tag, self.tags))
        return [model for model in installed if not wanted or full_tag(model.tag) in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModels:
    """The chat models of a server as fleet entries, and (tag, reason) of the models that were left out.

    `simulated`: by its version the server runs no model.
    """

    host: str
    entries: tuple[FleetEntry, ...]
    left_out: tuple[tuple[str, str], ...]
    simulated: bool = False

    def check(self) -> None:
        """Raise FleetError where there is no model for a fleet."""
        if not self.entries:
            reasons = "; ".join(f"{tag}: {why}" for tag, why in self.left_out) or "none is installed"
            raise FleetError(
                f"the server at {self.host} has no model for a fleet ({reasons}); install one with `ollama pull`"
            )

    def fleet_text(self) -> str:
        """Return the text of the fleet file."""
        heading = (
            f"Measured on the {'SIMULATED ' if self.simulated else ''}Ollama server at {self.host}.",
            "Quality is not measured: add capabilities. Until then all models count as equally good.",
            *(f"{tag} is left out: {why}" for tag, why in self.left_out),
        )
        return fleet_toml(self.entries, heading=heading)


def measure_server(
    host: str,
    *,
    request: FleetRequest,
    timeout_s: float,
    report_progress: Callable[[str], None],
    keep: Callable[[InstalledModels], None] = lambda _: None,
) -> InstalledModels:
    """Measure the installed models of the server at a URL.

    Args:
        host: Base URL of the server.
        request: What to measure.
        timeout_s: Limit of one load.
        report_progress: Called with a sentence on how many models there are, and one before each.
        keep: Called with what was measured, where something was, before an error or Ctrl-C ends the rest.

    Raises:
        BackendError: Where no server answers, or it hangs, or lacks a model that is asked for.
        FleetError: Where the server has no model that can chat.
    """
    installed = installed_models(host, timeout_s)  # a server that hangs is told now, not after the limit of a load
    require_models(host, request.tags, installed, roles={})

    async def measure() -> InstalledModels:
        client = OllamaClient(host, timeout_s=timeout_s)
        try:
            return await measure_installed_models(client, request=request, report_progress=report_progress, keep=keep)
        finally:
            await client.aclose()

    return asyncio.run(measure())


async def measure_installed_models(
    client: OllamaClient,
    *,
    request: FleetRequest,
    report_progress: Callable[[str], None],
    keep: Callable[[InstalledModels], None] = lambda _: None,
) -> InstalledModels:
    """Measure the chat models of a server. Models that were resident before are resident afterwards.

    Args:
        client: Client of the server.
        request: What to measure.
        report_progress: Called with a sentence on how many models there are, before each of them, and for each that
            could not be put back.
        keep: Called with what was measured, where something was, before an error or Ctrl-C ends the rest.

    Raises:
        ServerDownError: Where the server stops answering.
        FleetError: Where the server has no model that can chat.
    """
    restoration = Restoration()
    installed: list[ListedModel] = []
    results: dict[str, FleetEntry | str] = {}
    simulated = False
    with suppress(BackendError):  # the loads tell of a server that does not list what is resident
        await restoration.look(client)

    def found() -> InstalledModels:
        told = {model.tag: results.get(model.tag, "the command ended before it was measured") for model in installed}
        return _sorted_out(client.host, told, simulated=simulated)

    try:
        installed += request.of(await client.installed())
        with suppress(BackendError):  # of a server that does not tell its version nothing is known
            simulated = is_simulated_version(await client.version())
        for model in _reported(installed, report_progress):
            results[model.tag] = await _entry_or_reason(client, restoration, model, request.num_ctx)
    finally:
        try:
            if len(results) < len(installed) and found().entries:  # a server that went away, or Ctrl-C
                keep(found())
        finally:  # also where that cannot be written
            await _leave_as_found(client, restoration, report_progress)
    found().check()
    return found()


def _sorted_out(host: str, told: Mapping[str, FleetEntry | str], *, simulated: bool) -> InstalledModels:
    """Return what is told of each model by its tag, apart: its entry, or why it is left out."""
    entries = tuple(each for each in told.values() if isinstance(each, FleetEntry))
    left_out = tuple((tag, why) for tag, why in told.items() if isinstance(why, str))
    return InstalledModels(host=host, entries=entries, left_out=left_out, simulated=simulated)


async def _leave_as_found(
    client: OllamaClient, restoration: Restoration, report_progress: Callable[[str], None]
) -> None:
    """Leave the server as it was found; tell what could not be restored, and what was there where Ctrl-C ends that."""
    try:
        for trouble in await restoration.restore(client):
            report_progress(trouble)
    except asyncio.CancelledError:
        report_progress(restoration.given_up())
        raise


def _reported(installed: Sequence[ListedModel], report_progress: Callable[[str], None]) -> Iterator[ListedModel]:
    """Yield the models, with a sentence before each that runs on the server, and first on how many these are."""
    local = [model.tag for model in installed if model.remote_host is None]
    if local:
        report_progress(f"measuring {plural(len(local), 'model')}, each of which is loaded twice; {_FEWER}")
    for model in installed:
        if model.remote_host is None:
            report_progress(f"measuring {model.tag} ({local.index(model.tag) + 1} of {len(local)})")
        yield model


async def _entry_or_reason(
    client: OllamaClient, restoration: Restoration, installed: ListedModel, num_ctx: int
) -> FleetEntry | str:
    """Return a model's entry, or why it is left out; ServerDownError where the server stops answering."""
    tag = installed.tag
    if installed.remote_host is not None:
        return f"it is a cloud model, which runs at {installed.remote_host}"
    try:
        info = await client.show(tag)
        if info.capabilities and _CHAT_CAPABILITY not in info.capabilities:
            return f"it cannot chat (its capabilities are {', '.join(info.capabilities)})"
        restoration.change()
        restoration.use(tag)
        return await _measure(client, info, min(num_ctx, info.context_length or num_ctx))
    except ServerDownError:
        raise
    except (BackendError, FleetError) as error:
        return str(error)


async def _measure(client: OllamaClient, info: ModelInfo, num_ctx: int) -> FleetEntry:
    """Measure one model; its load time is that of the faster of two loads: the first may come from the disk, and either
    may have waited for other programs."""
    await client.unload(info.tag)
    first_s = await _load_s(client, info.tag, num_ctx)
    await client.unload(info.tag)
    second_s = await _load_s(client, info.tag, num_ctx)
    resident = [row for row in await client.resident() if full_tag(row.tag) == full_tag(info.tag)]
    await client.unload(info.tag)
    if not resident:
        raise FleetError(
            f"it was loaded, but the server at {client.host} does not list it as resident; "
            "make sure that nothing else uses the server, and try again"
        )
    row = resident[0]
    if not row.size_bytes:
        raise FleetError(
            "the server lists it as resident with a size of 0 bytes, as one does whose runner reports an offload to a "
            "GPU that is not there; give the model `PARAMETER num_gpu 0`, or write its vram_gb by hand"
        )
    spilled_gb = bytes_to_gb(row.size_bytes - row.size_vram_bytes)
    spill = f", of which {spilled_gb:.3f} GB do not fit into VRAM" if spilled_gb else ""
    if not row.size_vram_bytes:
        spill = ", all of it main memory: the server uses no GPU"
    vram_gb = round(bytes_to_gb(row.size_bytes), 3)
    cost, cost_comment = _cost(info, vram_gb)
    model = Model(
        tag=info.tag,
        vram_gb=vram_gb,
        load_time_ms=round(min(first_s, second_s) * _MS_PER_S, 1),
        cost_per_token=cost,
        max_ctx=info.context_length or num_ctx,
        num_ctx=num_ctx,
    )
    comments = {
        "name": " ".join(part for part in (info.family, info.parameter_size, info.quantization) if part),
        "vram_gb": f"measured at num_ctx {num_ctx}{spill}",
        "load_time_ms": f"measured, the faster of two loads; the other took {max(first_s, second_s) * _MS_PER_S:.1f}",
        "cost_per_token": cost_comment,
        "max_ctx": "from the server" if info.context_length else "num_ctx; the server does not tell",
    }
    return FleetEntry(model=model, comments=comments)


async def _load_s(client: OllamaClient, tag: str, num_ctx: int) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await client.load(tag, num_ctx=num_ctx)
    return loop.time() - began_s


def _cost(info: ModelInfo, vram_gb: float) -> tuple[float, str]:
    """Return a cost per token to start from, and how it was computed: nothing measures it."""
    size = re.fullmatch(r"([0-9.]+)([KMBT])", info.parameter_size or "")
    if size is None:
        return round(COST_PER_BILLION * vram_gb, 3), f"an estimate, edit it: {COST_PER_BILLION} per GB of VRAM"
    billions = float(size[1]) * _BILLIONS[size[2]]
    return round(COST_PER_BILLION * billions, 3), f"an estimate, edit it: {COST_PER_BILLION} per billion parameters"
