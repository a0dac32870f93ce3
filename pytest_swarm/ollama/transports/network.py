"""The transport to a real server. All transports of a process share one TLS context.

Making a context reads all root certificates, which takes 15 ms, and each case connects anew.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import httpx

from pytest_swarm.ollama.transports.own_draws import OwnDrawsTransport

if TYPE_CHECKING:
    import ssl


def network_transport() -> httpx.AsyncBaseTransport:
    """Return a transport that heeds no proxy and no certificate of the environment, and lets each prompt draw anew."""
    return OwnDrawsTransport(httpx.AsyncHTTPTransport(verify=_tls_context(), trust_env=False))


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
