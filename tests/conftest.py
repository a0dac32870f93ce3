"""What holds for every test, and what keeps the run short: compiled modules, few garbage collections, an order.

Property-based tests have no time limit, because a busy machine is not a fault.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PathDistribution
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import pytest_swarm
from tests.programs import NOBODY
from tests.tries import EXAMPLES, tries

if sys.platform != "win32":  # which cannot fork
    from tests.warm_workers import SUBPROCESS

settings.register_profile(
    "suite", deadline=None, max_examples=tries(EXAMPLES), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# A process that may not write bytecode compiles all it imports anew: over a second for each one that a test starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Runs inside a test make and drop many objects. At Python's own limit of 700, an eighth of the time went into looking
# for garbage, and over and again into looking through what the collection of the tests had made.
gc.set_threshold(10_000, 10, 10)

# No test cuts the power: what is written need not be on the disk, which takes a hundredth of a second for each report.
os.fsync = lambda _: None

# httpcore asks for it at every request, and looks through all of sys.path where it is not installed.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

LEAN = (
    "-p no:anyio -p no:hypothesispytest -p no:randomly -p no:pastebin -p no:doctest -p no:setuponly -p no:setupplan "
    "-p no:stepwise -p no:legacypath -p no:faulthandler --assert=plain"
)
"""What every run inside a test leaves out, a fifth of the time that a process takes to start."""

LONG = "test_recipes.py"
"""The file that takes longest: it is run first, so that no worker of xdist waits for it in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first."""
    items.sort(key=lambda item: item.path.name != LONG)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the session."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def read_once() -> Iterator[None]:
    """Read what is installed once: pytest asks every distribution for its plugins, a fifth of a run inside a test.

    pytest-benchmark starts git, hg and file to name a revision and a machine, under which no such run files anything.
    pytest 9.2 looks behind every wrapper in every plugin for a fixture, to warn of it: an eighth of a short run.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("metadata", "entry_points"):
            patch.setattr(PathDistribution, name, property(_remembered(getattr(PathDistribution, name).fget)))
        for place in ("plugin.get_tag", "session.get_machine_id"):
            patch.setattr(f"pytest_benchmark.{place}", lambda: "of a run inside a test")
        wrapped = "_pytest.fixtures.FixtureManager._check_for_wrapped_fixture"
        patch.setattr(wrapped, lambda *_: None, raising=False)  # not in every pytest
        yield


def _remembered(read: Callable[[PathDistribution], Any]) -> Callable[[PathDistribution], Any]:
    """Return `read` with its results kept for each folder; PathDistribution has no public name for it."""
    known: dict[str, Any] = {}

    def remember(found: PathDistribution) -> Any:
        folder = str(found._path)  # type: ignore[attr-defined]
        if folder not in known:
            known[folder] = read(found)
        return known[folder]

    return remember


@pytest.fixture(scope="session")
def whole_package(read_once: None) -> None:  # noqa: ARG001
    """Import all modules of the package: pytester forgets what a run imports, so that each run would do it anew."""
    for module in pkgutil.walk_packages(pytest_swarm.__path__, "pytest_swarm."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


@pytest.fixture
def pytester(
    whole_package: None,  # noqa: ARG001  # before pytester notes what is imported
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.Pytester:
    """Pytester whose runs read bytecode and write none, load only what these tests are about, and fork their workers.

    They find no Ollama server that they do not name.

    Python tells a file's state by its size and its second, so a test that writes a file twice would run the first one.
    """
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", LEAN)
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    if sys.platform != "win32" and find_spec("execnet") is not None:
        monkeypatch.setattr("execnet.gateway_base.ThreadExecModel.subprocess", SUBPROCESS)
    return pytester
