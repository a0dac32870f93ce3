"""The lock of one real server: one case at a time, whoever runs it, because two would fight over its VRAM.

There is one file for each server address, which stays and is used again. Several users can use it, so it is never
replaced. It says who holds the lock, and what the processes that work on the server have found there and loaded.
"""

from __future__ import annotations

import errno
import getpass
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import msgspec

from pytest_swarm.errors import OptionError, printable
from pytest_swarm.files import lock_at_once, wait_for_lock
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.ollama.messages import ResidentEntry

_EVERYBODY: Final = 0o666
_LOOPBACK: Final = ("localhost", "::1")
_LOOK_S: Final = 0.05
_ZOMBIE: Final = "Z"
"""The state of a process that was killed, and whose parent, such as a controller of xdist, does not know it yet."""


_Pid: TypeAlias = Annotated[int, msgspec.Meta(gt=0, lt=2**31)]  # anybody can write the file


class LockOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock: process, user, and since when in seconds since 1970."""

    pid: _Pid
    user: Annotated[str, msgspec.Meta(max_length=100)]
    since_s: Annotated[float, msgspec.Meta(ge=0, lt=1e11)]


class ProcessAtServer(msgspec.Struct, frozen=True, kw_only=True):
    """A process that works on a server.

    `started` is when it began, in the system's ticks since it was booted, because the ids of dead processes are given
    out again; None where the system does not tell.
    """

    pid: _Pid
    started: int | None

    @classmethod
    def this(cls) -> Self:
        """Return the process that asks."""
        return cls(pid=os.getpid(), started=_status_of(os.getpid())[1])

    @property
    def is_alive(self) -> bool:
        """Return whether it still runs; another one that was given its id is another one."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            pass
        state, started = _status_of(self.pid)
        return state != _ZOMBIE and (started is None or started == self.started)


class ServerNotes(msgspec.Struct, frozen=True, kw_only=True):
    """What the lock file holds.

    Where `processes` is empty and `used` is not, all processes were killed, and nobody has left the server as found.

    Attributes:
        owner: Who holds the lock; None = nobody.
        run: The name of the run whose process wrote `found`.
        processes: The processes of runs that have not left the server.
        last: The process that began the last case; None = not known.
        found: What was resident before the first of them.
        used: Full tags of the models that they have loaded.
        models: The models of the server when the run began.
    """

    owner: LockOwner | None = None
    run: str = ""
    processes: tuple[ProcessAtServer, ...] = ()
    last: ProcessAtServer | None = None
    found: tuple[ResidentEntry, ...] = ()
    used: tuple[str, ...] = ()
    models: tuple[ModelIdentity, ...] = ()


def lock_path(host: str, folder: Path | None = None) -> Path:
    """Return the lock file of a server: the same for all ways to write its address.

    Args:
        host: Base URL of the server.
        folder: Where locks are; None = the machine's folder for temporary files.
    """
    url = urlsplit(host)
    name = (url.hostname or "").lower()
    name = "127.0.0.1" if name in _LOOPBACK else name
    port = url.port or (443 if url.scheme == "https" else 80)
    address = urlunsplit(("", f"{name}:{port}", url.path.rstrip("/"), "", ""))
    digest = hashlib.sha256(address.encode()).hexdigest()[:12]
    return (folder or Path(tempfile.gettempdir())) / f"pytest-swarm-{digest}.lock"


class ServerLock:
    """The lock of one server, for one process; not reentrant, but `held` keeps a lock that was taken before.

    Args:
        host: Base URL of the server.
        tell: Is told, the first time, whom the lock is waiting for; two runs may wait for each other at every case.
        folder: Where the file is; None = the machine's folder for temporary files.
        name: What is waited for, in words; None = the server, which several processes use in turns.
    """

    def __init__(
        self, host: str, *, tell: Callable[[str], None], folder: Path | None = None, name: str | None = None
    ) -> None:
        self.path = lock_path(host, folder)
        self._tell = tell
        self._name = name or f"the server at {host}"
        self._file: int | None = None

    @contextmanager
    def held(self, *, limit_s: float | None = None) -> Iterator[None]:
        """Hold the lock while the block runs.

        Args:
            limit_s: How long another owner is waited for; None = until it gives the lock back.

        Raises:
            OptionError: The file cannot be used.
            TimeoutError: The other owner still has it.
        """
        if self._file is None:
            self._wait(limit_s)
        try:
            self.write(msgspec.structs.replace(self.notes(), owner=_me()))
            try:
                yield
            finally:
                self.write(msgspec.structs.replace(self.notes(), owner=None))
        finally:
            self.give_back()

    def check(self) -> None:
        """Make the file where it is missing; OptionError where it cannot be used."""
        os.close(open_lock(self.path))

    def take_at_once(self) -> bool:
        """Take the lock, and return True; return False where another process has it."""
        file = open_lock(self.path)
        if not lock_at_once(file):
            os.close(file)
            return False
        self._file = file
        return True

    def give_back(self) -> None:
        """Give the lock back."""
        assert self._file is not None, "only while the lock is held"
        file, self._file = self._file, None
        os.close(file)

    def _wait(self, limit_s: float | None) -> None:
        with ExitStack() as undo:
            file = self._file = open_lock(self.path)
            undo.callback(self.give_back)
            if not lock_at_once(file):
                tell, self._tell = self._tell, lambda _: None
                tell(f"waiting for {self._name}: {self._owner()} (lock {self.path})")
                if limit_s is None:
                    wait_for_lock(file)  # gives each of several processes its turn, as looks now and then would not
                else:
                    _look_for_lock(file, until_s=time.monotonic() + limit_s)
            undo.pop_all()

    def _owner(self) -> str:
        owner = self.notes().owner
        if owner is None:
            return "another process uses it"
        since = time.strftime("%H:%M:%S", time.localtime(owner.since_s))
        return f"process {owner.pid} of user {printable(owner.user)} uses it since {since}"

    def notes(self) -> ServerNotes:
        """Return what the file says, less the processes that have ended; nothing where it is not whole."""
        assert self._file is not None, "only while the file is open"
        os.lseek(self._file, 0, os.SEEK_SET)
        text = os.read(self._file, os.fstat(self._file).st_size)
        return _notes_in(text)

    def write(self, notes: ServerNotes) -> None:
        """Write the file in place; only while the lock is held."""
        assert self._file is not None, "only while the lock is held"
        text = msgspec.json.encode(notes) + b"\n"  # what is behind it was there before, if this process is killed here
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))


def notes_at(host: str, folder: Path | None = None) -> ServerNotes:
    """Return what the lock file of a server says, whoever holds the lock; nothing where there is none."""
    try:
        return _notes_in(lock_path(host, folder).read_bytes())
    except OSError:
        return ServerNotes()


def _notes_in(text: bytes) -> ServerNotes:
    try:
        notes = msgspec.json.decode(text.partition(b"\n")[0], type=ServerNotes)
    except msgspec.MsgspecError:  # empty, or written by a process that was killed
        return ServerNotes()
    return msgspec.structs.replace(notes, processes=tuple(each for each in notes.processes if each.is_alive))


def _look_for_lock(file: int, *, until_s: float) -> None:
    """Lock an open file as soon as it is free; TimeoutError where it is not until then."""
    while not lock_at_once(file):
        if time.monotonic() >= until_s:
            raise TimeoutError
        time.sleep(_LOOK_S)


def open_lock(path: Path) -> int:
    """Return the open file of a lock; OptionError where it cannot be used, such as a folder or a pipe."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "no regular file")
        return _opened(path)
    except OSError as error:
        raise OptionError(
            f"lock {path} of the server cannot be used ({error.strerror}); delete it, or set TMPDIR to another folder"
        ) from error


def _opened(path: Path) -> int:
    """Open the file of a lock. An existing one as it is: systems refuse to create over another user's file."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, _EVERYBODY)
    except FileExistsError:  # another process was faster
        return os.open(path, flags)
    path.chmod(_EVERYBODY)  # whatever the umask
    return file


def _me() -> LockOwner:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return LockOwner(pid=os.getpid(), user=user, since_s=time.time())


def _status_of(pid: int) -> tuple[str | None, int | None]:
    """Return the state of a process and when it began; None and None on a system without `/proc`."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None, None
    fields = status.rpartition(")")[2].split()  # before it stand the id and the name, which may hold anything
    return fields[0], int(fields[19])
