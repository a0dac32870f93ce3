"""Hostile code: whatever it tries, the verdict is honest, the machine unharmed and the wait short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.scoring.sandbox import run_cases as sandbox
from pytest_swarm.scoring.sandbox.run_cases import Limits, run_cases

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no sandbox on Windows")

ADD = PythonCode(entry_point="f", cases=(CodeCase(args=(3, 4), returns=7), CodeCase(args=(1, 1), returns=2)))
PATIENT = Limits(wall_s=120.0, cpu_s=1)
"""A wall time that no busy machine uses up: only CPU time, which a neighbor does not lengthen, ends a loop."""
JAIL = Path(sandbox.__file__).parent


def faults(code: str, limits: Limits = PATIENT) -> tuple[str | None, ...]:
    verdict = run_cases(code, ADD, limits)
    assert verdict.broken is None
    return verdict.faults


def test_honest_code_passes_with_its_usual_imports():
    code = "import math, re, json, itertools, functools, collections, dataclasses, datetime, random, decimal, typing\n"
    assert faults(code + "def f(a, b): return a + b") == (None, None)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def f(a, b):\n    while True: pass", "CPU time"),
        ("def f(a, b): return len(bytearray(10 ** 10))", "MemoryError"),
        ("import os\ndef f(a, b):\n    while True: os.fork()", "PermissionError"),
        ("import subprocess\ndef f(a, b): return subprocess.run(['true']).returncode", "PermissionError"),
        ("import os\ndef f(a, b): return os.system('true')", "PermissionError"),
        ("import threading\ndef f(a, b): threading.Thread(target=print).start()", "RuntimeError"),
        ("def f(a, b): return open('/etc/passwd').read()", "PermissionError"),
        ("def f(a, b): return open('x', 'w').write('x')", "PermissionError"),
        ("import os\ndef f(a, b): return os.listdir('/')", "PermissionError"),
        ("import os\ndef f(a, b): os.remove('/tmp/nothing')", "PermissionError"),
        ("import socket\ndef f(a, b): return 7", "PermissionError"),
        ("import ctypes\ndef f(a, b): return 7", "PermissionError"),
        ("import os\ndef f(a, b): os.kill(os.getppid(), 9)", "PermissionError"),
        ("import sys\nsys.exit(0)\ndef f(a, b): return 7", "SystemExit"),
        ("import sys\ndef f(a, b): sys.exit(0)", "SystemExit"),
        ("import os\ndef f(a, b): os._exit(0)", "ended before"),
        ("def f(a, b): return f(a, b)", "RecursionError"),
        ("def f(a, b): return {1, 2}", "TypeError"),
        ("def f(a, b): return float('nan')", "ValueError"),
        ("def f(a, b): return 'x' * 10 ** 7", "more than"),
        ("class E(BaseException):\n    def __str__(self): raise self\ndef f(a, b): raise E", "an exception"),
        ("def f(a): return a", "TypeError"),
    ],
)
def test_hostile_code_fails_every_case_with_the_reason(code, word):
    for fault in faults(code):
        assert word in fault


def test_code_that_sleeps_is_stopped_at_the_wall_time():
    for wall_s in (1.0, 8.0, 64.0):  # a busy machine may need longer to start the sandbox at all
        verdict = run_cases("import time\ndef f(a, b): time.sleep(600)", ADD, Limits(wall_s=wall_s, cpu_s=1))
        if verdict.broken is None:
            assert verdict.faults == (f"it ran for over {wall_s:g} s",) * 2
            return
    pytest.fail(f"the sandbox did not start: {verdict.broken}")


def test_print_without_end_is_thrown_away():
    assert faults("def f(a, b):\n    print('x' * 10 ** 7)\n    return a + b") == (None, None)


def test_results_of_its_own_win_nothing():
    forged = "\\n".join(('{"case": 0, "value": 7}', '{"case": 1, "value": 2}', ""))
    code = f"""
import os
for descriptor in range(3, 32):
    try:
        os.write(descriptor, b'{forged}')
    except OSError:
        pass
def f(a, b): return 0
"""
    assert faults(code) == ("it wrote results of its own",) * 2


def test_what_is_expected_never_reaches_the_process():
    code = """
import sys
def f(a, b):
    frame = sys._getframe()
    while 'request' not in frame.f_locals:
        frame = frame.f_back
    return str(frame.f_locals['request']).count(chr(50) + '718281')
"""
    secret = PythonCode(entry_point="f", cases=(CodeCase(args=(3, 4), returns=2718281),))
    assert run_cases(code, secret, PATIENT).faults == ("it returned 0, not 2718281",)


def test_environment_and_working_directory_are_empty():
    code = "import os\ndef f(a, b): return [key for key in os.environ if key != 'LC_CTYPE'] + [os.getcwd() == '/']"
    empty = PythonCode(entry_point="f", cases=(CodeCase(args=(1, 2), returns=[False]),))
    assert run_cases(code, empty, PATIENT).faults == (None,)


def test_the_cases_before_a_hang_still_count():
    assert faults("def f(a, b):\n    while a == 1: pass\n    return a + b")[0] is None


def test_values_are_compared_as_python_does():
    expected = PythonCode(entry_point="f", cases=(CodeCase(args=(), returns=[1, 0.3, {"a": None}, True]),))
    assert run_cases("def f(): return (1.0, 0.1 + 0.2, {'a': None}, 1)", expected, PATIENT).faults == (None,)
    assert run_cases("def f(): return [1, 0.3, {'a': 0}, True]", expected, PATIENT).faults[0] is not None


def test_a_sandbox_that_cannot_start_is_broken_not_wrong(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "_CHILD", tmp_path / "absent.py")
    verdict = run_cases("def f(a, b): return a + b", ADD, PATIENT)
    assert verdict.faults == ()
    assert "did not start" in verdict.broken


PROBE = """
import os, sys
sys.path.insert(0, {jail!r})
sys.addaudithook = lambda hook: None
import socket, ctypes, confine
layers = confine.confine({{"cpu_s": 5, "memory_bytes": 1 << 29, "open_files": 32}})
def allowed(action):
    try:
        action()
    except OSError:
        return False
    return True
tries = dict(
    netns=lambda: socket.create_connection(("127.0.0.1", 9), 1),
    seccomp=lambda: (socket.socket(), os.fork()),
    landlock=lambda: open("/etc/passwd"),
)
print([layer for layer, action in tries.items() if layer in layers and allowed(action)], "rlimits" in layers)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's")
def test_the_kernel_refuses_also_without_the_audit_hook():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE.format(jail=str(JAIL))], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[] True", done.stderr
