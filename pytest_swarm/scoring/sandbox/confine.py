"""Confines the process that calls it. Standard library only; runs in the sandbox's child before any untrusted code.

Layers, from the kernel outwards; each that is in force is named in what `confine` returns:
  rlimits    CPU seconds, address space, file size 0, open files, no core
  netns      namespaces of its own for users, network and IPC: no interface, no privilege
  landlock   files: reading the standard library and shared libraries only, nothing else, no writing
  seccomp    system calls: no socket, process, thread, signal, mount, or change of files
  audit      Python's own events: the same once more; all there is where the kernel offers nothing (macOS)
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost more than the whole child
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_NO_NEW_PRIVS, _SET_SECCOMP, _SECCOMP_FILTER = 38, 22, 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_ALL = (1 << 13) - 1  # every file right of Landlock's first version
_LANDLOCK_READ = (1 << 2) | (1 << 3)  # read a file, list a directory
_SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")

# Numbers from Linux's syscall_64.tbl and asm-generic/unistd.h: sockets; processes and threads; signals; other
# processes' memory; namespaces and mounts; kernel interfaces; limits; System V IPC; changes of the file system.
_DENIED = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),
            *(56, 57, 58, 59, 322, 435),
            *(62, 129, 200, 234, 297, 424, 434, 438),
            *(101, 310, 311, 312),
            *(155, 161, 165, 166, 272, 308, 428, 429, 430, 432, 442),
            *(248, 249, 250, 298, 304, 319, 321, 323, 425, 426, 427),
            *(141, 142, 144, 160, 203, 302),
            *(29, 30, 64, 68),
            *(76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94, 132, 133, 188, 189, 190),
            *(235, 258, 259, 260, 261, 263, 264, 265, 266, 268, 280, 316, 452),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
            *(220, 221, 281, 435),
            *(129, 130, 131, 138, 240, 424, 434, 438),
            *(117, 270, 271, 272),
            *(39, 40, 41, 51, 97, 268, 428, 429, 430, 432, 442),
            *(217, 218, 219, 241, 265, 279, 280, 282, 425, 426, 427),
            *(118, 119, 122, 140, 164, 261),
            *(186, 190, 194, 196),
            *(5, 6, 7, 33, 34, 35, 36, 37, 38, 45, 46, 52, 53, 54, 55, 88, 276, 452),
        ),
    ),
}


def confine(limits: dict[str, int]) -> list[str]:
    """The names of the layers in force; `limits` has cpu_s, memory_bytes, open_files. Nothing here can be undone."""
    layers = ["rlimits"]
    _limit(limits)
    roots = (os.path.dirname(os.__file__), *_SHARED_LIBRARIES)  # noqa: PTH120  # see child.py
    if sys.platform == "linux":
        layers += _kernel(roots)
    for name in [each for each in sys.modules if each.partition(".")[0] in ("ctypes", "_ctypes", "confine")]:
        del sys.modules[name]
    sys.addaudithook(_guard(roots))
    return [*layers, "audit"]


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


def _kernel(roots: tuple[str, ...]) -> list[str]:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    layers = []
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        layers.append("netns")
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return layers
    if _landlock(libc, roots):
        layers.append("landlock")
    if _seccomp(libc):
        layers.append("seccomp")
    return layers


def _landlock(libc: ctypes.CDLL, roots: tuple[str, ...]) -> bool:
    """Whether Linux's Landlock now allows nothing of the file system but reading below `roots`."""
    import ctypes

    handled = ctypes.c_uint64(_LANDLOCK_ALL)
    ruleset = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    for root in roots:
        try:
            descriptor = os.open(root, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rights = _LANDLOCK_READ if os.path.isdir(root) else 1 << 2  # noqa: PTH112  # see child.py
        rule = rights.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder)
        libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(descriptor)
    done = int(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)) == 0
    os.close(ruleset)
    return done


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Whether a filter now answers EPERM to the calls of _DENIED and to every call of another architecture."""
    import ctypes

    known = _DENIED.get(os.uname().machine)
    if known is None:
        return False
    architecture, denied = known
    refuse = (0x06, 0, 0, 0x00050000 | 1)  # return EPERM
    allow = (0x06, 0, 0, 0x7FFF0000)
    program = [
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 1, 0, architecture),
        refuse,
        (0x20, 0, 0, 0),  # load the number of the call
        (0x35, 0, 1, 0x40000000),  # x86's second set of numbers, x32
        refuse,
    ]
    for number in denied:
        program += [(0x15, 0, 1, number), refuse]
    program.append(allow)
    code = b"".join(
        op.to_bytes(2, sys.byteorder) + bytes((yes, no)) + value.to_bytes(4, sys.byteorder)
        for op, yes, no, value in program
    )

    class SockFprog(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    wanted = SockFprog(len(program), code)
    return int(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(wanted), 0, 0)) == 0


def _guard(roots: tuple[str, ...]) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook that refuses what the kernel layers refuse; its helpers are bound, so that none can be replaced."""
    denied = (
        "socket.", "subprocess.", "ctypes.", "shutil.", "tempfile.", "mmap.", "gc.", "sys.settrace", "sys.setprofile",
        "signal.", "resource.", "fcntl.", "pty.", "webbrowser.", "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.",
        "syslog.", "os.",
    )  # fmt: skip
    listing = ("os.listdir", "os.scandir")
    modules = ("ctypes", "_ctypes", "_posixsubprocess", "socket", "_socket", "multiprocessing", "cffi")
    realpath, fspath, separator = os.path.realpath, os.fspath, os.sep
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    bases = tuple(realpath(root) for root in roots)

    def inside(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        name = fspath(path)
        real = realpath(name if isinstance(name, str) else name.decode())
        return any(real == base or real.startswith(base + separator) for base in bases)

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if not isinstance(args[2], int) or args[2] & writing or not inside(args[0]):
                raise PermissionError(f"the sandbox allows no file {args[0]!r}")
        elif event == "import":
            if str(args[0]).partition(".")[0] in modules:
                raise PermissionError(f"the sandbox allows no module {args[0]!r}")
        elif event.startswith(denied) and not (event in listing and inside(args[0])):
            raise PermissionError(f"the sandbox allows no {event}")

    return hook
