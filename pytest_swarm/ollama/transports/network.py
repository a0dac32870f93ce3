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


def network_transport(*, own_draws: bool = False) -> httpx.AsyncBaseTransport:
    """Return a transport that heeds no proxy and no certificate of the environment.

    Args:
        own_draws: Whether each prompt draws by itself, as on a server that samples.
    """
    network = httpx.AsyncHTTPTransport(verify=_tls_context(), trust_env=False)
    return OwnDrawsTransport(network) if own_draws else network


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
