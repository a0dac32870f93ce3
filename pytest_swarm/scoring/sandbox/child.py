"""Runs one answer's code on its cases, confined. A script: `python -I -S child.py RESULT_FD`, request as JSON on stdin.

The values go back as JSON lines on RESULT_FD. What they ought to be is not known here, so that code which writes to
RESULT_FD itself wins nothing: only the right values are worth anything.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

TYPE_CHECKING = False  # importing `typing` would cost more than the whole child
if TYPE_CHECKING:
    from typing import Any

FUNCTIONS: dict[str, Any] = {
    each.__name__: each for each in (int, set, sorted, tuple, list, str, len, abs, bool, float)
}


def main() -> None:
    """Read the request, confine this process, run the code, call it for each case."""
    result_fd = int(sys.argv[1])
    request = json.loads(sys.stdin.buffer.read())
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib would be imported just for this
    confine, stdlib_import, system_calls = _neighbors(here, "confine", "stdlib_import", "system_calls")
    (values,) = _neighbors(request["values_folder"], "python_values")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    warnings.simplefilter("ignore")
    files = stdlib_import.install(request["code"])
    layers = confine.confine(request["limits"], files, system_calls.program(os.uname().machine))
    missing = [layer for layer in request["required"] if layer not in layers]
    _tell(result_fd, {"layers": layers, "missing": missing})
    if missing:
        return
    namespace = {"__name__": "answer", "__builtins__": __builtins__}
    try:
        exec(compile(request["code"], "<answer>", "exec"), namespace)
        function = namespace[request["entry_point"]]
    except BaseException as error:  # noqa: BLE001  # untrusted code raises anything, SystemExit included
        _tell(result_fd, {"failed": _name(error)})
        return
    for number, call in enumerate(request["calls"]):
        _tell(result_fd, _call(number, function, call, values))


def _neighbors(folder: str, *names: str) -> list[Any]:
    """Modules that lie in a folder, loaded as they are: pytest_swarm itself is not on this interpreter's path."""
    sys.path.insert(0, folder)
    modules = [__import__(name) for name in names]
    sys.path.remove(folder)
    for name in names:
        del sys.modules[name]
    return modules


def _call(number: int, function: Any, call: dict[str, Any], values: Any) -> dict[str, Any]:
    """The result of one case; `values` is the module python_values. A wrong number of arguments is a failed case."""
    try:
        args = values.decode_value(call["args"]) if call["typed"] else call["args"]
        value = function(*args)
        if call["through"]:
            value = FUNCTIONS[call["through"]](value)
        if call["typed"]:
            value = values.encode_value(value)
        json.dumps(value, allow_nan=False)
    except BaseException as error:  # noqa: BLE001  # as above
        return {"case": number, "error": _name(error)}
    return {"case": number, "value": value}


def _name(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:200].encode("ascii", "backslashreplace").decode()
    except BaseException:  # noqa: BLE001  # an exception of the answer's own making whose text raises
        return "an exception"


def _tell(result_fd: int, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(result_fd, data) :]


if __name__ == "__main__":
    main()
