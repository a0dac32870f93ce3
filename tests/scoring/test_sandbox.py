"""Hostile code: whatever it tries, the verdict is honest, the machine unharmed and the wait short."""

from __future__ import annotations

import importlib
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.scoring.sandbox import run_cases as sandbox
from pytest_swarm.scoring.sandbox.run_cases import Limits, run_cases
from pytest_swarm.scoring.sandbox.system_calls import program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no sandbox on Windows")

ADD = PythonCode(entry_point="f", cases=(CodeCase(args=(3, 4), returns=7), CodeCase(args=(1, 1), returns=2)))
PATIENT = Limits(wall_s=120.0, cpu_s=30)
"""Times that no slow and busy machine uses up with code that ends."""
ENDLESS = replace(PATIENT, cpu_s=1)
"""For loops: only CPU time, which a neighbor does not lengthen, ends them."""
JAIL = Path(sandbox.__file__).parent


def faults(code: str) -> tuple[str | None, ...]:
    verdict = run_cases(code, ADD, PATIENT)
    assert verdict.broken is None
    return verdict.faults


def test_honest_code_passes_with_its_usual_imports():
    code = "import math, re, json, itertools, functools, collections, dataclasses, datetime, random, decimal, typing\n"
    assert faults(code + "def f(a, b): return a + b") == (None, None)


@pytest.mark.parametrize(
    ("code", "word"),
    [
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
        ("import _interpreters\ndef f(a, b): return 7", "PermissionError"),
        ("import _xxsubinterpreters\ndef f(a, b): return 7", "PermissionError"),
        (
            "import _imp\nclass Spec: name = '_interpreters'; origin = None\n"
            "def f(a, b): _imp.create_builtin(Spec); return 7",
            "PermissionError",
        ),
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
        ("class X:\n    def __index__(self): return 7\ndef f(a, b): return X()", "not JSON serializable"),
        ("import builtins\nbuiltins.len = lambda x: 7\ndef f(a, b): return 0", "it returned 0, not"),
        ("class L(list):\n    def __eq__(self, other): return True\ndef f(a, b): return L([7])", "it returned [7]"),
        (
            'import json.encoder as e\ne.JSONEncoder.encode = lambda *a: \'{"case": 0, "value": 7}\\n\' * 2 +'
            ' \'{"case": 1, "value": 2}\'\ndef f(a, b): return 0',
            "results of its own",
        ),
        (
            "import os\nclass D:\n    def __del__(self):\n        for fd in range(3, 32):\n            try:\n"
            '                os.write(fd, b\'{"case": 0, "value": 7}\\n{"case": 1, "value": 2}\\n\')\n'
            "            except OSError: pass\nkeep = D()\ndef f(a, b): raise ValueError",
            "results of its own",
        ),
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


def test_the_cases_before_a_hang_still_count_and_those_from_it_on_fail_with_the_reason():
    thrice = replace(ADD, cases=(*ADD.cases, ADD.cases[0]))
    before, *others = run_cases("def f(a, b):\n    while a == 1: pass\n    return a + b", thrice, ENDLESS).faults
    assert before is None
    assert ["CPU time" in fault for fault in others] == [True, True]


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
import errno, fcntl, socket, ctypes, confine, stdlib_import, system_calls
confine._refuse_questions = confine._forget_c_calls = lambda: None
files = stdlib_import.install("")
outside = {outside!r}
libc = ctypes.CDLL(None, use_errno=True)
reader, writer = os.pipe()
limits = {{"cpu_s": 5, "memory_bytes": 1 << 29, "open_files": 32}}
layers = confine.confine(limits, files, system_calls.program(os.uname().machine))
F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY, FIOSETOWN, SIOCSPGRP = 8, 10, 15, 1026, 0x8901, 0x8902
owner = ctypes.c_int(os.getppid())
passwd, space, parent = b"/etc/passwd", ctypes.create_string_buffer(4096), os.getppid()
x86_64 = [
    (262, (-100, passwd, space, 0x1000)),  # newfstatat with AT_EMPTY_PATH and a path
    (332, (-100, passwd, 0x1000, 0x7FF, space)),  # statx
    (162, ()), (206, (8, space)), (253, ()), (294, (0,)), (447, (0,)), (461, (space, space, 0)),  # sync ... lsm_list
    (145, (parent,)), (121, (parent,)), (124, (parent,)), (252, (1, parent)), (140, (0, parent)),
    (204, (parent, 128, space)), (222, (1, None, space)),
    (279, (0, 0, None, None, None, 0)), (274, (parent, space, space)), (157, (62, 0, parent, 0, 0)),  # move_pages
    (440, (-1, None, 0, 0, 0)), (448, (-1, 0)),
]
aarch64 = [
    (79, (-100, passwd, space, 0x1000)), (291, (-100, passwd, 0x1000, 0x7FF, space)), (81, ()), (0, (8, space)),
    (26, (0,)), (447, (0,)), (120, (parent,)), (155, (parent,)), (156, (parent,)), (31, (1, parent)),
    (239, (0, 0, None, None, None, 0)), (100, (parent, space, space)), (167, (62, 0, parent, 0, 0)),  # move_pages
    (440, (-1, None, 0, 0, 0)), (448, (-1, 0)),
]
RAW_CALLS = dict(x86_64=x86_64, aarch64=aarch64).get(os.uname().machine, [])
def c_call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
def allowed(action):
    try:
        action()
    except OSError as error:  # without its own error, the kernel asked what the call was about
        return error.errno in (errno.EBADF, errno.EFAULT, errno.EINVAL, errno.ESRCH)
    return True
tries = dict(
    netns=[lambda: socket.create_connection(("127.0.0.1", 9), 1)],
    landlock=[lambda: open("/etc/passwd"), lambda: open(outside), lambda: os.listdir("/")],
    seccomp=[
        lambda: socket.socket(),
        lambda: os.fork(),
        lambda: os.kill(os.getppid(), 0),
        lambda: fcntl.fcntl(reader, F_SETOWN, os.getppid()),
        lambda: fcntl.fcntl(reader, F_SETSIG, 9),
        lambda: fcntl.fcntl(reader, F_SETOWN_EX, bytes(8)),
        lambda: fcntl.fcntl(reader, F_NOTIFY, 0),
        lambda: fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC),
        lambda: fcntl.ioctl(reader, FIOSETOWN, owner),
        lambda: fcntl.ioctl(reader, SIOCSPGRP, owner),
        lambda: os.stat("/etc/passwd"),
        lambda: os.stat(outside),
        lambda: os.lstat(outside),
        lambda: os.readlink("/proc/self/exe"),
        lambda: os.statvfs("/"),
        lambda: os.open(outside, os.O_PATH),
        lambda: os.getxattr(outside, "user.x"),
        lambda: os.chdir("/"),
        lambda: c_call(439, -100, b"/etc/passwd", 0, 0),
        lambda: c_call(437, -100, b"/etc/passwd", bytes(24), 24),
        *(lambda number=number, arguments=arguments: c_call(number, *arguments) for number, arguments in RAW_CALLS),
    ],
)
print([(layer, number) for layer, actions in tries.items() if layer in layers
       for number, action in enumerate(actions) if allowed(action)], "rlimits" in layers)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's")
def test_the_kernel_refuses_also_without_the_audit_hook(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    probe = PROBE.format(jail=str(JAIL), outside=str(outside))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] True", done.stderr


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [
        ("x86_64", (197, 198, 199, *range(240, 246), 433, 431, 262, 332, 162, 306, 29, 30, 31, 64, 65, 66, 68, 71)),
        ("aarch64", (14, 15, 16, *range(180, 198), 433, 431, 79, 291, 81, 267)),
    ],
)
def test_the_filter_refuses_these_calls_whatever_their_arguments(machine, numbers):
    steps = list(struct.iter_unpack("=HBBI", program(machine) or b""))
    for number in numbers:
        at = next(place for place, step in enumerate(steps) if place > 7 and step[0] == 0x15 and step[3] == number)
        assert steps[at + 1] == (0x06, 0, 0, 0x50001)


REACHABLE = """
def f():
    seen, left = set(), [object]
    while left:
        for each in type.__subclasses__(left.pop()):
            if each not in seen:
                seen.add(each)
                left.append(each)
    names = {each.__name__ for each in seen}
    return [len(seen) > 100, sorted(names & {"_CFuncPtr", "CFuncPtr", "PyCFuncPtrType", "CDLL", "Structure", "_CData"})]
"""


def test_no_class_that_makes_c_calls_can_be_reached() -> None:
    none = PythonCode(entry_point="f", cases=(CodeCase(args=(), returns=[True, []]),))
    assert run_cases(REACHABLE, none, PATIENT).faults == (None,)


@pytest.mark.parametrize("name", ["x._ctypes", "_ctypes", "math", "a.math"])
def test_the_module_for_c_calls_cannot_be_loaded_under_any_name(name):
    file = getattr(importlib.import_module("_ctypes"), "__file__", None)
    if file is None:
        pytest.skip("this Python has _ctypes built in")
    spec = f"importlib.machinery.ModuleSpec({name!r}, None, origin={file!r})"
    code = f"import _imp, importlib.machinery\ndef f(a, b): return str(_imp.create_dynamic({spec}))"
    for fault in faults(code):
        assert f"the sandbox allows no module {name!r}" in fault


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def f(a, b): return 10 ** 400", "it returned 1000"),
        ("def f(a, b): return 10 ** 5000", "ValueError"),
        ("def f(a, b): return 2 ** 53 + 1", "it returned 9007199254740993"),
        ("def f(a, b): return chr(0xd800)", "it returned"),
        ("def f(a, b):\n    raise ValueError(chr(0xd800))", "ValueError: \\ud800"),
        ("def f(a, b):\n    x = []\n    for _ in range(900):\n        x = [x]\n    return x", "it returned"),
        ("def f(a, b): return (7,)", "it returned [7]"),
        ("import fcntl, os\ndef f(a, b): return fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())", "PermissionError"),
        ("import fcntl\ndef f(a, b): return fcntl.fcntl(3, 10, 9)", "PermissionError"),
        ("import fcntl\ndef f(a, b): return fcntl.ioctl(3, 0x8901, bytes(4))", "PermissionError"),
        ("import os\ndef f(a, b): return os.stat('/etc/passwd').st_size", "PermissionError"),
        ("import os\ndef f(a, b): return os.readlink('/proc/self/exe')", "PermissionError"),
        ("import os\ndef f(a, b): return os.path.exists('/etc/passwd')", "it returned False"),
        ("import os\ndef f(a, b): return os.open('/etc/passwd', os.O_PATH)", "PermissionError"),
        ("def f(a, b): return open('/proc/self/mem', 'rb').read(1)", "PermissionError"),
        (
            "import importlib.machinery as m\ndef f(a, b): return m.SourceFileLoader('x', 'x').get_data('/etc/passwd')",
            "Perm",
        ),
        (
            "import _imp, importlib.machinery as m\n"
            "def f(a, b): return _imp.create_builtin(m.BuiltinImporter.find_spec('posix')).stat('/etc/passwd').st_size",
            "PermissionError",
        ),
        ("import numpy\ndef f(a, b): return 7", "ModuleNotFoundError"),
        ("import pytest_swarm\ndef f(a, b): return 7", "ModuleNotFoundError"),
        ("import sys\nsys.path.append({site!r})\nimport hypothesis\ndef f(a, b): return 7", "ModuleNotFoundError"),
        ("def f(a, b): return open({site!r} + '/hypothesis/__init__.py').read()", "PermissionError"),
        ("import os\ndef f(a, b): return os.listdir({site!r})", "PermissionError"),
        ("def f(a, b): return open({own!r}).read()", "PermissionError"),
        ("import os\ndef f(a, b): return open(os.path.dirname(os.__file__) + '/../../../etc/passwd').read()", "Error"),
    ],
)
def test_what_was_once_an_escape_is_none(code, word):
    site = str(Path(pytest.__file__).parents[1])
    for fault in faults(code.replace("{site!r}", repr(site)).replace("{own!r}", repr(sandbox.__file__))):
        assert word in fault


OF_DEBIAN = ("/usr/lib/python3/dist-packages", "/usr/local/lib/python3/dist-packages")


def test_the_interpreters_own_packages_are_out_of_reach():
    """Those of the interpreter itself, also where it runs in a virtual environment."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    own = (stdlib / "site-packages", *map(Path, OF_DEBIAN))
    first = {str(each): next((str(file) for file in each.rglob("*") if file.is_file()), None) for each in own}
    files = {folder: file for folder, file in first.items() if file is not None}
    code = f"""
import os, sys
FILES = {files}
sys.path += FILES
def got(action, path):
    try:
        action(path)
        return [path]
    except OSError:
        return []
def f(): return sum([got(os.listdir, each) + got(open, FILES[each]) for each in FILES], [])
"""
    nothing = PythonCode(entry_point="f", cases=(CodeCase(args=(), returns=[]),))
    assert run_cases(code, nothing, PATIENT).faults == (None,)


def test_the_standard_library_can_be_imported_late():
    code = """
def f(a, b):
    import collections.abc, csv, dataclasses, datetime, decimal, difflib, enum, fractions, hashlib, heapq, inspect
    import json.decoder, random, statistics, string, textwrap, unicodedata, xml.etree.ElementTree, zlib
    assert hashlib.sha256(b"x").hexdigest().startswith("2d71")
    assert str(decimal.Decimal("1.10") + 1) == "2.10"
    return a + b
"""
    assert faults(code) == (None, None)


def test_strict_runs_nothing_where_the_kernel_does_not_confine(monkeypatch):
    assert run_cases("def f(a, b): return a + b", ADD, PATIENT, strict=True).faults in ((None, None), ())
    monkeypatch.setattr(sandbox, "KERNEL_LAYERS", ("landlock", "moat"))
    refused = run_cases("def f(a, b): return a + b", ADD, PATIENT, strict=True)
    assert refused.faults == ()
    assert "code was not run" in refused.broken
    assert "moat" in refused.broken
    assert refused.layers


AS_NOBODY = """
import os, sys
os.setgid(65534); os.setuid(65534)
sys.path.insert(0, {package!r})
sys.argv = ["pytest", "-q", "-p", "no:cacheprovider"]
from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.scoring.sandbox.run_cases import Limits, run_cases
from pytest_swarm.scoring.sandbox.system_calls import program
expected = PythonCode(entry_point="f", cases=(CodeCase(args=(3, 4), returns=7),))
for code in {codes!r}:
    results = run_cases(code, expected, Limits(wall_s=120.0, cpu_s=30))
    print(os.getuid(), "landlock" in results.layers, "seccomp" in results.layers, results.broken, results.faults)
"""
USUAL_PYTHON = Path("/usr/bin/python3")


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that every user may read; pytest closes its own ones to all but the user who runs it."""
    with tempfile.TemporaryDirectory(prefix="swarm-test-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or not USUAL_PYTHON.exists(),
    reason="only root can become somebody else, and needs an interpreter that everybody may run",
)
def test_an_ordinary_user_is_as_safe_as_root(everybodys: Path) -> None:
    """The test process itself may be root; here the sandbox is started by the user nobody."""
    ask = [USUAL_PYTHON, "-c", "import sys; print(sys.version_info < (3, 11))"]
    old = subprocess.run(ask, capture_output=True, text=True, check=True)
    if old.stdout.strip() == "True":
        pytest.skip("the system's Python is too old for the package")
    shutil.copytree(JAIL.parents[1], everybodys / "pytest_swarm", ignore=shutil.ignore_patterns("__pycache__"))
    attempts = (
        "import fcntl, os; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.stat('/etc/passwd')",
        "open('/etc/passwd')",
        f"open({str(everybodys / 'pytest_swarm/errors.py')!r})",
        "import os; os.listdir('/usr/lib/python3/dist-packages')",
        "import socket",
        "import os; os.fork()",
        "open('/proc/self/mem', 'rb')",
        "import os; os.pidfd_open(os.getppid())",
    )
    hostile = (
        f"def f(a, b):\n    for attempt in {attempts}:\n        try:\n            exec(attempt)\n"
        "        except PermissionError:\n            continue\n        return attempt\n    return 'all are refused'"
    )
    script = AS_NOBODY.format(package=str(everybodys), codes=("def f(a, b): return a + b", hostile))
    done = subprocess.run([USUAL_PYTHON, "-c", script], capture_output=True, text=True, check=False, cwd="/")
    honest, refused = done.stdout.splitlines()
    assert honest.endswith("None (None,)"), done.stderr
    assert refused.startswith("65534")
    assert "it returned 'all are refused'" in refused
