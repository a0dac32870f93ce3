"""The boundary to the hooks that third parties implement: what one raises or returns becomes one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from pytest_swarm.errors import OptionError, SwarmError
from pytest_swarm.routing.registry import ModeSpec

if TYPE_CHECKING:
    from pytest_swarm.routing.base import RouterFactory

ROUTERS: Final = "pytest_swarm_routers"
_OURS: Final = "pytest_swarm_"
_HOOK_FAILURES: Final = (Exception,)  # a hook may raise anything; an interrupt is no failure


@contextmanager
def hook_failures(name: str) -> Iterator[None]:
    """Turn what the implementation of a hook raises into OptionError, which names the hook."""
    try:
        yield
    except (SwarmError, pytest.UsageError):
        raise
    except _HOOK_FAILURES as error:
        text = " ".join(str(error).split())
        raise OptionError(f"hook {name} failed: {type(error).__name__}: {text}") from error


def foreign_routers(config: pytest.Config) -> dict[str, RouterFactory | ModeSpec]:
    """Return the routing modes of all implementations; OptionError for one that returns something else."""
    _refuse_misspelled(config)
    routers: dict[str, RouterFactory | ModeSpec] = {}
    plugin_of: dict[str, str] = {}
    for plugin, answer in _answers(config):
        if not isinstance(answer, Mapping):
            raise OptionError(f"hook {ROUTERS} returned {_article(answer)}; return a dict of mode name to factory")
        for name, given in answer.items():
            if not isinstance(name, str):
                raise OptionError(f"hook {ROUTERS}: {name!r} cannot be the name of a mode; use a plain word")
            factory = given.factory if isinstance(given, ModeSpec) else given
            if not callable(factory):
                raise OptionError(
                    f"hook {ROUTERS}: mode {name!r} is {_article(factory)}; give a factory (RouterSetup to Router)"
                )
            if name in routers:
                raise OptionError(
                    f"hook {ROUTERS}: mode {name!r} is given by {plugin_of[name]} and by {plugin}; rename one of them"
                )
            routers[name], plugin_of[name] = given, plugin
    return routers


def _refuse_misspelled(config: pytest.Config) -> None:
    """Raise OptionError for a function that is called as our hooks are, and is none of them: nobody would call it."""
    hooks = vars(config.pluginmanager.hook)  # `config.hook` is a proxy of them in pytest 8
    ours = [name for name, hook in hooks.items() if name.startswith(_OURS) and hook.has_spec()]
    for name, hook in hooks.items():
        if name.startswith(_OURS) and not hook.has_spec():
            plugin = _plugin_name(config, hook.get_hookimpls()[0].plugin)
            raise OptionError(f"{plugin}: {name} is no hook; known are {', '.join(sorted(ours))}")


def _answers(config: pytest.Config) -> list[tuple[str, object]]:
    """Return the name of each plugin that gives routers, and what its hook returned: one call for each plugin."""
    answers: list[tuple[str, object]] = []
    implementations = config.hook.pytest_swarm_routers.get_hookimpls()
    for implementation in implementations:
        others = [each.plugin for each in implementations if each is not implementation]
        alone = config.pluginmanager.subset_hook_caller(ROUTERS, others)
        with hook_failures(ROUTERS):
            found: list[object] = alone(config=config)
        answers += [(_plugin_name(config, implementation.plugin), answer) for answer in found]
    return answers


def _plugin_name(config: pytest.Config, plugin: object) -> str:
    """Return a plugin's file, or the name under which it is registered."""
    file = getattr(plugin, "__file__", None)
    return str(file) if file else repr(config.pluginmanager.get_name(plugin) or type(plugin).__name__)


def report_template(config: pytest.Config) -> str | None:
    """Return the template that a hook gives for the page, None for the shipped one."""
    name = "pytest_swarm_report_template"
    with hook_failures(name):
        answer: object = config.hook.pytest_swarm_report_template()
    if answer is None:
        return None
    if not isinstance(answer, str):
        raise OptionError(f"hook {name} returned {_article(answer)}; return the template's path as a text")
    return answer


def add_report_context(config: pytest.Config, context: dict[str, object]) -> None:
    """Let hooks add names for the page's template."""
    with hook_failures("pytest_swarm_report_context"):
        config.hook.pytest_swarm_report_context(context=context)


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
