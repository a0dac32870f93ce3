"""The pytest plugin: options, parametrization, fixtures, hooks. The only room that imports pytest.

This module is what pytest loads at start-up, so it imports next to nothing: the hooks are registered when an option is
given or a benchmark is collected, and everything else waits until a test asks for `swarm_run`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

import pytest

from pytest_swarm.plugin.options import ROWS

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.plugin.job_runner import SwarmRun

MARKERS = (
    "swarm(modes=, horizon=, vram=, repeat=, carryover=, version=, family=): how this benchmark is parametrized; the "
    "command line comes before the marker, the marker before the ini file",
    "swarm_gate(*expressions, gate=): the gate's expressions for this benchmark, judged on its own, such as "
    'swarm_gate("score:-1%"); gate is off, warn or fail',
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register every --swarm-* option and its swarm_* ini twin."""
    group = parser.getgroup("swarm", "pytest-swarm: routing of task graphs over local models")
    for row in ROWS:
        row.register(group, parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks that others may implement."""
    from pytest_swarm.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Refuse a misspelled --swarm-* option: here pytest knows the options of conftest files, and has not yet parsed."""
    yield
    if any(arg.startswith("--swarm-") for arg in args):
        from pytest_swarm.plugin.spelling import check_flags

        check_flags(parser, args, early_config.option)


def pytest_configure(config: pytest.Config) -> None:
    """Check the options where one is given, so that a bad one ends the run before it starts."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if not _has_benchmark_fixture(config.pluginmanager):
        config.pluginmanager.register(UntimedPlugin(), "swarm-untimed")
    if config.option.override_ini or (config.inipath and b"swarm_" in config.inipath.read_bytes()):
        from pytest_swarm.plugin.spelling import check_ini_keys

        check_ini_keys(config)
    given = any(config.getoption(row.dest) is not None for row in ROWS)
    if given or config.getini("swarm_baseline"):  # a damaged baseline too is to end the run before it starts
        from pytest_swarm.plugin.hooks import checked_hooks

        checked_hooks(config).check_options()


@pytest.hookimpl(tryfirst=True)  # the case comes first in a test's id: test_jobs[lp-h0-8GB-invoice]
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a benchmark over its cases."""
    if "swarm_case" in metafunc.fixturenames:
        from pytest_swarm.plugin.hooks import parametrize

        parametrize(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Show of an error of ours in a test module, such as a damaged graph file, the user's line and its sentence."""
    report = yield
    call = report.__dict__.get("call")  # pytest keeps it there for its own use
    if report.failed and call is not None:
        from pytest_swarm.plugin.short_tracebacks import keep_their_lines

        if keep_their_lines(call.excinfo, collector.config):
            report.longrepr = collector.repr_failure(call.excinfo)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # xdist has no types
    """Tell a worker of xdist the run's name, and register the hooks of its controller, which collects nothing."""
    from pytest_swarm.plugin.xdist_controller import controller_of

    controller_of(node.config).tell(node)


def _has_benchmark_fixture(plugins: pytest.PytestPluginManager) -> bool:
    """Whether a plugin has a `benchmark` fixture, whatever it is registered as: `-p MODULE` gives another name."""
    return any(isinstance(getattr_static(each, "benchmark", None), type(swarm_run)) for each in plugins.get_plugins())


@pytest.fixture
def swarm_case(request: pytest.FixtureRequest) -> CaseKey:
    """The case that the test runs as: mode, horizon, VRAM budget, repeat. Parametrized by the plugin."""
    pytest.fail(
        f"{request.node.nodeid}: has no case, because pytest could not parametrize it; let a test function, or a "
        "method of a class that is no unittest.TestCase, name swarm_run among its arguments",
        pytrace=False,
    )


@pytest.fixture
def swarm_run(request: pytest.FixtureRequest, swarm_case: CaseKey) -> SwarmRun:
    """`swarm_run(dag)` runs a TaskGraph under the test's case and returns its JobResult, or fails the test."""
    from pytest_swarm.plugin.isolated_tests import real_files

    with real_files():
        from pytest_swarm.plugin.job_runner import SwarmRun
        from pytest_swarm.plugin.session import RUN

        return SwarmRun(request.config.stash[RUN].jobs, request.node, swarm_case)


@pytest.fixture(scope="session")
def swarm_fleet(request: pytest.FixtureRequest) -> Fleet:
    """The fleet of --swarm-fleet."""
    from pytest_swarm.plugin.session import session_of

    return session_of(request.config).inputs.fleet


@pytest.fixture(scope="session")
def swarm_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Base URL of a simulated Ollama server over real HTTP, in real time (needs uvicorn)."""
    from pytest_swarm.plugin.backend_choice import serve_simulated
    from pytest_swarm.plugin.isolated_tests import refuse_disabled_sockets
    from pytest_swarm.plugin.session import session_of

    refuse_disabled_sockets("swarm_server listens on a socket")
    with serve_simulated(session_of(request.config).settings) as url:
        yield url


class UntimedPlugin:
    """A `benchmark` fixture where no other plugin has one: tests that take one still run, and nothing is timed."""

    @pytest.fixture
    def benchmark(self) -> Untimed:
        """Stand in for the fixture of pytest-benchmark."""
        return Untimed()


class Untimed:
    """Calls the function once. No dataclass: making one would cost every start of pytest."""

    def __init__(self) -> None:
        self.extra_info: dict[str, object] = {}

    def __call__(self, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        """Return the function's value."""
        return function(*args, **kwargs)
