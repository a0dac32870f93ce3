"""A small agent that asks a policy which model each of its steps should go to.

    python examples/agent/agent.py policy.json "Net 1900 EUR, tax 361 EUR."

The policy is a file that `python -m pytest_swarm decide RUN --policy policy.json` wrote. The server is that of
OLLAMA_HOST. Models that the policy does not name stay as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from httpx import TransportError
from ollama import AsyncClient, ResponseError

from pytest_swarm import DecidedPolicy, SwarmError, load_policy

UNLOAD_CHECKS = 50
UNLOAD_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the agent: the type of its task, and what is asked. `{before}` is the answer of the step before."""

    type: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step that was run: the model, why it was chosen, and its answer."""

    step: Step
    model: str
    reason: str
    answer: str


STEPS = (
    Step(type="extraction", prompt="Give net and tax of this invoice as JSON: {before}"),
    Step(type="math", prompt="Add net and tax. Reply with the number only: {before}"),
    Step(type="summarize", prompt="Write one sentence that names this total: {before}"),
)


async def run(client: AsyncClient, policy: DecidedPolicy, steps: Sequence[Step], text: str) -> list[Done]:
    """Return the steps with their answers; each goes to the model that the policy chooses at that moment."""
    done: list[Done] = []
    for number, step in enumerate(steps):
        ahead = [each.type for each in steps[number + 1 :]]
        choice = policy.choose(step.type, resident=await resident(client), horizon=ahead)
        for tag in choice.unload:  # an explicit unload is faster than leaving the eviction to the server
            await unload(client, tag)
        reply = await client.chat(
            model=choice.model,
            messages=[{"role": "user", "content": step.prompt.replace("{before}", text)}],
            options={"num_ctx": policy.fleet[choice.model].context_tokens},
        )
        text = reply.message.content or ""
        done.append(Done(step=step, model=choice.model, reason=choice.reason, answer=text))
    return done


async def resident(client: AsyncClient) -> list[str]:
    """Return the tags of the models that are in VRAM now."""
    return [each.model for each in (await client.ps()).models if each.model]


async def unload(client: AsyncClient, tag: str) -> None:
    """Unload a model and wait until it is gone; the request itself returns at once."""
    await client.generate(model=tag, prompt="", keep_alive=0)
    for _ in range(UNLOAD_CHECKS):
        if tag not in await resident(client):
            return
        await asyncio.sleep(UNLOAD_PAUSE_S)


async def main(path: str, text: str) -> None:
    """Run the steps on a text, and print what each did."""
    policy = load_policy(path)  # warns where the runs of its decision found it unusable
    async with AsyncClient() as client:
        listed = (await client.list()).models
        for sentence in policy.changes({each.model: each.digest for each in listed if each.model}):
            print(f"note: {sentence}")
        for each in await run(client, policy, STEPS, text):
            print(f"{each.step.type}: {each.model} ({each.reason})\n    {each.answer.strip()}")


def start(arguments: Sequence[str] | None = None) -> str | None:
    """Run the agent, and return one sentence where it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", help="policy file")
    parser.add_argument("text", help="text that the first step works on")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(main(options.policy, options.text))
    except (SwarmError, ConnectionError, ResponseError, TransportError) as error:  # the last: it went away meanwhile
        return f"error: {error}"
    return None


if __name__ == "__main__":
    sys.exit(start())
