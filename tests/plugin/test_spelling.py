"""A misspelled option, ini key, marker or keyword ends the run before any test, and the nearest name is given."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import refuses
from tests.plugin.test_options import native_toml


@pytest.mark.parametrize("typed", [("--swarm-comapre=lp",), ("--swarm-comapre", "lp")])
def test_an_option(suite: pytest.Pytester, typed: tuple[str, ...]) -> None:
    refuses(suite, *typed, says="--swarm-comapre: pytest-swarm has no such option (did you mean --swarm-compare?)")


def test_an_option_like_no_other(suite: pytest.Pytester) -> None:
    refuses(suite, "--swarm-zzz", says="--swarm-zzz: pytest-swarm has no such option; pytest --help lists*")


def test_an_option_of_a_conftest_is_none(suite: pytest.Pytester) -> None:
    suite.makeconftest("def pytest_addoption(parser): parser.addoption('--swarm-jobs')")
    suite.runpytest("--swarm-jobs=3").assert_outcomes(passed=1)


@pytest.mark.parametrize("strict", ["", "--strict-config"])
def test_an_ini_key(suite: pytest.Pytester, strict: str) -> None:
    suite.makeini(f"[pytest]\nswarm_bakend = sim\nswarm_vram = 8GB\naddopts = {strict}")
    refuses(suite, says="*tox.ini: pytest-swarm has no ini key swarm_bakend (did you mean swarm_backend?)")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        pytest.param("pytest", "pytest", marks=native_toml),
        pytest.param("pyproject", "tool.pytest", marks=native_toml),
        ("pyproject", "tool.pytest.ini_options"),
    ],
)
def test_a_toml_key(suite: pytest.Pytester, name: str, table: str) -> None:
    (suite.path / "tox.ini").unlink()
    suite.makefile(".toml", **{name: f'[{table}]\nswarm_vrma = "8GB"\n[tool.other]\nswarm_bakend = 1'})
    refuses(suite, says=f"*{name}.toml: pytest-swarm has no ini key swarm_vrma (did you mean swarm_vram?)")


def test_a_key_of_the_command_line(suite: pytest.Pytester) -> None:
    refuses(suite, "-o", "swarm_sed=3", says="-o: pytest-swarm has no ini key swarm_sed (did you mean swarm_seed?)")


def test_a_key_of_a_conftest_is_none(suite: pytest.Pytester) -> None:
    suite.makeconftest("def pytest_addoption(parser): parser.addini('swarm_team', 'whose')")
    suite.makeini("[pytest]\nswarm_team = red\nswarm_vram = 8GB\nswarm_backend = sim")
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("swram(vram='8GB')", "test_m.py::test_a: @pytest.mark.swram is not a known marker (did you mean swarm?)"),
        ("swarm_gat('score:-1%')", "*@pytest.mark.swarm_gat is not a known marker (did you mean swarm_gate?)"),
        ("swarm(vrma='8GB')", "@pytest.mark.swarm: unknown keyword 'vrma' (did you mean vram?); known are modes,*"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
def test_a_marker(suite: pytest.Pytester, marker: str, sentence: str) -> None:
    suite.makepyfile(test_m=f"import pytest\n@pytest.mark.{marker}\ndef test_a(swarm_run): ...")
    refuses(suite, "test_m.py", says=sentence)


def test_a_keyword_of_the_gates_marker(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_m="import pytest\n@pytest.mark.swarm_gate(gat='warn')\ndef test_a(swarm_run): ...")
    args = ("--swarm-baseline=b.json", "--swarm-update-baseline")
    sentence = "@pytest.mark.swarm_gate: unknown keyword 'gat' (did you mean gate?); known are gate"
    refuses(suite, "test_m.py", *args, says=sentence)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
def test_markers_of_others_are_let_be(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_vram = 8GB\nswarm_backend = sim\nmarkers =\n    swarms: mine")
    suite.makepyfile(
        test_m="import pytest\nfrom test_invoice import dag\n"
        "@pytest.mark.swarms\n@pytest.mark.smoke\ndef test_a(swarm_run, dag): swarm_run(dag)"
    )
    suite.runpytest("test_m.py").assert_outcomes(passed=1)
