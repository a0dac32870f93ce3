"""The options of the programs that measure error rates."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "validity"


@pytest.mark.parametrize(
    ("only", "lacking"), [("gain", None), ("non,gain", None), ("none,TYPO", "'TYPO'"), ("none,", "''")]
)
def test_a_world_that_is_not_there_is_refused(
    only: str, lacking: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(FOLDER)  # they are run as files
    monkeypatch.setattr("sys.argv", ["validity", f"--only={only}"])
    parsed = import_module("gate_validity").parsed
    if lacking is None:
        assert parsed(None, ["none", "gain-2"]).only == tuple(only.split(","))
        return
    with pytest.raises(SystemExit):
        parsed(None, ["none", "gain-2"])
    assert f"--only: no world begins with {lacking}; the worlds are none, gain-2" in capsys.readouterr().err
