"""Nonsense ends the run before any test: exit status 4, one sentence that names the thing, no traceback."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.telemetry.nvml import NoGpu
from tests.plugin.conftest import refuses, settings_of

REPLAY = "--swarm-backend=replay --swarm-cassette=c.jsonl"
OFFLINE = "--swarm-backend=measure --swarm-offline"
BY_THEMSELVES = [
    ("--swarm-compare=lp,MLIP", "*unknown mode 'MLIP' (did you mean milp?); known are*"),
    ("--swarm-compare=singel:gemma2:2b", "*(did you mean single:gemma2:2b?)*"),
    ("--swarm-judge=my model", "*--swarm-judge: no server takes 'my model' as the name of a model; write it as*"),
    ("--swarm-planner=a:b:c", "*--swarm-planner: no server takes 'a:b:c' as the name of a model*"),
    ("--swarm-compare=llm:a:b:c", "*mode 'llm:a:b:c': no server takes 'a:b:c' as the name of a model*"),
    ("--swarm-compare=single", "*'single' names no model*"),
    ("--swarm-compare=lp,,llm", "*empty entry*"),
    ("--swarm-horizon=x", "*--swarm-horizon: 'x' is not a horizon depth*"),
    ("--swarm-horizon=-1", "*'-1' is not a horizon depth*"),
    ("--swarm-vram=8 bananas", "*--swarm-vram: '8 bananas' is not a size*"),
    ("--swarm-vram=0GB", "*'0GB' is not a size*"),
    ("--swarm-vram=-3GB", "*'-3GB' is not a size*"),
    ("--swarm-repeat=0", "*--swarm-repeat: is 0, but must be at least 1*"),
    ("--swarm-repeat=many", "*'many' is not a whole number*"),
    ("--swarm-seed=pi", "*--swarm-seed: 'pi' is not a whole number*"),
    ("--swarm-lambda-token=nan", "*--swarm-lambda-token: is nan*"),
    *((f"--swarm-lambda-token={text}", "--swarm-lambda-token: *") for text in ("0,,1", "0,x", "0,-1", "inf,0")),
    ("--swarm-estimates=crss", "*--swarm-estimates: 'crss' is none of prior, *and there is no such file*"),
    ("--swarm-estimates=prior:x", "*prior takes no file*"),
    ("--swarm-learning=maybe", "*--swarm-learning: 'maybe' is unknown; known are on, off*"),
    ("--swarm-code-eval=loose", "--swarm-code-eval: 'loose' is unknown; known are strict*"),
    ("--swarm-compare=", "--swarm-compare: is empty; give it a value, or leave it out"),
    ("--swarm-lambda-switch=-1", "*must be a number of at least 0*"),
    ("--swarm-quality-floor=2 --swarm-compare=lp", "--swarm-quality-floor: is 2, but must be at most 1"),
    ("--swarm-lambda-switch=inf", "*--swarm-lambda-switch: is inf, but must be at most 1,000,000"),
    ("--swarm-repeat=1000000000", "*--swarm-repeat: is 1000000000, but must be at most 10000"),
    ("--swarm-repeat=auto:1000000000", "*--swarm-repeat: is 1000000000, but must be at most 10000"),
    (f"--swarm-seed={'9' * 5000}", "*--swarm-seed: '9999*...*' is not a whole number"),
    ("--swarm-seed=9007199254740993", "*--swarm-seed: is 9007199254740993, but must be at most 9007199254740992"),
    (f"--swarm-horizon={'9' * 5000}", "*--swarm-horizon: '9999*...*' is not a whole number"),
    ("--swarm-horizon=99999999", "*--swarm-horizon: is 99999999, but must be at most 10000"),
    (f"--swarm-horizon={'0,' * 5000}0", "*--swarm-horizon: has 5,001 entries, but may have 1,000 at most"),
    (f"--swarm-vram={'9' * 400}GB", "*--swarm-vram: '9999*...*' is more than 1,000,000 GB*"),
    (f"--swarm-timeout={'9' * 400}", "*--swarm-timeout: '9999*...*' is more than *a year*"),
    ("--swarm-reply-limit=much", "*--swarm-reply-limit: 'much' is not a size*"),
    ("--swarm-reply-limit=1MB", "*--swarm-reply-limit: '1MB' is less than 1MiB; write for example 64MiB"),
    ("--swarm-retries=-1", "*--swarm-retries: is -1, but must be at least 0"),
    ("--swarm-concurrency=1000000", "*--swarm-concurrency: is 1000000, but must be at most 10000"),
    (f"--swarm-fail=score:-{'9' * 400}%", "*--swarm-fail: *a number that is not beyond all bounds"),
    (f"--swarm-report={'x' * 5000}", "*--swarm-report: unknown type 'xxx*...*'*"),
    ("--swarm-backend=cloud", "*--swarm-backend: 'cloud' is unknown; known are auto, ollama, measure, sim*"),
    ("--swarm-timeout=soon", "*--swarm-timeout: 'soon' is not a duration*"),
    ("--swarm-concurrency=0", "*--swarm-concurrency: is 0*"),
    ("--swarm-carryover=maybe", "*'maybe' is unknown; known are case, group*"),
    ("--swarm-context=some", "*--swarm-context: 'some' is unknown*"),
    ("--swarm-report=pdf", "*--swarm-report: unknown type 'pdf'*"),
    (
        "--swarm-baseline=b --swarm-report=json:./b",
        "*--swarm-report: --swarm-baseline and json both go to b; give each*",
    ),
    (
        "--swarm-cassette=c --swarm-backend=record --swarm-report=jsonl:c",
        "*: --swarm-cassette and jsonl both go to c;*",
    ),
    ("--swarm-fleet=mine.toml --swarm-report=html:mine.toml", "*: --swarm-fleet and html both go to mine.toml; give*"),
    ("--swarm-profile=p.toml --swarm-report=md:p.toml", "*: --swarm-profile and md both go to p.toml; give each*"),
    ("--swarm-report=json:a --swarm-report=html:./a", "*--swarm-report: json and html both go to *a; give each*"),
    ("--swarm-host=ftp://x", "*--swarm-host: 'ftp://x' is not the URL of an HTTP server*"),
    ("--swarm-shard=4/3", "*--swarm-shard: '4/3' is no part of a whole; write for example 2/3*"),
    ("--swarm-shard=2", "*--swarm-shard: '2' is no part of a whole*"),
    ("--swarm-shard=0/3", "*--swarm-shard: '0/3' is no part of a whole*"),
    ("--swarm-code-eval=test_invoice.py", "*known are strict, true, false (*: write --swarm-code-eval=true)"),
    ("--swarm-update-baseline=test_invoice.py", "*, append, none (*: write --swarm-update-baseline=all)"),
    ("--swarm-replan=layer", "*--swarm-replan needs --swarm-dispatch=tasks*"),
    ("--swarm-only --swarm-skip", "--swarm-only and --swarm-skip together leave no test; give one of them"),
    (
        f"{REPLAY} --swarm-fault=busy",
        "--swarm-fault has no effect with --swarm-backend=replay, where no server is called; leave one out",
    ),
    (f"{REPLAY} --swarm-profile=a40", "--swarm-profile has no effect with --swarm-backend=replay, *"),
    (f"{REPLAY} --swarm-host=localhost", "--swarm-host has no effect with --swarm-backend=replay, *"),
    (
        "--swarm-backend=sim --swarm-host=localhost",
        "--swarm-host has no effect with --swarm-backend=sim, where no real server is called; leave one out",
    ),
    ("--swarm-backend=sim --swarm-leave-loaded", "--swarm-leave-loaded has no effect with --swarm-backend=sim, *"),
    (
        "--swarm-backend=ollama --swarm-fault=busy",
        "--swarm-fault has no effect with --swarm-backend=ollama, where no simulator of this process is called; *",
    ),
    *(
        (
            f"--swarm-backend={backend} --swarm-cassette=c --swarm-host=localhost --swarm-profile=a40",
            "--swarm-profile has no effect with --swarm-host, where no simulator of this process is called; *",
        )
        for backend in ("auto", "measure", "record")
    ),
    (f"{OFFLINE} --swarm-profile=a40", "--swarm-profile has no effect with --swarm-offline, where no server is *"),
    ("--swarm-cassette=c.jsonl", "--swarm-cassette needs --swarm-backend=record or --swarm-backend=replay; add it*"),
    ("--swarm-record-mode=all", "--swarm-record-mode needs --swarm-backend=record; add it*"),
    ("--swarm-backend=record", "--swarm-backend=record needs the recording's file*"),
    ("--swarm-backend=replay", "--swarm-backend=replay needs the recording's file*"),
    ("--swarm-answers=x", "--swarm-answers needs --swarm-backend=measure*"),
    ("--swarm-offline", "--swarm-offline needs --swarm-backend=measure*"),
    ("--swarm-verify=2", "--swarm-verify needs --swarm-backend=measure*"),
    (f"{OFFLINE} --swarm-verify=2", "--swarm-verify asks a server, and --swarm-offline forbids it*"),
    ("--swarm-backend=measure --swarm-max-time=soon", "--swarm-max-time: *"),
    ("--swarm-backend=measure --swarm-ask-parallel=0", "--swarm-ask-parallel: *"),
    ("--swarm-baseline=tox.ini --swarm-fail=score:2%", "--swarm-fail: 'score:2%', character 7: found '2'*"),
    *(
        (f"{option}", f"{option.partition('=')[0]} compares with a baseline: give one with --swarm-baseline=FILE")
        for option in (
            "--swarm-fail=score:-1%",
            "--swarm-gate=warn",
            "--swarm-incomparable=fail",
            "--swarm-inconclusive=fail",
        )
    ),
    ("--swarm-update-baseline=some", "--swarm-update-baseline: 'some' is unknown; known are new, all, append*"),
    ("--swarm-gate=maybe", "--swarm-gate: 'maybe' is unknown; known are off, warn, fail"),
    ("--swarm-incomparable=maybe", "--swarm-incomparable: 'maybe' is unknown; known are warn, fail, ignore"),
    ("--swarm-inconclusive=maybe", "--swarm-inconclusive: 'maybe' is unknown; known are pass, warn, fail"),
    (
        "--swarm-baseline=base.json --swarm-fail=miip/score:-1%",
        "--swarm-fail: 'miip/score:-1%': unknown mode 'miip' (did you mean milp?); known are *",
    ),
    (
        "--swarm-baseline=base.json --swarm-repeat=auto:9 --swarm-fail=makespan_s:+10%",
        "--swarm-fail: 'makespan_s:+10%': medians cannot be judged while repeats are added (--swarm-repeat=auto)*",
    ),
    ("--swarm-repeat=auto", "--swarm-repeat: auto needs a limit, such as auto:20"),
]
IN_A_RUN = [
    ("--swarm-compare=lp,psychic", "*--swarm-compare: unknown mode 'psychic'; known are both, all, lp,*"),
    ("--swarm-compare=single:phi4", "*has no model 'phi4' (did you mean single:phi4:14b?)*"),
    ("--swarm-compare=single:gema2:2b", "*has no model 'gema2:2b' (did you mean single:gemma2:2b?)*"),
    (
        "--swarm-compare=single:gemma2:2b,single:GEMMA2:2b",
        "--swarm-compare: single:GEMMA2:2b and single:gemma2:2b are the same mode; leave one of them out",
    ),
    ("--swarm-vram=8GB,8.0001GB", "--swarm-vram: 8.0 GB and 8.0001 GB are both called 8GB; leave one of them out"),
    ("--swarm-estimates=cross", "*--swarm-estimates=cross needs answers to the other jobs*cross:reports/RUN*"),
    ("--swarm-estimates=cross:nowhere", "*nowhere: is neither a run nor an imported table*"),
    (
        "--swarm-estimates=tox.ini",
        "*tox.ini: is not a file of estimates of pytest-swarm, and is not valid JSON: *; name a file of estimates",
    ),
    ("--swarm-repeat=10000 --swarm-horizon=0,1,2,3,4,5,6,7,8,9,10", "*would run as 110,000 cases*give fewer of them"),
    (f"--swarm-fault=busy:times={'9' * 5000}", "*--swarm-fault: *"),
    ("--swarm-backend=measure --swarm-report=csv:.swarm-answers", "*: --swarm-answers and csv both go to *"),
    ("--swarm-fleet=nowhere.toml", "*nowhere.toml*"),
    ("--swarm-profile=nowhere.toml", "*nowhere.toml*"),
    ("--swarm-resume", "*--swarm-resume: there is no earlier run*"),
    ("--swarm-resume=gone", "*there is no run 'gone'*"),
    ("--swarm-resume=test_invoice.py", "*there is no run 'test_invoice.py'; *: write --swarm-resume=latest)"),
    ("--swarm-planner=gpt-9 --swarm-compare=llm", "*does not have gpt-9 (it has *); describe them in a profile*"),
    ("--swarm-lambda-latency=1", "--swarm-lambda-latency needs prefill_tokens_per_s and *lacks them for gemma2:2b, *"),
    ("--swarm-fault=hang:model=nope", "--swarm-fault: the profile has no model 'nope'; it has gemma2:2b*"),
    (f"{OFFLINE}", "answers *.swarm-answers: there is no such file; measure first*"),
    (
        "--swarm-backend=measure --swarm-profile=a40 --swarm-carryover=group",
        "--swarm-carryover=group *=measure plays each case from an empty GPU; *",
    ),
    ("--swarm-baseline=base.json", "baseline base.json: there is no such file; make it with*"),
    (
        "--swarm-baseline=tox.ini",
        "baseline tox.ini: is not a baseline of pytest-swarm, and is not valid JSON: *; name a baseline",
    ),
    ("--swarm-repeat=auto:9", "--swarm-repeat=auto goes on until the gate has decided: give --swarm-baseline*"),
]


def arguments_of(options: str) -> list[str]:
    """A value may have blanks."""
    return [f"--{each}" for each in options.removeprefix("--").split(" --")]


@pytest.mark.parametrize(("options", "sentence"), BY_THEMSELVES, ids=[options[:60] for options, _ in BY_THEMSELVES])
def test_options_that_mean_nothing_by_themselves(options: str, sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        settings_of(*arguments_of(options))
    assert fnmatchcase(str(refused.value), sentence)
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(("options", "sentence"), IN_A_RUN, ids=[options[:60] for options, _ in IN_A_RUN])
def test_options_that_mean_nothing_end_the_run(suite: pytest.Pytester, options: str, sentence: str) -> None:
    refuses(suite, *arguments_of(options), says=sentence)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (
            "swarm(mode='lp')",
            "*unknown keyword 'mode' (did you mean modes?); known are modes, horizon, vram, repeat, carryover,*",
        ),
        ("swarm('lp')", "*takes keywords only*"),
        ("swarm(modes='')", "@pytest.mark.swarm(modes=): is empty; give it a value, or leave it out"),
        ("swarm(horizon='x')", "*@pytest.mark.swarm(horizon=): 'x' is not a horizon depth*"),
        ("swarm(family=3)", "*@pytest.mark.swarm(family=): family is 3, but must be the name of the template that*"),
        ("swarm(version=-1)", "*@pytest.mark.swarm(version=): -1 is not a whole number of at least 0"),
        ("swarm(version='new')", "*@pytest.mark.swarm(version=): 'new' is not a whole number*"),
        ("swarm(repeat='auto:5')", "@pytest.mark.swarm(repeat=): auto belongs on the command line*"),
        ("swarm_gate('score:2%')", "@pytest.mark.swarm_gate: 'score:2%', character 7*"),
        ("swarm_gate(strict='yes')", "@pytest.mark.swarm_gate: unknown keyword 'strict'*"),
        ("swarm_gate(gate='no')", "@pytest.mark.swarm_gate(gate=): 'no' is unknown*"),
    ],
)
def test_bad_marker(suite: pytest.Pytester, marker: str, sentence: str) -> None:
    """That of a gate is bad without a baseline, too."""
    suite.makepyfile(test_marked=f"import pytest\n@pytest.mark.{marker}\ndef test_a(swarm_run): ...")
    refuses(suite, says=sentence)
    if "gate" in marker:
        refuses(suite, "--swarm-baseline=b.json", "--swarm-update-baseline", says=sentence)


def test_no_gpu_and_no_budget_is_an_error_that_says_how_to_give_one(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_swarm.plugin.free_vram.find_gpu", lambda: NoGpu(reason="there is none"))
    suite.makeini("[pytest]\nswarm_backend = sim")
    refuses(suite, says="no VRAM budget for test_invoice.py::test_invoice: *such as --swarm-vram=8GB")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--collect-only", "-q"), "test_two.py::test_invoice[[]no-budget]"),
        (("--swarm-skip",), "*1 passed*"),
        (("test_two.py::test_plain",), "*1 passed*"),
    ],
)
def test_a_benchmark_without_a_budget_is_an_error_only_where_it_is_to_be_run(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], line: str
) -> None:
    monkeypatch.setattr("pytest_swarm.plugin.free_vram.find_gpu", lambda: NoGpu(reason="there is none"))
    suite.makeini("[pytest]\nswarm_backend = sim")
    suite.makepyfile(test_two="def test_invoice(swarm_run): ...\ndef test_plain(): ...")
    result = suite.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize("option", ["--fixtures", "--fixtures-per-test", "--collect-only"])
def test_a_session_that_only_lists_makes_no_run(suite: pytest.Pytester, option: str) -> None:
    assert suite.runpytest(option, "--swarm-fleet=missing.toml").ret == pytest.ExitCode.OK
    assert not (suite.path / "reports").exists()


def test_auto_is_the_memory_that_is_free(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nvml:
        NVMLError = ValueError

        def nvmlDeviceGetMemoryInfo(self, _: object) -> object:  # noqa: N802 - NVML's own name
            return type("Memory", (), {"total": 12_000_000_000, "free": 8_660_000_000})

    from pytest_swarm.telemetry.nvml import GpuMeter

    gpu = GpuMeter(names=("g",), totals_bytes=(12_000_000_000,), _nvml=Nvml(), _handles=(0,))  # type: ignore[arg-type]
    monkeypatch.setattr("pytest_swarm.plugin.free_vram.find_gpu", lambda: gpu)
    suite.runpytest("--collect-only", "-q", "--swarm-vram=auto").stdout.fnmatch_lines(["*lp-h0-8.6GB*"])


FLEETS = {
    "no_models": ("", "*no_models*no models*"),
    "negative": ('[[model]]\nname = "a"\nvram_gb = -1\nload_time_ms = 1\ncost_per_token = 1\nmax_ctx = 1', "*vram_gb*"),
    "broken": ("[[model", "*broken.toml*"),
}


@pytest.mark.parametrize("name", FLEETS)
def test_bad_fleet(suite: pytest.Pytester, name: str) -> None:
    text, sentence = FLEETS[name]
    suite.makefile(".toml", **{name: text})
    refuses(suite, f"--swarm-fleet={name}.toml", says=sentence)


def test_a_cassette_of_the_ini_file_is_for_the_runs_that_use_one(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nswarm_vram = 8GB\nswarm_backend = sim\nswarm_cassette = c.jsonl\n")
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "arguments",
    [
        "--swarm-fleet=locked/f.toml",
        "--swarm-resume=locked/run",
        "--swarm-estimates=cross:locked/run",
        "--swarm-compare=policy:locked/p.json",
        "--swarm-baseline=locked/b.json --swarm-update-baseline=all",
        "--swarm-backend=record --swarm-cassette=locked/c.jsonl",
        "--swarm-backend=measure --swarm-offline --swarm-answers=locked/a",
    ],
)
@pytest.mark.parametrize("folder", ["locked", "x" * 300, "loop"])
def test_a_file_that_the_system_refuses_is_named(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: str, folder: str
) -> None:
    (suite.path / "loop").symlink_to("loop")
    monkeypatch.setattr(Path, "stat", refusing_stat(Path.stat))
    refuses(suite, *arguments.replace("locked", folder).split(), says=f"*{folder[:100]}*")


def test_a_nul_in_the_ini_file_is_named_with_its_option(suite: pytest.Pytester) -> None:
    (suite.path / "pytest.toml").write_text('[pytest]\nswarm_baseline = "a\\u0000b"\n')
    refuses(suite, says="swarm_baseline (pytest.toml): 'a\\x00b' has a NUL character*")


def refusing_stat(stat: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    """As the system refuses what lies in a folder `locked` of another user; root is refused nothing."""

    def refused(path: Path, **options: Any) -> os.stat_result:
        if path.parent.name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    return refused


def test_a_cassette_that_cannot_be_written_ends_the_run_before_its_first_test(suite: pytest.Pytester) -> None:
    (suite.path / "file").write_text("no folder")
    refuses(
        suite,
        "--swarm-backend=record",
        "--swarm-profile=a40",
        "--swarm-cassette=file/c.jsonl",
        says="cassette file/c.jsonl: cannot be *; give another --swarm-cassette",
    )
