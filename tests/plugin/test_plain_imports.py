"""Modules of ours are imported as Python compiled them, and those of others as pytest likes."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.hooks import SwarmHooks, hooks_of
from pytest_swarm.plugin.plain_imports import PlainImports

LOADERS = """
import sys

def loader(name, path):
    specs = (finder.find_spec(name, path) for finder in sys.meta_path)
    return type(next(filter(None, specs)).loader).__name__

def test_loaders(swarm_case):
    import pytest_swarm.plugin
    assert loader("pytest_swarm.plugin.verifying", pytest_swarm.plugin.__path__) == "SourceFileLoader"
    assert type(sys.modules[__name__].__spec__.loader).__name__ == "AssertionRewritingHook"
"""


def test_finder_finds_our_modules_and_no_others() -> None:
    finder = PlainImports()
    package = sys.modules["pytest_swarm.plugin"]
    spec = finder.find_spec("pytest_swarm.plugin.options", package.__path__)
    assert spec is not None
    assert spec.origin == sys.modules["pytest_swarm.plugin.options"].__file__
    assert finder.find_spec("json") is None
    assert finder.find_spec("pytest_swarm_of_others") is None


def test_finder_is_the_first_until_it_is_removed() -> None:
    before = list(sys.meta_path)
    finder = PlainImports()
    finder.install()
    assert sys.meta_path == [finder, *before]
    finder.remove()
    finder.remove()
    assert sys.meta_path == before


def test_session_with_a_benchmark_rewrites_no_asserts_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LOADERS)
    pytester.makeini("[pytest]\nswarm_vram = 8GB\n")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_session_leaves_the_finders_as_it_found_them(pytestconfig: pytest.Config) -> None:
    before = list(sys.meta_path)
    imports = PlainImports()
    imports.install()
    session: Any = SimpleNamespace(process=SimpleNamespace(is_worker=False), give_back=lambda: None)
    SwarmHooks(pytestconfig, session, imports).pytest_unconfigure()
    assert sys.meta_path == before


def test_session_that_cannot_be_made_leaves_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: pytest.Config) -> None:
        raise OptionError("means nothing")

    monkeypatch.setattr("pytest_swarm.plugin.session.session_of", refuse)
    before = list(sys.meta_path)
    config: Any = SimpleNamespace(pluginmanager=pytest.PytestPluginManager())
    with pytest.raises(OptionError, match="means nothing"):
        hooks_of(config)
    assert sys.meta_path == before
