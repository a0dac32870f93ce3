"""The seccomp filter of the sandbox, as a program of classic BPF. Standard library only.

Calls are denied by number. Some are allowed with certain arguments only, because Python cannot do without them: opening
files, fcntl, ioctl, and the processors of the process itself. newfstatat and statx are denied also with AT_EMPTY_PATH:
a filter cannot see whether the path is empty. Numbers are from Linux's syscall_64.tbl and asm-generic/unistd.h. A
denied call fails with EPERM.
"""

from __future__ import annotations

import sys

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_REFUSE = (_RETURN, 0, 0, 0x00050000 | 1)  # return EPERM
_ALLOW = (_RETURN, 0, 0, 0x7FFF0000)
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in the kernel's seccomp_data
_X32 = 0x40000000  # x86's second set of numbers
_FIRST_UNKNOWN = 463  # calls that are newer than this list
_O_PATH = 0o10000000
_FCNTL = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC: no owner, signal, lease or lock
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX: no owner either

# Denied, line by line: sockets; processes and threads; signals; other processes' memory and scheduling (prctl does the
# latter); namespaces and mounts; kernel interfaces; limits; System V and POSIX IPC; changes of the file system (two
# lines); questions about paths and the working folder; clocks, users and other privileges of root (two lines);
# asynchronous input and output, flushing; questions about other processes, sessions and security modules.
_DENIED = {
    "x86_64": (
        *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),
        *(56, 57, 58, 59, 322, 435),
        *(62, 129, 200, 234, 297, 424, 434, 438),
        *(101, 157, 274, 279, 310, 311, 312, 440, 448),
        *(155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442),
        *(248, 249, 250, 253, 256, 294, 298, 300, 304, 317, 319, 321, 323, 425, 426, 427, 447),
        *(141, 142, 144, 160, 203, 251, 302, 314),
        *(29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240, 241, 242, 243, 244, 245),
        *(76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94, 132, 133, 188, 189, 190, 197, 198, 199),
        *(235, 258, 259, 260, 261, 263, 264, 265, 266, 268, 280, 285, 316, 452),
        *(4, 6, 21, 80, 81, 89, 137, 191, 192, 194, 195, 254, 262, 267, 269, 303, 332, 437, 439, 457, 458),
        *(103, 105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 135, 153, 154, 159, 163, 164, 167, 168, 169, 170, 171),
        *(134, 136, 172, 173, 175, 176, 179, 212, 227, 246, 305, 313, 320, 443),
        *(162, 206, 207, 208, 209, 210, 277, 306, 333),
        *(109, 112, 121, 124, 140, 143, 145, 148, 222, 252, 315, 459, 460, 461),
    ),
    "aarch64": (
        *(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
        *(220, 221, 281, 435),
        *(129, 130, 131, 138, 240, 424, 434, 438),
        *(100, 117, 167, 239, 270, 271, 272, 440, 448),
        *(39, 40, 41, 51, 97, 268, 428, 429, 430, 431, 432, 433, 442),
        *(26, 217, 218, 219, 238, 241, 262, 265, 277, 279, 280, 282, 425, 426, 427, 447),
        *(30, 118, 119, 122, 140, 164, 261, 274),
        *(180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197),
        *(5, 6, 7, 33, 34, 35, 36, 37, 38, 45, 46, 47, 52, 53, 54, 55, 88, 276, 452),
        *(14, 15, 16),
        *(8, 9, 11, 12, 27, 43, 48, 49, 50, 78, 79, 264, 291, 437, 439, 457, 458),
        *(58, 60, 89, 91, 92, 104, 105, 106, 112, 116, 142, 143, 144, 145, 146, 147, 149, 151, 152, 159),
        *(18, 161, 162, 170, 171, 224, 225, 266, 273, 294, 443),
        *(0, 1, 2, 3, 4, 81, 84, 267, 292),
        *(31, 107, 120, 121, 127, 141, 154, 155, 156, 157, 275, 459, 460, 461),
    ),
}
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def _only(argument: int, values: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Allow the call where an argument is one of these values (its low 32 bits: the kernel reads no more of it)."""
    checks = [step for value in values for step in ((_EQUAL, 0, 1, value), _ALLOW)]
    return [(_LOAD, 0, 0, _low_word(argument)), *checks, _REFUSE]


def _without_bit(argument: int, bit: int) -> list[tuple[int, int, int, int]]:
    return [(_LOAD, 0, 0, _low_word(argument)), (_ANY_BIT, 0, 1, bit), _REFUSE, _ALLOW]


def _low_word(argument: int) -> int:
    return _ARGUMENTS + 8 * argument + (0 if sys.byteorder == "little" else 4)


_CHECKED = {
    "x86_64": {
        2: _without_bit(1, _O_PATH),  # open
        257: _without_bit(2, _O_PATH),  # openat
        72: _only(1, _FCNTL),
        16: _only(1, _IOCTL),
        204: _only(0, (0,)),  # sched_getaffinity: of this process
    },
    "aarch64": {
        56: _without_bit(2, _O_PATH),  # openat
        25: _only(1, _FCNTL),
        29: _only(1, _IOCTL),
        123: _only(0, (0,)),  # sched_getaffinity: of this process
    },
}


def program(machine: str) -> bytes | None:
    """The filter as the kernel takes it, eight bytes an instruction; None for a machine whose numbers are not known."""
    if machine not in _MACHINES:
        return None
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        _REFUSE,
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        _REFUSE,
        (_AT_LEAST, 0, 1, _FIRST_UNKNOWN),
        _REFUSE,
    ]
    for number, check in _CHECKED[machine].items():
        steps += [(_EQUAL, 0, len(check), number), *check]
    for number in _DENIED[machine]:
        steps += [(_EQUAL, 0, 1, number), _REFUSE]
    steps.append(_ALLOW)
    return b"".join(
        code.to_bytes(2, sys.byteorder) + bytes((yes, no)) + value.to_bytes(4, sys.byteorder)
        for code, yes, no, value in steps
    )
