"""The table of options: each fact of a row is one that something else reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pytest_swarm
from pytest_swarm.domain.run_options import RUN_OPTIONS, OptionRole, flag_of, names_of, text_of
from pytest_swarm.errors import OptionError
from pytest_swarm.gate.rules import DEFAULTS
from pytest_swarm.ollama.address import DEFAULT_HOST
from pytest_swarm.plugin.option_kinds import Axis, Flag
from pytest_swarm.plugin.option_text import OptionText
from pytest_swarm.plugin.options import ROWS, Options
from pytest_swarm.plugin.run_info import reproducing
from pytest_swarm.plugin.settings import Axes, Settings
from pytest_swarm.routing.mode_table import ModeTable
from tests.plugin.conftest import Reports, refuses, settings_of
from tests.plugin.readme import FIRST, README, options_table, table_of_readme


def test_the_readme_shows_the_first_options_and_a_page_all() -> None:
    assert len(FIRST) == 10
    assert table_of_readme() == options_table(FIRST), "write it anew: python -m docs.generate"
    page = (README.parent / "docs" / "options.md").read_text(encoding="utf-8")
    assert options_table() in page, "write it anew: python -m docs.generate"


def test_names_are_the_attributes() -> None:
    assert Options.update_baseline.flag == "--swarm-update-baseline"
    assert Options.timeout_s.dest == "swarm_timeout"
    assert len({row.dest for row in ROWS}) == len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.flag)
def test_a_default_is_a_value(row: Axis[object]) -> None:
    if isinstance(row, Flag):
        assert row.default is None
        return
    assert row.default is not None
    found = row.parse(OptionText(row.default, what=row.flag))
    assert row.absent is (found in (None, ()))


@pytest.mark.parametrize("row", [row for row in ROWS if "such as" in row.meaning], ids=lambda row: row.flag)
def test_an_example_in_the_meaning_of_an_option_is_a_value(row: Axis[object]) -> None:
    [example] = re.findall(r"such as (\S+?)[,;]? ", f"{row.meaning} ")
    row.parse(OptionText(example, what=row.flag))


@pytest.mark.parametrize("row", [row for row in ROWS if row.default is not None], ids=lambda row: row.flag)
def test_whoever_types_the_default_that_is_printed_gets_what_is_printed(row: Axis[object]) -> None:
    alone = settings_of("--swarm-baseline=b")
    typed = settings_of("--swarm-baseline=b", f"{row.flag}={row.default}")
    text = [row.default] if row.ini_type == "linelist" else row.default
    in_file = settings_of("--swarm-baseline=b", **{row.dest: text})
    for given in (typed, in_file):
        if row is not Options.baseline:
            assert given.values == alone.values
        assert (given.axes(Axes()), given.hosts) == (alone.axes(Axes()), alone.hosts)
        assert (row.dest in given.given) is not row.absent or (row, given) == (Options.baseline, in_file)


def test_the_word_for_no_value_takes_back_what_the_ini_file_says_and_stands_alone() -> None:
    ini = {"swarm_fault": ["busy:times=1"], "swarm_judge": "phi4:14b", "swarm_code_eval": "strict"}
    arguments = ("--swarm-fault=none", "--swarm-judge=none", "--swarm-code-eval=off", "--swarm-backend=replay")
    settings = settings_of(*arguments, "--swarm-cassette=c", **ini)
    assert (settings.fault, settings.judge, settings.code_eval) == ((), None, None)
    assert {*settings.given} == {"swarm_backend", "swarm_cassette"}
    with pytest.raises(OptionError, match=r"^--swarm-fault: none stands for no value, and others are given; leave it"):
        settings_of("--swarm-fault=none", "--swarm-fault=busy")
    with pytest.raises(OptionError, match=r"known are parents, full, none, graph$"):
        settings_of("--swarm-context=all")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("shard = None", None),
        ("cassette = None", None),
        ("resume = false", None),
        ("resume = yes", "latest"),
        ("resume = part", "part"),
        ("update_baseline = off", None),
        ("update_baseline = TRUE", "all"),
        ("code_eval = 0", None),
        ("code_eval = off", None),
        ("code_eval = On", "on"),
        ("code_eval = strict", "strict"),
    ],
)
def test_an_ini_value_may_be_a_truth_value_or_none_in_any_spelling(
    pytester: pytest.Pytester, line: str, value: str | None
) -> None:
    pytester.makeini(f"[pytest]\nswarm_{line}\nswarm_baseline = b")
    settings = Settings(pytester.parseconfig(), modes=ModeTable({}))
    assert settings.values[line.split()[0]] == value
    assert (f"swarm_{line.split()[0]}" in settings.given) is (value is not None)


def test_an_option_needs_values_that_another_one_can_have() -> None:
    rows = {row.attribute: row for row in ROWS}
    for row in ROWS:
        other, *values = row.needs or ("backend",)
        assert [rows[other].parse(OptionText(value, what=row.flag)) for value in values] == values


def test_the_files_of_a_run_know_each_option_and_no_other() -> None:
    assert [row.dest for row in ROWS] == list(RUN_OPTIONS)


def test_an_option_without_a_row_in_the_table_of_runs_cannot_be_made() -> None:
    with pytest.raises((KeyError, RuntimeError)) as raised:  # Python before 3.12 wraps what is raised there
        type("More", (), {"new_one": Flag("does something new")})
    assert "swarm_new_one" in str(raised.value.__cause__ or raised.value)


def test_defaults_in_words_are_those_that_count() -> None:
    assert f"auto: {' and '.join(DEFAULTS)};" in Options.fail.meaning
    assert f"else {DEFAULT_HOST};" in Options.host.meaning


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.flag)
def test_an_option_is_read_somewhere(row: Axis[object]) -> None:
    room = Path(pytest_swarm.__file__).parent / "plugin"
    texts = (path.read_text(encoding="utf-8") for path in room.glob("*.py"))
    assert any(re.search(rf"(?:settings|[Oo]ptions|\bself|\bs)\.{row.attribute}\b", text) for text in texts)


def test_the_gates_page_names_what_makes_runs_incomparable() -> None:
    page = (README.parent / "docs" / "gate.md").read_text(encoding="utf-8")
    assert [name for name in names_of(OptionRole.SCORE) if f"`{flag_of(name)}`" not in page] == []


def test_help_shows_every_option_with_its_default(pytester: pytest.Pytester) -> None:
    shown = " ".join(pytester.runpytest("--help").stdout.str().split())
    for row in ROWS:
        assert row.flag in shown
        assert f"{row.dest} (" in shown
    assert "both (= lp,llm), all, or a comma list of lp, milp, staged, llm[:TAG], heft, fixed, collate," in shown
    assert "auto: score:-2.5%@95 and violations:+0; repeatable (default: auto)" in shown
    assert "runs each case with each of them (default: 0.5)" in shown


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("tests --swarm-resume", "tests"),
        ("--swarm-resume=last tests", "tests"),
        ("--swarm-update-baseline all --swarm-seed 3", "--swarm-seed 3"),
        ("--swarm-update-baseline -k lp", "-k lp"),
        ("--swarm-compare=lp --swarm-baseline=b.json", "--swarm-compare=lp --swarm-baseline=b.json"),
    ],
)
def test_the_command_to_reproduce_a_run(typed: str, kept: str) -> None:
    assert list(reproducing(typed.split())) == kept.split()


@pytest.mark.parametrize(
    ("text", "held"), [("yes", "True"), ("on", "True"), ("no", "off"), ("FALSE", "off"), ("strict", "strict")]
)
def test_run_files_hold_one_spelling_of_on_and_off(text: str, held: str) -> None:
    """Else a run with `swarm_code_eval = false` would be other than one that does not give it."""
    assert Options.code_eval.canonical(text) == held
    assert text_of("swarm_code_eval", {}) == Options.code_eval.canonical("false")


def toml(suite: pytest.Pytester, name: str, table: str, *lines: str) -> None:
    (suite.path / "tox.ini").unlink()
    suite.makefile(".toml", **{name: "\n".join((f"[{table}]", 'swarm_backend = "sim"', *lines, ""))})


native_toml = pytest.mark.skipif(pytest.version_tuple < (9,), reason="native TOML came with pytest 9")


@native_toml
@pytest.mark.parametrize(("name", "table"), [("pytest", "pytest"), ("pyproject", "tool.pytest")])
def test_native_toml_takes_numbers_and_lists(suite: pytest.Pytester, reports: Reports, name: str, table: str) -> None:
    lines = ["swarm_compare = ['lp', 'greedy']", "swarm_horizon = [0, 'flat']", "swarm_vram = 8", "swarm_seed = 7"]
    toml(suite, name, table, *lines, "swarm_lambda_token = 0.25", "swarm_code_eval = true", "swarm_report = 'json'")
    suite.runpytest().assert_outcomes(passed=4)
    assert reports.report["run"]["options"] == {
        "swarm_backend": "sim",
        "swarm_code_eval": "True",
        "swarm_compare": "lp,greedy",
        "swarm_horizon": "0,flat",
        "swarm_lambda_token": "0.25",
        "swarm_report": "json",
        "swarm_seed": "7",
        "swarm_vram": "8",
    }
    assert reports.of("plan_step")[0]["lambda_token"] == 0.25


def test_lists_are_taken_where_warnings_are_errors(suite: pytest.Pytester, reports: Reports) -> None:
    lines = [
        "swarm_compare = ['lp', 'greedy']",
        "swarm_horizon = [0, 'flat']",
        "swarm_vram = 8",
        "swarm_report = 'json'",
    ]
    toml(suite, "pyproject", "tool.pytest.ini_options", *lines)
    suite.runpytest("-W", "error").assert_outcomes(passed=4)
    assert reports.report["run"]["options"]["swarm_horizon"] == "0,flat"


@native_toml
@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("swarm_seed = true", "a text or a number"),
        ("swarm_code_eval = 3", "true, false, or a text"),
        ("swarm_decide = 'perhaps'", "true or false"),
        ("swarm_vram = [{ a = 1 }]", "a text, a number, or a list of them"),
    ],
)
def test_native_toml_of_no_use_is_one_sentence(suite: pytest.Pytester, line: str, taken: str) -> None:
    toml(suite, "pytest", "pytest", line)
    refuses(suite, "--swarm-repeat=1", says=f"{line.split()[0]} (pytest.toml): config option *[!.]; write {taken}")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("swarm_seed = pi", "swarm_seed (tox.ini): 'pi' is not a whole number"),
        ("swarm_fleet = 3", "swarm_fleet (tox.ini): 3: there is no such fleet file; *"),
        ("swarm_profile = 3", "swarm_profile (tox.ini): profile 3: there is no such file, *"),
        ("swarm_compare =", "swarm_compare (tox.ini): is empty; give it a value, or leave it out"),
        ("swarm_fail =", "swarm_fail (tox.ini): is empty; *"),
        ("swarm_baseline = tox.ini", "swarm_baseline (tox.ini): baseline tox.ini: is not a baseline of pytest-swarm*"),
        ("swarm_baseline = none.json", "swarm_baseline (tox.ini): baseline none.json: there is no such file; *"),
        ("swarm_fault = boom", "swarm_fault (tox.ini): 'boom' is not a fault; *"),
        ("swarm_fault = hang:model=x", "swarm_fault (tox.ini): the profile has no model 'x'; it has *"),
    ],
)
def test_an_ini_value_is_named_as_one(suite: pytest.Pytester, line: str, says: str) -> None:
    suite.makeini(f"[pytest]\n{line}\nswarm_vram = 8GB\nswarm_backend = sim")
    refuses(suite, says=says)


def test_an_ini_value_of_the_command_line_is_named_as_one(suite: pytest.Pytester) -> None:
    refuses(suite, "-o", "swarm_fleet=3", says="swarm_fleet (-o): 3: there is no such fleet file; *")


@pytest.mark.parametrize("key", ["swarm_cassette", "swarm_planner", "swarm_seed"])
def test_an_ini_value_of_several_lines_is_refused_where_one_is_taken(suite: pytest.Pytester, key: str) -> None:
    suite.makeini(f"[pytest]\n{key} =\n  1\n  2\nswarm_vram = 8GB\nswarm_backend = sim")
    refuses(suite, says=f"{key} (tox.ini): takes one value, and has 2; leave the others out")


def test_paths_of_the_ini_file_are_read_from_its_folder(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_swarm.workloads.fleet import shipped_fleets

    (suite.path / "own.toml").write_text(shipped_fleets()["heavy"].read_text())
    suite.makeini("[pytest]\nswarm_vram=8GB\nswarm_backend=sim\nswarm_fleet=own.toml\nswarm_report=json:out.json\n")
    below = suite.mkdir("below")
    monkeypatch.chdir(below)
    suite.runpytest("../test_invoice.py").assert_outcomes(passed=1)
    assert (suite.path / "out.json").exists()
    assert not (below / "out.json").exists()
    result = suite.runpytest("../test_invoice.py", "--swarm-fleet=own.toml", "--swarm-report=json:here.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    suite.runpytest("../test_invoice.py", "--swarm-report=json:here.json").assert_outcomes(passed=1)
    assert (below / "here.json").exists()
    elsewhere = suite.mkdir("elsewhere")
    suite.runpytest("../test_invoice.py", f"--rootdir={elsewhere}").assert_outcomes(passed=1)
    assert [each.name for each in elsewhere.iterdir() if each.name != ".pytest_cache"] == ["reports"]


def test_a_file_of_the_current_folder_comes_before_one_beside_the_ini_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini, here = tmp_path / "ini", tmp_path / "here"
    for folder in (ini, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    given = OptionText("fleet.toml", what="--swarm-fleet", folder=ini)
    assert given.file_or_name() == "fleet.toml"
    (ini / "fleet.toml").touch()
    assert given.file_or_name() == str(ini / "fleet.toml")
    (here / "fleet.toml").touch()
    assert given.file_or_name() == "fleet.toml"
