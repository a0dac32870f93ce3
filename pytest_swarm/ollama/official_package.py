"""The official package `ollama`, which makes a client of its own as it is imported.

That client reads the environment, and nobody here uses it: a proxy, an address or a certificate file that it cannot use
must not fail the import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_READ: Final = ("OLLAMA_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def _plain_environment() -> Iterator[None]:
    """Hide from the block what an HTTP client reads of the environment."""
    before = {name: os.environ.pop(name, None) for name in (*_READ, "no_proxy")}
    os.environ["no_proxy"] = "*"
    try:
        yield
    finally:
        del os.environ["no_proxy"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


with _plain_environment():
    import ollama

__all__ = ["ollama"]
