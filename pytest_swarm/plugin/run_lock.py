"""The lock of a run's folder: one process writes a run, because two that go on with it would destroy it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from pytest_swarm.errors import OptionError
from pytest_swarm.files import FileLock

NAME: Final = "run.lock"
_CANNOT_LOCK: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some network file systems


class RunLock:
    """The lock of one run's folder, which its writer holds from the first event to the last report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / NAME)
        self.warning: str | None = None
        """A sentence for the report where the folder cannot be locked."""

    @property
    def owner(self) -> str:
        """Who writes the run, in words."""
        holder = self._lock.holder()
        return "another process" if holder is None else str(holder)

    def try_to_take(self) -> bool:
        """Take the lock and return True; return False where another process holds it.

        Raises:
            OptionError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return self._lock.take()
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise OptionError(
                    f"{self.folder}: the run's folder cannot be written ({error.strerror}); fix that first"
                ) from error
            self.warning = f"{self.folder.name} is on a disk without locks: let no two processes go on with it at once"
            return True

    def take(self) -> None:
        """Take the lock, unless this process has it; OptionError, which names the owner, where another one has."""
        if not self.try_to_take():
            raise OptionError(
                f"--swarm-resume: run {self.folder.name} is being written by {self.owner}, and two processes would "
                f"destroy it; wait until that one ends, or start a new run without --swarm-resume"
            )

    def release(self) -> None:
        """Give the lock back, if this process has it."""
        self._lock.release()
