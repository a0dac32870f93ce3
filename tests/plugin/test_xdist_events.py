"""Workers of xdist send their messages pickled where both sides know of it, and everything arrives as without that."""

from __future__ import annotations

import enum
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.plugin.xdist_events import PICKLED, PickledChannel, decode, encode, receive_pickled, send_pickled
from tests.plugin.conftest import Reports

pytest.importorskip("xdist")

LISTENING = """
from pathlib import Path
import pytest

LOG = Path(__file__).with_name("messages.txt")

@pytest.hookimpl(trylast=True)
def pytest_configure_node(node):
    receive = node.process_from_remote
    def listen(item):
        with LOG.open("a") as file:
            file.write(type(item).__name__ + "\\n")
        receive(item)
    node.process_from_remote = listen
"""
"""A conftest file that notes of what type each message of a worker is."""

OTHER_VERSION = f"""
    node.workerinput.pop({PICKLED!r}, None)
"""


def messages(pytester: pytest.Pytester) -> list[str]:
    """The types of the messages that arrived."""
    return (pytester.path / "messages.txt").read_text().split()


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadgroup", "each"])
def test_the_messages_of_a_test_are_pickled(suite: pytest.Pytester, reports: Reports, dist: str) -> None:
    suite.makeconftest(LISTENING)
    result = suite.runpytest("-n1", f"--dist={dist}", "--swarm-compare=milp,greedy")
    result.assert_outcomes(passed=2)
    assert messages(suite).count("bytes") >= 2 * 6  # logstart, three reports, logfinish, runtest_protocol_complete
    assert len(reports.of("job_dag_summary")) == 2


def test_a_worker_of_another_version_sends_as_ever(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makeconftest(LISTENING + OTHER_VERSION)
    result = suite.runpytest("-n1", "--swarm-compare=milp,greedy")
    result.assert_outcomes(passed=2)
    assert "bytes" not in messages(suite)
    assert len(reports.of("job_dag_summary")) == 2


def test_a_suite_without_benchmarks_sends_as_ever(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(LISTENING)
    pytester.makepyfile("def test_plain(): ...")
    pytester.runpytest("-n1").assert_outcomes(passed=1)
    assert "bytes" not in messages(pytester)


class Figure(float):
    """What is more than a plain number, such as numpy's numbers are."""


class Color(enum.IntEnum):
    """What is more than a plain number, too."""

    RED = 1


@pytest.mark.parametrize(
    "value", [Figure(0.5), Color.RED, object(), Figure, test_a_suite_without_benchmarks_sends_as_ever]
)
def test_what_is_not_plain_goes_to_execnet_as_it_is(value: object) -> None:
    sent: list[object] = []
    event = ("testreport", {"data": {"user_properties": [("x", value)]}})
    PickledChannel(SimpleNamespace(send=sent.append)).send(event)
    assert sent == [event]


def test_plain_data_arrives_as_it_was_sent() -> None:
    data: object = (
        "name",
        {"a": [1, -(2**70), 0.1, True, None, "\ud800é", b"\x00"], "b": ({1}, frozenset({2}), (), {})},
    )
    arrived = decode(encode(data))
    assert arrived == data
    assert repr(arrived) == repr(data)


def test_nothing_but_plain_data_is_read() -> None:
    with pytest.raises(pickle.UnpicklingError, match="is not plain data"):
        decode(pickle.dumps(Color.RED))


def test_the_rest_of_the_channel_is_as_it_was() -> None:
    channel: Any = SimpleNamespace(isclosed=lambda: "asked")
    assert PickledChannel(channel).isclosed() == "asked"


def test_an_xdist_that_is_made_otherwise_is_left_alone() -> None:
    node = SimpleNamespace(workerinput={})
    receive_pickled(node)
    assert node.workerinput == {}
    other = SimpleNamespace(channel=None)
    config: Any = SimpleNamespace(
        workerinput={PICKLED: True}, pluginmanager=SimpleNamespace(get_plugins=lambda: {0: other}.values())
    )
    send_pickled(config)
    assert other.channel is None
