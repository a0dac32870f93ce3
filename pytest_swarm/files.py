"""Files that are whole or not there, and files that one process holds at a time.

Owns how a file is replaced at once and how a lock is taken. Knows nothing of what stands in a file, but for the first
bytes of those that hold what was measured.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from shutil import copymode
from typing import Final

from pytest_swarm.errors import OptionError

_EVERYBODY: Final = 0o666  # less the umask
_LONGEST_HOLDER: Final = 1000  # bytes of a lock file
_FIRST_BYTES: Final = 100
_RIGHTS: Final = "name a file that this user may use, or change its rights"
_ADVICE: Final[Mapping[int | None, str]] = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENAMETOOLONG: "name a file with a shorter path",
    errno.ELOOP: "name a file, or mend the links",
}
"""Why the system refuses a file whatever is done with it -> what to do."""


class MeasuredFileError(FileExistsError):
    """A file holds what was measured, and is not replaced; its `strerror` says what to do."""


class MeasuredFile(Enum):
    """What a file holds that was measured: how its first bytes look, and its name."""

    EVENTS = (re.compile(rb'\s*\{"event": ?"run_start"'), "the events of a run")
    RECORDING = (re.compile(rb'\s*\{"cassette":'), "a recording")
    DATABASE = (re.compile(rb"SQLite format 3\0"), "a database, such as a store of answers")

    def __init__(self, form: re.Pattern[bytes], shown: str) -> None:
        self.form = form
        self.shown = shown


def shown_path(path: Path, start: Path) -> str:
    """Return a path as a user in the folder `start` would write it: relative to it where it lies inside."""
    return str(path.relative_to(start)) if path.is_relative_to(start) else str(path)


def is_there(path: Path) -> bool:
    """Return whether a path exists; PermissionError where the system does not say.

    `Path.exists` says so below Python 3.14 only; since then it takes what it may not see for missing.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def readable(path: Path) -> Path:
    """Return the path; raise OSError for a device, which may have no end, such as /dev/zero."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device, which may have no end; name a file", str(path))
    return path


def _raised(error: OSError) -> None:
    raise error


def files_below(folder: Path, refuse: Callable[[OSError], None] = _raised) -> list[Path]:
    """Return the paths of all files in a folder, at any depth, in order.

    Args:
        folder: The folder.
        refuse: Is told of each folder that cannot be listed, which `Path.rglob` takes for an empty one.
    """
    return sorted(Path(inside, name) for inside, _, names in os.walk(folder, onerror=refuse) for name in names)


@contextmanager
def refused_files() -> Iterator[None]:
    """Turn the system's refusal of a file, such as one in another user's folder, into an OptionError that names it."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno)
        if advice is None or error.filename is None:  # of no file, such as of a process
            raise
        raise OptionError(f"{error.filename}: {error.strerror}; {advice}") from error


def check_not_measured(path: Path, *, but: MeasuredFile | None = None) -> None:
    """Raise MeasuredFileError where a file holds what was measured, which no other output may replace or add to.

    Args:
        path: The file. What is no regular one, as a pipe, holds nothing, and reading it could wait for ever.
        but: What it may hold.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        found = measured_kind(file.read(_FIRST_BYTES))
    if found is not None and found is not but:
        raise MeasuredFileError(
            errno.EEXIST, f"it holds {found.shown}, which nothing else replaces; name another file", str(path)
        )


def measured_kind(beginning: bytes) -> MeasuredFile | None:
    """Return what was measured that a file of this beginning holds; None for any other file."""
    return next((each for each in MeasuredFile if each.form.match(beginning)), None)


@contextmanager
def replacing(path: Path, *, measured: MeasuredFile | None = None) -> Iterator[Path]:
    """Give a new file beside `path` to write; it replaces `path` when the block ends without an error.

    A reader finds the old file or the new one, whatever fails in between. The folder is made where it is missing. What
    is no regular file (a device, a pipe) cannot be replaced, and is given itself.

    Args:
        path: The file to replace; a symbolic link stays, and the file that it names is replaced.
        measured: What is written, where it was measured too: it may replace its like.

    Raises:
        OSError: The file cannot be written, such as on a full disk, or it holds what was measured; the old one is as
            it was.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    check_not_measured(target, but=measured)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name[:64]}.{os.getpid()}-{os.urandom(3).hex()}.tmp")
    try:
        yield beside
        if target.exists():
            copymode(target, beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, measured: MeasuredFile | None = None) -> None:
    """Write a whole file at once; raises OSError, and leaves the old file as it was, where it cannot be written.

    Args:
        path: The file; its folder is made where it is missing.
        data: What the file is to hold.
        measured: What that is, as in `replacing`.
    """
    with replacing(path, measured=measured) as beside:
        beside.write_bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """The process that holds a lock: its id, its machine, and since when in seconds since 1970."""

    pid: int
    machine: str
    since_s: float

    def __str__(self) -> str:
        since = time.strftime("%H:%M:%S", time.localtime(self.since_s))
        elsewhere = "" if self.machine == socket.gethostname() else f" on {self.machine}"
        return f"process {self.pid}{elsewhere} (since {since})"


class FileLock:
    """A lock that one process holds at a time; the system gives it back where the process ends in any way.

    The lock is a file, which names its holder and is removed when the lock is given back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Take the lock and return True; return False where another process holds it. Raises OSError."""
        return self._taken(wait=False)

    def wait(self) -> None:
        """Take the lock; wait for another holder. Raises OSError."""
        self._taken(wait=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock while the block runs; wait for another holder. Raises OSError."""
        self.wait()
        try:
            yield
        finally:
            self.release()

    def holder(self) -> LockHolder | None:
        """Return who holds the lock; None where the file does not say."""
        try:
            fields = json.loads(self.path.read_bytes()[:_LONGEST_HOLDER])
            holder = LockHolder(pid=int(fields["pid"]), machine=str(fields["machine"]), since_s=fields["since_s"])
            _ = str(holder)  # no date is so far away
        except (OSError, ValueError, KeyError, TypeError, OverflowError):  # given back just now, or not yet written
            return None
        return holder

    def release(self) -> None:
        """Give the lock back; nothing where it is not held."""
        if self._file is None:
            return
        with suppress(OSError):  # some systems remove no open file, and the next holder uses it as it is
            self.path.unlink()
        os.close(self._file)
        self._file = None

    def _taken(self, *, wait: bool) -> bool:
        while self._file is None:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), _EVERYBODY)
            try:
                if wait:
                    wait_for_lock(file)
                elif not lock_at_once(file):
                    return False
                if self._is_there(file):
                    self._file = file
                    self._sign(file)
            finally:
                if self._file is None:
                    os.close(file)
        return True

    def _is_there(self, file: int) -> bool:
        """Return whether an open file is the one at the path: its last holder may have removed it meanwhile."""
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False

    @staticmethod
    def _sign(file: int) -> None:
        text = json.dumps({"pid": os.getpid(), "machine": socket.gethostname(), "since_s": time.time()}).encode()
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(file, 0)
            os.write(file, text)


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE: Final = 1 << 30  # far behind what others may read

    def lock_at_once(file: int) -> bool:
        """Lock an open file and return True; return False where another process holds the lock."""
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

    def wait_for_lock(file: int) -> None:
        """Lock an open file; wait for the process that holds it."""
        while not lock_at_once(file):
            time.sleep(1.0)
else:
    import fcntl

    def lock_at_once(file: int) -> bool:
        """Lock an open file and return True; return False where another process holds the lock."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait_for_lock(file: int) -> None:
        """Lock an open file; wait for the process that holds it."""
        fcntl.flock(file, fcntl.LOCK_EX)
