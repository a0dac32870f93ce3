"""What may be secret in the address of a server stays out of everything that a run writes or says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm.ollama.address import host_as_written, without_secrets
from tests.plugin.conftest import WB1, Reports

SECRETS = ("someone", "hunter2", "k3y", "fr4gment")


def everything_written(suite: pytest.Pytester) -> str:
    return "".join(
        path.read_text(errors="replace") for path in sorted(Path(suite.path).rglob("*")) if path.suffix in KINDS
    )


KINDS = (".json", ".jsonl", ".html", ".md", ".csv", ".xml")


@pytest.mark.parametrize("how", ["options", "ini", "overrides", "environment"])
def test_no_secret_of_an_address_is_kept(
    suite: pytest.Pytester, reports: Reports, fast_server: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile(test_wb1=WB1)
    host = f"http://someone:hunt@hunter2@{fast_server.removeprefix('http://')}/?key=k3y#fr4gment"
    bare = host.removeprefix("http://")
    override = f"swarm_host={bare}"
    args = {
        "options": [f"--swarm-host={host}", "--swarm-host", host, f"--swarm-host={bare}", "--swarm-host", bare],
        "overrides": ["-o", override, f"-o={override}", f"-o{override}", f"--override-ini={override}"],
    }.get(how, [])
    if how == "ini":
        suite.makeini(f"[pytest]\nswarm_vram = 8GB\nswarm_host = {host}")
    if how == "environment":
        monkeypatch.setenv("OLLAMA_HOST", host)
        monkeypatch.setenv("API_KEY", "k3y")
    kinds = [f"--swarm-report={kind}" for kind in ("json", "html", "csv", "md", "jsonl:copy.jsonl")]
    recorded = ("--swarm-backend=record", "--swarm-cassette=c.jsonl", "--junitxml=junit.xml")
    recorded = recorded if how != "environment" else ("--swarm-backend=ollama",)
    result = suite.runpytest("test_wb1.py", *recorded, *args, *kinds)
    result.assert_outcomes(passed=1)
    suite.path.joinpath("tox.ini").unlink()
    text = everything_written(suite)
    assert fast_server in text
    assert not [secret for secret in SECRETS if secret in text + result.stdout.str() + result.stderr.str()]
    assert any("host" in name for name in reports.of("run_start")[0]["options"]) is (how != "environment")


@pytest.mark.parametrize(
    "host", ["http://someone:hunter2@{}/?key=k3y", "http://someone:hunter2@h:port/?key=k3y#fr4gment"]
)
def test_no_secret_is_in_an_error(suite: pytest.Pytester, host: str, closed_port: int) -> None:
    result = suite.runpytest("--swarm-backend=ollama", f"--swarm-host={host.format(f'127.0.0.1:{closed_port}')}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not [secret for secret in SECRETS if secret in result.stdout.str() + result.stderr.str()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("box", "box"),
        ("user:pw@box:1", "box:1"),
        ("https://u:p@ss@box/path?key=1#x", "https://box/path"),
        ("u@box?x", "box"),
        ("http://[::1]:1/a@b", "http://[::1]:1/a@b"),
    ],
)
def test_an_address_is_shown_as_it_was_written(text: str, shown: str) -> None:
    assert host_as_written(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tests/test_a.py::test[a?b#c]", "tests/test_a.py::test[a?b#c]"),
        ("--x=https://u:p@w@h/a?k=v", "--x=https://h/a"),
        ("md:$GITHUB_STEP_SUMMARY", "md:$GITHUB_STEP_SUMMARY"),
    ],
)
def test_only_addresses_are_changed(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_only_the_listed_variables_are_written_down(
    suite: pytest.Pytester, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "hunter2")
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", "4")
    suite.runpytest().assert_outcomes(passed=1)
    assert reports.of("run_start")[0]["machine"]["OLLAMA_NUM_PARALLEL"] == "4"
    assert "hunter2" not in (reports.folder / "events.jsonl").read_text()
