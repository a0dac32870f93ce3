"""Running a model's code on a task's cases, in a process of its own. Only the code scorer comes here, only when asked.

What holds, on Linux (tests try each): wall and CPU time, memory, no file written, no file read but the standard
library, no question about other paths, no network, no further process or thread, no signal, an empty environment and
working directory, no way to fake a result. The kernel enforces it (rlimits, namespaces, Landlock, seccomp: see
`confine.py`), not Python. `CaseResults.layers` says which of them were in force.

What does not hold: where the kernel offers no seccomp or Landlock (macOS, old Linux), files, network and processes are
guarded by a Python audit hook alone, which stops careless code but not a determined attacker. Nothing guards against
a hole in the kernel. There is no sandbox on Windows, and asking for one there is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pytest_swarm.domain import python_values
from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.equality import same_result
from pytest_swarm.scoring.verdict import shown

KERNEL_LAYERS: Final = ("landlock", "seccomp")  # both must hold for code to be confined whatever it tries
_CHILD: Final = Path(__file__).parent / "child.py"
MAX_RESULT_BYTES: Final = 1 << 20
_TYPED_RESULTS: Final = ("set", "tuple")  # functions whose results JSON cannot hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the code may use, over all cases together."""

    wall_s: float = 10.0
    cpu_s: int = 3
    memory_bytes: int = 512 << 20
    open_files: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResults:
    """One entry per case: None where it passed, else why not. `broken` is set where the sandbox itself failed.

    `layers` are the means of confinement that were in force.
    """

    faults: tuple[str | None, ...]
    layers: tuple[str, ...] = ()
    broken: str | None = None


def run_cases(code: str, expected: PythonCode, limits: Limits | None = None, *, strict: bool = False) -> CaseResults:
    """The verdict on `code`: its `entry_point` called with each case's arguments, its values compared here.

    The expected values never reach the process that runs the code. With `strict`, nothing runs where one of
    KERNEL_LAYERS is not in force. Not pure. Raises ScoringError on Windows.
    """
    if sys.platform == "win32":
        raise ScoringError("code answers can be run on Linux and macOS only; leave out --swarm-code-eval")
    limits = limits or Limits()
    request = {
        "code": code,
        "entry_point": expected.entry_point,
        "calls": [
            {"args": list(case.args), "typed": _is_typed(case), "through": case.through} for case in expected.cases
        ],
        "limits": asdict(limits),
        "required": KERNEL_LAYERS if strict else (),
        "values_folder": str(Path(python_values.__file__).parent),
    }
    output, ending = _run(json.dumps(request).encode(), limits.wall_s)
    return _verdict(output, ending, expected)


def layers_in_force() -> tuple[str, ...]:
    """Return the layers that confine code on this machine, found by starting the sandbox once with nothing to run."""
    return run_cases("f = None", PythonCode(entry_point="f")).layers


def _is_typed(case: CodeCase) -> bool:
    """Whether a case's values go to the sandbox and back with their Python types, beyond those of JSON."""
    plain = python_values.is_plain(list(case.args)) and python_values.is_plain(case.returns)
    return not plain or case.through in _TYPED_RESULTS


def _run(request: bytes, wall_s: float) -> tuple[bytes, str]:
    """What the child wrote to its result pipe, and why there is no more of it."""
    with tempfile.TemporaryDirectory(prefix="swarm-") as folder, tempfile.TemporaryFile() as stdin:
        stdin.write(request)
        stdin.seek(0)
        reader, writer = os.pipe()
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_CHILD), str(writer)],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={},
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            output, ending = _collect(reader, wall_s)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
            status = child.wait()
            os.close(reader)
    return output, ending or _ended(status)


def _collect(reader: int, wall_s: float) -> tuple[bytes, str]:
    output = bytearray()
    deadline = time.monotonic() + wall_s
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return bytes(output), f"it ran for over {wall_s:g} s"
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return bytes(output), ""
        output += chunk
        if len(output) > MAX_RESULT_BYTES:
            return bytes(output), f"it returned more than {MAX_RESULT_BYTES} bytes"


def _ended(status: int) -> str:
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it used up its CPU time or memory"
    return "it ended before its result"


def _verdict(output: bytes, ending: str, expected: PythonCode) -> CaseResults:
    """The verdict from the child's lines. A case with two lines, or a line that is no message, has failed."""
    messages = [message for line in output.split(b"\n")[:-1] if (message := _message(line)) is not None]
    layers = messages[0].get("layers") if messages else None
    if not isinstance(layers, list):
        return CaseResults(faults=(), broken=f"the sandbox did not start: {ending}")
    in_force = tuple(map(str, layers))
    missing = messages[0].get("missing")
    if missing:
        return CaseResults(
            faults=(), layers=in_force, broken=f"code was not run: {missing} not in force on this system"
        )
    failed = next((str(each["failed"]) for each in messages if "failed" in each), None)
    faults: list[str | None] = []
    for number, case in enumerate(expected.cases):
        answers = [each for each in messages if each.get("case") == number]
        if failed is not None or not answers:
            faults.append(failed or ending)
        elif len(answers) > 1:
            faults.append("it wrote results of its own")
        elif "value" not in answers[0]:
            faults.append(str(answers[0].get("error")))
        else:
            faults.append(_fault(case, answers[0]["value"]))
    return CaseResults(faults=tuple(faults), layers=in_force)


def _fault(case: CodeCase, value: object) -> str | None:
    """Why a returned value is wrong; None where it is right. The value comes from the answer: anything may be in it."""
    expected: object = case.returns
    try:
        if _is_typed(case):
            expected, value = python_values.decode_value(expected), python_values.decode_value(value)
        if same_result(expected, value, tolerance=case.tolerance):
            return None
        return f"it returned {shown(value)}, not {shown(expected)}"
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        return f"it returned what cannot be compared: {type(error).__name__}"


def _message(line: bytes) -> dict[str, object] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
