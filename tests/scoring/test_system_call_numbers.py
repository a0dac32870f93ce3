"""The filter's numbers are those of the kernel's own headers, and both machines refuse the same calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_swarm.scoring.sandbox import system_calls

GENERIC = Path("/usr/include/asm-generic/unistd.h")  # ARM64 uses this table
X86 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
LEGACY = (  # calls of x86 that the generic table leaves out, because newer ones do the same
    *("access", "chmod", "chown", "creat", "fork", "futimesat", "inotify_init", "ioperm", "iopl"),
    *("lchown", "link", "lstat", "mkdir", "mknod", "modify_ldt", "readlink", "rename", "rmdir"),
    *("stat", "symlink", "unlink", "uselib", "ustat", "utime", "utimes", "vfork"),
)
SAME = {"newfstatat": "fstatat"}  # named so for 64 bits
KNOWN = 450  # in the headers of Linux 5.17 and later

pytestmark = pytest.mark.skipif(not (GENERIC.exists() and X86.exists()), reason="the kernel's headers are not there")


def names(header: Path) -> dict[int, str]:
    return {
        int(number): name
        for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", header.read_text(encoding="utf-8"))
    }


def test_both_machines_refuse_the_same_calls() -> None:
    x86, generic = names(X86), names(GENERIC)
    on_x86 = {x86[number] for number in system_calls._DENIED["x86_64"] if number <= KNOWN}
    on_arm = {generic[number] for number in system_calls._DENIED["aarch64"] if number <= KNOWN}
    assert {SAME.get(name, name) for name in on_x86 - set(LEGACY)} == on_arm
    assert on_x86 >= set(LEGACY)
    assert set(LEGACY).isdisjoint(generic.values())


def test_calls_that_are_newer_than_the_headers_have_one_number_on_all_machines() -> None:
    newer = [{each for each in numbers if each > KNOWN} for numbers in system_calls._DENIED.values()]
    assert newer[0] == newer[1] != set()


def test_the_calls_that_are_allowed_with_some_arguments_are_the_same() -> None:
    x86, generic = names(X86), names(GENERIC)
    on_x86 = {x86[number] for number in system_calls._CHECKED["x86_64"]}
    assert on_x86 - {"open"} == {generic[number] for number in system_calls._CHECKED["aarch64"]}
