"""Whether this process can open the files and connections that a case needs."""

from __future__ import annotations

import errno
import os
from typing import Final

from pytest_swarm.errors import OptionError

OF_A_CASE: Final = 16
"""Its loop, a connection for each call at once, and the files and modules that it reads; six in simulated ones."""
OF_A_RUN: Final = 4 * OF_A_CASE  # with its tests and fixtures, and the reports


def require_open_files(count: int) -> None:
    """Raise OptionError where the process may not open so many files beside those that are open: jobs would fail."""
    opened: list[int] = []
    try:
        while len(opened) < count:
            opened += os.pipe()  # half the time of opening a file by its name
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise OptionError(
            f"this process cannot open {count} more files ({error.strerror}), which it may need; close those that "
            "tests or fixtures leave open, or raise the limit, as with `ulimit -n 1024`"
        ) from error
    finally:
        for each in opened:
            os.close(each)
