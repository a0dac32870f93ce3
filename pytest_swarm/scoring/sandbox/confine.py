"""Confines the process that calls it. Standard library only; runs in the sandbox's child before any untrusted code.

Layers, from the kernel outwards; each that is in force is named in what `confine` returns:
  rlimits    CPU seconds, address space, file size 0, open files, no core
  netns      namespaces of its own for users, network and IPC: no interface, no privilege
  landlock   files: reading the standard library only, no writing; from Linux 6.12 on, no signal to other processes
  seccomp    system calls: no socket, process, thread, signal, mount, question about a path, or change of files
  audit      Python's own events: the same once more; all there is where the kernel offers nothing (macOS)
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost more than the whole child
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence
    from typing import Any

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_NO_NEW_PRIVS, _SET_SECCOMP, _SECCOMP_FILTER = 38, 22, 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION = 1
_LANDLOCK_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # rights by version
_LANDLOCK_TCP, _LANDLOCK_SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals
_LANDLOCK_READ_FILE, _LANDLOCK_READ_FOLDER = 1 << 2, 1 << 3
_REFUSED_MODULES = (
    "ctypes", "_ctypes", "_ctypes_test", "_posixsubprocess", "_posixshmem", "socket", "_socket", "multiprocessing",
    "_multiprocessing", "cffi", "_testcapi", "_testinternalcapi", "_xxtestfuzz",
    "_xxsubinterpreters", "_interpreters",  # an interpreter of its own has no audit hook
    "_remote_debugging",
)  # fmt: skip
_NAMELESS = ("StgDict", "CArgObject")  # static classes of ctypes that name no module
_WITH_LIBRARIES = ("_tkinter", "_sqlite3", "_ssl", "_curses", "_curses_panel", "readline", "nis", "_dbm", "_gdbm")
"""Extension modules that need shared libraries of the system, or that the sandbox has no use for."""


def confine(limits: dict[str, int], files: Sequence[str], filter_program: bytes | None) -> list[str]:
    """Confine this process and return the names of the layers in force. Nothing here can be undone.

    Args:
        limits: cpu_s, memory_bytes, open_files.
        files: The files and folders that may be read.
        filter_program: The seccomp filter of `system_calls`; None where it has none for this machine.
    """
    layers = ["rlimits"]
    _limit(limits)
    if sys.platform == "linux":
        layers += _kernel(files, filter_program)
    _forget_c_calls()
    guard = _guard(files)
    _refuse_questions()
    _audit_loaded_modules()
    sys.addaudithook(guard)
    return [*layers, "audit"]


def _forget_c_calls() -> None:
    """Leave no way to ctypes, which `_kernel` had to load: no module, and none of its classes among the subclasses.

    Up to Python 3.12 its classes are static and outlive the module. The tables that `__subclasses__` reads are
    dictionaries of weak references, which the garbage collector knows.
    """
    import _weakref
    import gc

    for name in [each for each in sys.modules if each.partition(".")[0] in ("ctypes", "_ctypes", "confine")]:
        module = sys.modules.pop(name)
        if name != "confine":
            module.__dict__.clear()
        del module
    gc.collect()
    for table in gc.get_objects():
        if type(table) is not dict:
            continue
        for key, value in list(table.items()):
            if type(value) is _weakref.ref and _makes_c_calls(value()):
                del table[key]


def _makes_c_calls(target: object) -> bool:
    """Whether something is a class of ctypes."""
    if not isinstance(target, type):
        return False
    return type.__getattribute__(target, "__module__") in ("ctypes", "_ctypes") or target.__name__ in _NAMELESS


def _limit(limits: dict[str, int]) -> None:
    import resource

    cpu_s, memory_bytes = limits["cpu_s"], limits["memory_bytes"]
    for name, soft, hard in (
        ("RLIMIT_CPU", cpu_s, cpu_s + 1),
        ("RLIMIT_AS", memory_bytes, memory_bytes),
        ("RLIMIT_DATA", memory_bytes, memory_bytes),
        ("RLIMIT_FSIZE", 0, 0),
        ("RLIMIT_NOFILE", limits["open_files"], limits["open_files"]),
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_NPROC", 0, 0),
    ):
        try:
            resource.setrlimit(getattr(resource, name), (soft, hard))
        except (AttributeError, ValueError, OSError):  # macOS knows no RLIMIT_AS; what remains holds
            continue


def _kernel(files: Sequence[str], filter_program: bytes | None) -> list[str]:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    _map_extensions(files)
    layers = []
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        layers.append("netns")
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return layers
    if _landlock(libc, files):
        layers.append("landlock")
    if filter_program is not None and _seccomp(libc, filter_program):
        layers.append("seccomp")
    return layers


def _map_extensions(files: Sequence[str]) -> None:
    """Map the extension modules of the standard library, so that importing one later opens and asks about no file.

    The C library finds a mapped file by its name alone. To map a new one it calls newfstatat, which seccomp denies.
    """
    import ctypes

    for path in files:
        if path.endswith(".so") and _module_of(path) not in (*_REFUSED_MODULES, *_WITH_LIBRARIES):
            try:
                ctypes.CDLL(path)
            except OSError:  # it needs a library that is absent: importing it fails later
                continue


def _module_of(path: str) -> str:
    """The module that a file's name stands for: "_json" for ".../_json.cpython-312-x86_64-linux-gnu.so"."""
    return path.rpartition(os.sep)[2].partition(".")[0]


def _landlock(libc: ctypes.CDLL, files: Sequence[str]) -> bool:
    """Whether Linux's Landlock now allows nothing of the file system but reading `files`."""
    import ctypes

    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return False
    rights = max(each for least, each in _LANDLOCK_FILES.items() if least <= version)
    attributes = [rights]
    if version >= 4:
        attributes.append(_LANDLOCK_TCP)
    if version >= 6:
        attributes.append(_LANDLOCK_SCOPES)
    handled = (ctypes.c_uint64 * len(attributes))(*attributes)
    ruleset = libc.syscall(_LANDLOCK_CREATE, handled, ctypes.c_size_t(ctypes.sizeof(handled)), 0)
    if ruleset < 0:
        return False
    for path in files:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        folder = os.path.isdir(path)  # noqa: PTH112  # pathlib would be imported just for this
        allowed = _LANDLOCK_READ_FILE | (_LANDLOCK_READ_FOLDER if folder else 0)
        rule = allowed.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder)
        libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(descriptor)
    done = int(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)) == 0
    os.close(ruleset)
    return done


def _seccomp(libc: ctypes.CDLL, program: bytes) -> bool:
    """Whether the filter is now in force."""
    import ctypes

    class SockFprog(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    wanted = SockFprog(len(program) // 8, program)
    return int(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(wanted), 0, 0)) == 0


def _refuse_questions() -> None:
    """Make Python's questions about paths fail, as seccomp does: no audit event tells of them."""

    def refuse(*_: object, **__: object) -> object:
        raise PermissionError("the sandbox answers no question about a path")

    posix = sys.modules["posix"]
    for name in ("stat", "lstat", "access", "readlink", "statvfs", "getxattr", "listxattr", "pathconf"):
        for module in (posix, os):
            if hasattr(module, name):
                setattr(module, name, refuse)


def _audit_loaded_modules() -> None:
    """Tell the audit hook of every extension module that is asked for: Python is silent about those loaded before.

    Those that are built into Python have another way in, and no file.
    """
    import _imp

    create, create_own, audit = _imp.create_dynamic, _imp.create_builtin, sys.audit

    def create_dynamic(spec: Any, *file: Any) -> object:
        audit("import", spec.name, spec.origin, None, None, None)
        return create(spec, *file)

    def create_builtin(spec: Any) -> object:
        audit("import", spec.name, None, None, None, None)
        return create_own(spec)

    setattr(_imp, "create_dynamic", create_dynamic)  # noqa: B010  # no type stub lets it be assigned
    setattr(_imp, "create_builtin", create_builtin)  # noqa: B010


def _guard(files: Sequence[str]) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook that refuses what the kernel layers refuse; its helpers are bound, so that none can be replaced."""
    denied = (
        "socket.", "subprocess.", "ctypes.", "shutil.", "tempfile.", "mmap.", "gc.", "sys.settrace", "sys.setprofile",
        "signal.", "resource.", "fcntl.", "pty.", "webbrowser.", "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.",
        "syslog.", "os.",
    )  # fmt: skip
    listing = ("os.listdir", "os.scandir")
    modules, module_of = frozenset(_REFUSED_MODULES), _module_of
    abspath, fspath, separator = os.path.abspath, os.fspath, os.sep
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    bases = frozenset(files)
    depths = sorted({base.count(separator) for base in bases})

    def inside(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        name = fspath(path)
        parts = abspath(name if isinstance(name, str) else name.decode()).split(separator)
        return any(separator.join(parts[: depth + 1]) in bases for depth in depths)

    def loadable(path: object, name: str) -> bool:
        """Whether an extension module's file is one of the standard library and has the module's own name."""
        return isinstance(path, str) and inside(path) and module_of(path) == name

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if not isinstance(args[2], int) or args[2] & writing or not inside(args[0]):
                raise PermissionError(f"the sandbox allows no file {args[0]!r}")
        elif event == "import":
            names, path = str(args[0]).split("."), args[1]
            if not modules.isdisjoint(names) or (path is not None and not loadable(path, names[-1])):
                raise PermissionError(f"the sandbox allows no module {args[0]!r}")
        elif event.startswith(denied) and not (event in listing and inside(args[0])):
            raise PermissionError(f"the sandbox allows no {event}")

    return hook
