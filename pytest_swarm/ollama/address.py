"""Server addresses: which server is called, forms of an address as a base URL, and URLs without credentials."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_swarm.errors import OptionError

OLLAMA_PORT: Final = 11434
DEFAULT_HOST: Final = f"http://127.0.0.1:{OLLAMA_PORT}"
SIMULATED_HOST: Final = "http://simulated"  # the server in this process
DEFAULT_IN_WORDS: Final = f"OLLAMA_HOST, else {DEFAULT_HOST}"
_CREDENTIALS: Final = re.compile(r"(?<=:)//[^/?#\s]*@")  # a password may hold an @ of its own
_QUERY: Final = re.compile(r"(://[^\s?#]*)[?#]\S*")
_ALL_INTERFACES: Final = ("0.0.0.0", "::")  # addresses to listen on, not to call


@lru_cache(maxsize=64)  # each case connects anew
def base_url(host: str, *, what: str = "host") -> str:
    """Return the base URL of `host` as Ollama reads it: the port is 11434, or the scheme's own if there is a scheme.

    `:8080` means this machine, as does the address of all interfaces.

    Args:
        host: An address in any of these forms.
        what: The option or variable that gives it, as an error names it.

    Raises:
        OptionError: It is not an HTTP URL.
    """
    text = host.strip().strip("\"'")
    has_scheme = "://" in text
    text = text if has_scheme else f"http://{text}"
    try:
        url = urlsplit(text.replace("//:", "//127.0.0.1:", 1))
        port = url.port
    except ValueError as error:
        raise _not_a_url(host, what) from error
    if url.scheme.lower() not in ("http", "https") or not url.hostname or any(char.isspace() for char in text):
        raise _not_a_url(host, what)
    if ":" in url.hostname and "[" not in url.netloc:
        raise _not_a_url(host, what)
    name = "127.0.0.1" if url.hostname in _ALL_INTERFACES else url.hostname
    name = f"[{name}]" if ":" in name else name
    port = port or (None if has_scheme else OLLAMA_PORT)
    account = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
    return f"{url.scheme.lower()}://{account}{name}{f':{port}' if port else ''}{url.path.rstrip('/')}"


def default_host() -> str:
    """Return the base URL of the server that OLLAMA_HOST names, else of the one on this machine."""
    return base_url(os.environ.get("OLLAMA_HOST", "").strip() or DEFAULT_HOST, what="OLLAMA_HOST")


def host_of_command(given: str | None) -> str:
    """Return the base URL of the server that a command calls: that of its --host, else the default one."""
    return default_host() if given is None else base_url(given, what="--host")


@lru_cache(maxsize=64)
def shown_host(host: str) -> str:
    """Return the URL of a host for reports: without user name, password and query."""
    url = urlsplit(host)
    return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))


def is_loopback(host: str) -> bool:
    """Return whether a server's URL names this machine."""
    name = urlsplit(base_url(host)).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def credentials_of(host: str) -> tuple[str, str] | None:
    """Return user name and password of the host's URL; None if it has none."""
    url = urlsplit(host)
    return None if url.username is None else (unquote(url.username), unquote(url.password or ""))


def without_secrets(text: str) -> str:
    """Return a text, such as a command line, without what may be secret in its URLs.

    User name, password, query and fragment are left out: a proxy may take a key in any of them.
    """
    return _QUERY.sub(r"\1", _CREDENTIALS.sub("//", text))


def host_as_written(host: str) -> str:
    """Return a host in the form in which it was given, with or without a scheme, without what may be secret in it."""
    scheme, mark, rest = host.rpartition("://")
    authority, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def _not_a_url(host: str, what: str) -> OptionError:
    shown = re.split("[?#]", host.rpartition("@")[2], maxsplit=1)[0]
    return OptionError(f"{what}: {shown!r} is not the URL of an HTTP server; write for example {DEFAULT_HOST}")
