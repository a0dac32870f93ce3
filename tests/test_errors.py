"""A message quotes no more of what was given than it must."""

from __future__ import annotations

import pytest

from pytest_swarm.errors import OptionError, ServerRefusedError


@pytest.mark.parametrize(
    "data", ["9" * 100_000, "a b " * 20_000, "\u2028" * 5000, "' ' " * 20_000, "it's " * 20_000], ids=repr
)
def test_long_data_is_shortened_and_both_ends_stay(data: str) -> None:
    message = str(OptionError(f"--swarm-seed: {data!r} is not a whole number; write for example 7"))
    assert len(message) < 2100
    assert message.startswith("--swarm-seed: ")
    assert message.endswith("is not a whole number; write for example 7")


def test_one_long_quotation_is_under_500_characters() -> None:
    message = str(OptionError(f"--swarm-seed: {'a b ' * 300!r} is unknown"))
    assert len(message) < 300


@pytest.mark.parametrize(
    "message",
    [
        "reports/a/b: cannot be written",
        "the server's fault is not the model's; " * 20 + "try again",
        f"known are {', '.join(f'model{n}:7b' for n in range(60))}",
    ],
)
def test_an_ordinary_message_stays(message: str) -> None:
    assert str(OptionError(message)) == message
    assert str(ServerRefusedError(message, status=500)) == message


def test_what_could_command_a_terminal_is_escaped() -> None:
    error = OptionError("fleet f.toml: 'a\x1b[31m\u202eb\x9b\x00\ud800' is no tag;\n\t'漢 שלום 👩\u200d👧'")
    assert str(error) == r"fleet f.toml: 'a\u001b[31m\u202eb\u009b\u0000\ud800' is no tag;" + "\n\t'漢 שלום 👩\u200d👧'"
