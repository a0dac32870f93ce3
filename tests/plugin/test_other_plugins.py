"""Beside other plugins, however they are loaded: results are right, and no plugin breaks another."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.plugin.conftest import Reports, served

TIMED = """
from test_invoice import dag

def test_timed(swarm_run, dag, benchmark):
    swarm_run(dag)
    swarm_run.bench(benchmark)
    assert type(benchmark).__name__ == {fixture!r}
"""


@pytest.mark.parametrize(
    ("plugins", "fixture"),
    [
        (("pytest_benchmark.plugin",), "BenchmarkFixture"),
        (("benchmark",), "BenchmarkFixture"),
        (("other_timer",), "Stopwatch"),
        ((), "Untimed"),
    ],
)
def test_the_benchmark_fixture_of_another_plugin_stands_by_whatever_name_it_was_loaded(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, plugins: tuple[str, ...], fixture: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # pytest-benchmark warns of it at its end
    suite.makepyfile(
        test_timed=TIMED.format(fixture=fixture),
        other_timer="""
        import pytest

        class Stopwatch:
            extra_info = {}
            def __call__(self, function): return function()

        @pytest.fixture
        def benchmark(): return Stopwatch()
        """,
    )
    suite.syspathinsert()
    loaded = [text for each in ("swarm", *plugins) for text in ("-p", each)]
    short = ("--benchmark-max-time=0.01",) if fixture == "BenchmarkFixture" else ()
    suite.runpytest("test_timed.py", *loaded, *short).assert_outcomes(passed=1)


PYFAKEFS = """
class Patcher:
    PATCHER = None
    is_patching = False

    def turn(self, on):
        self.is_patching = on
        for name in ("open", "mkdir"):
            setattr(os, name, _nothing_real if on else REAL[name])

class Pause:
    def __init__(self, patcher): self.patcher = patcher
    def __enter__(self): self.patcher.turn(False)
    def __exit__(self, *_): self.patcher.turn(True)

def _nothing_real(*_, **__):
    raise FileNotFoundError("there is nothing of the real disk here")
"""  # what is used of it, and what makes a test fail that does not use it
FAKED_DISK = """
import pytest

from pyfakefs.fake_filesystem_unittest import Patcher

@pytest.fixture
def fs():
    Patcher.PATCHER = Patcher()
    Patcher.PATCHER.turn(True)
    yield
    Patcher.PATCHER.turn(False)
    Patcher.PATCHER = None
"""
FAKING = """
from test_invoice import dag

def test_faked(fs, swarm_run, dag):
    swarm_run(dag)
    with open("here.txt", "w") as file:
        file.write("of the test")

def test_after_it(swarm_run, dag):
    import os
    swarm_run(dag)
    assert not os.path.exists("here.txt")
"""


def test_a_benchmark_that_fakes_its_disk_keeps_its_run(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_faking=FAKING)
    plugin: tuple[str, ...] = ()
    if find_spec("pyfakefs") is None:
        plugin = ("-p", "pyfakefs.pytest_plugin")
        folder = suite.mkpydir("pyfakefs")
        head = 'import os\n\nREAL = {"open": os.open, "mkdir": os.mkdir}\n'
        (folder / "fake_filesystem_unittest.py").write_text(head + PYFAKEFS)
        (folder / "pytest_plugin.py").write_text(FAKED_DISK)
        (suite.path / "test_faking.py").write_text(FAKING.replace("    with open", "    return\n    with open"))
        suite.syspathinsert()
    suite.runpytest("test_faking.py", *plugin).assert_outcomes(passed=2)
    assert [each["status"] for each in reports.report["cases"]] == ["completed"] * 2


SOCKET_GUARD = """
import socket

import pytest

_TRUE = {name: getattr(socket, name) for name in ("socket", "getaddrinfo", "gethostbyname")}

def enable_socket():
    socket.__dict__.update(_TRUE)

def disable_socket(allow_unix_socket=False):
    class GuardedSocket(socket.socket):
        def __new__(cls, family=-1, type=-1, proto=-1, fileno=None):
            if family == socket.AF_UNIX and allow_unix_socket:
                return super().__new__(cls, family, type, proto, fileno)
            raise RuntimeError("A test tried to use socket.socket.")
    socket.socket = GuardedSocket

def pytest_addoption(parser):
    parser.addoption("--disable-socket", action="store_true")

def pytest_configure(config):
    config.addinivalue_line("markers", "enable_socket: ")

def pytest_runtest_setup(item):
    (enable_socket if item.get_closest_marker("enable_socket") else disable_socket)()

def pytest_runtest_teardown():
    enable_socket()
"""
NO_NETWORK = """
import socket

import pytest

from test_invoice import dag

def test_run(swarm_run, dag):
    swarm_run(dag)
    with pytest.raises((RuntimeError, UserWarning), match="tried to use socket"):
        socket.socket()

def test_served(swarm_server): ...

@pytest.mark.enable_socket
def test_enabled(swarm_run, dag):
    swarm_run(dag)
    for each in socket.socketpair():
        each.close()
"""


def no_socket(suite: pytest.Pytester) -> tuple[str, ...]:
    """The options of a run whose tests may open no socket: with the plugin itself where it is installed."""
    if find_spec("pytest_socket") is not None:
        return ("--disable-socket",)
    suite.makepyfile(pytest_socket=SOCKET_GUARD)
    suite.syspathinsert()
    return ("-p", "pytest_socket", "--disable-socket")


def test_a_run_needs_no_socket_of_a_test_that_may_open_none(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(test_network=NO_NETWORK)
    result = suite.runpytest("test_network.py", *no_socket(suite))
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["swarm_server listens on a socket, and pytest-socket lets this test open no *"])
    assert [each["status"] for each in reports.report["cases"]] == ["completed"] * 2


def test_a_run_on_a_server_says_that_its_test_may_open_no_socket(suite: pytest.Pytester) -> None:
    with served() as url:
        result = suite.runpytest("--swarm-backend=ollama", f"--swarm-host={url}", *no_socket(suite))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["swarm_run calls a server, and pytest-socket lets this test open no socket: *"])
    assert "Traceback" not in result.stdout.str()


RERUNNING = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    item._initrequest()
    runtestprotocol(item, nextitem=nextitem)
    return True
"""  # what pytest-rerunfailures does with a test that fails


def test_a_test_that_is_run_again_has_the_properties_of_its_last_run(suite: pytest.Pytester) -> None:
    suite.makeconftest(RERUNNING)
    result = suite.runpytest("--junitxml=junit.xml")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["! 1 case was run more than once, though nothing tells the runs apart *"])
    assert (suite.path / "junit.xml").read_text().count('name="swarm.job"') == 1
