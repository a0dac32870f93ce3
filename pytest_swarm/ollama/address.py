"""Where a server is: the forms of --swarm-host and OLLAMA_HOST, as a base URL, and as it may be shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_swarm.errors import OptionError

OLLAMA_PORT: Final = 11434
DEFAULT_HOST: Final = f"http://127.0.0.1:{OLLAMA_PORT}"
_ACCOUNT: Final = re.compile(r"(?<=:)//[^/@\s]*@")
_EVERYWHERE: Final = ("0.0.0.0", "::")  # addresses to listen on, not to call


def base_url(host: str) -> str:
    """The base URL of `host`, read as Ollama reads it: without a scheme the port is 11434, with one the scheme's own.

    `:8080` is this machine, as is the address of all interfaces. OptionError for anything that is no http URL.
    """
    text = host.strip().strip("\"'")
    has_scheme = "://" in text
    text = text if has_scheme else f"http://{text}"
    try:
        url = urlsplit(text.replace("//:", "//127.0.0.1:", 1))
        port = url.port
    except ValueError as error:
        raise _no_url(host) from error
    if url.scheme.lower() not in ("http", "https") or not url.hostname or any(char.isspace() for char in text):
        raise _no_url(host)
    if ":" in url.hostname and "[" not in url.netloc:
        raise _no_url(host)
    name = "127.0.0.1" if url.hostname in _EVERYWHERE else url.hostname
    name = f"[{name}]" if ":" in name else name
    port = port or (None if has_scheme else OLLAMA_PORT)
    account = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
    return f"{url.scheme.lower()}://{account}{name}{f':{port}' if port else ''}{url.path.rstrip('/')}"


def shown_host(host: str) -> str:
    """The host as it may stand in a report: without user name, password and query."""
    url = urlsplit(host)
    return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))


def account_of(host: str) -> tuple[str, str] | None:
    """User name and password of the host's URL, None where it names none."""
    url = urlsplit(host)
    return None if url.username is None else (unquote(url.username), unquote(url.password or ""))


def without_account(text: str) -> str:
    """A text, such as a command line, without the user names and passwords of the URLs in it."""
    return _ACCOUNT.sub("//", text)


def _no_url(host: str) -> OptionError:
    shown = host.rpartition("@")[2]
    return OptionError(f"--swarm-host: {shown!r} is no URL of an http server; write for example {DEFAULT_HOST}")
