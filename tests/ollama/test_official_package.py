"""The official package is imported whatever the environment tells HTTP clients, because its own client is not used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NOWHERE = {
    "a SOCKS proxy": {"ALL_PROXY": "socks5://127.0.0.1:1"},
    "a proxy that is no address": {"http_proxy": "http://[", "HTTPS_PROXY": "::", "NO_PROXY": "localhost"},
    "a server that is no address": {"OLLAMA_HOST": "http://box:port:x"},
    "certificates that are not there": {"SSL_CERT_FILE": "/nowhere.pem", "SSL_CERT_DIR": "/nowhere"},
}
PROGRAM = """
import os
before = dict(os.environ)
import pytest_swarm.execution.direct_client
assert dict(os.environ) == before
"""


@pytest.mark.parametrize("variables", NOWHERE.values(), ids=NOWHERE.keys())
def test_the_environment_of_http_clients_fails_no_import(variables: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | variables, check=True)
