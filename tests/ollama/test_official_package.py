"""The official package is imported whatever the environment tells HTTP clients, because its own client is not used."""

from __future__ import annotations

import os
import subprocess
import sys

NOWHERE = {
    "ALL_PROXY": "socks5://127.0.0.1:1",
    "http_proxy": "http://[",
    "HTTPS_PROXY": "::",
    "NO_PROXY": "localhost",
    "OLLAMA_HOST": "http://box:port:x",
    "SSL_CERT_FILE": "/nowhere.pem",
    "SSL_CERT_DIR": "/nowhere",
}
PROGRAM = """
import os
before = dict(os.environ)
import pytest_swarm.execution.direct_client
assert dict(os.environ) == before
"""


def test_the_environment_of_http_clients_fails_no_import() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | NOWHERE, check=True)
