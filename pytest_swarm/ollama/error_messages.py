"""Error messages: translates errors of HTTP and the official client into one sentence with the server and a remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import httpx

from pytest_swarm.errors import (
    BackendError,
    BadReplyError,
    BrokenReplyError,
    CallTimeoutError,
    ModelMissingError,
    RefusalCause,
    ServerDownError,
    ServerRefusedError,
    SilentServerError,
    is_of_server,
)
from pytest_swarm.fields import problem
from pytest_swarm.ollama.address import SIMULATED_HOST, is_loopback, without_secrets
from pytest_swarm.ollama.transports.bounded import OversizedReplyError, RedirectedReplyError
from pytest_swarm.ollama.transports.watched import SilentConnectionError

_NOT_FOUND: Final = re.compile(r"""model ["'](?P<tag>.*)["'] not found""")
_DAMAGED: Final = re.compile(r"""(invalid file magic|(unexpected )?EOF)$|tensor "|GGUF |failed to read tensor """)
"""How Ollama's reader of manifests and model files refuses one that is cut off or overwritten."""
_NO_ACCOUNT: Final = "write user name and password into its URL, http://USER:PASSWORD@HOST (a query in it is not sent)"
_NO_REASON: Final = "it gives no reason; check its log"
_OTHER_NAME: Final = (
    "it gives no reason, as Ollama that listens on 127.0.0.1 does where it is called by another host name; "
    "start it with OLLAMA_HOST=0.0.0.0, or call it by an address of its local network"
)
_PROMPT_TOKENS: Final = re.compile(r"exceed_context_size_error\W+n_prompt_tokens\W+(\d{1,12})\D")
"""In the refusal of a prompt that is too long, JSON in the text of JSON."""
_TOO_LONG: Final = re.compile(r"exceed_context_size_error|(exceeds|longer than) the (\w+ )?context (size|length)")
"""What the refusals of Ollama's engines have in common; one of them tells no number of tokens."""
_UNKNOWN_FIELD: Final = re.compile(r"(?<!\bto )(?<!not )\btruncate\b")
"""In the refusal of a server that takes no field that it does not know, whatever its words; a name and no verb."""
_FIELD: Final = re.compile(r"\b(field|propert|param|argument|key\b|extra\b|unknown|unexpected|unrecogni)", re.I)
"""What such a refusal speaks of, and not a crash that happens to have the same word."""
_BAD_REQUEST: Final = re.compile(
    r"""\boption ["'][^"']*["'] must be |^invalid format: |JSON schema conversion failed|failed to parse grammar"""
)
"""How Ollama refuses what a request asks for, whatever the status."""
_UNKNOWN_KIND: Final = re.compile(r"(unknown|unsupported) model architecture|not supported by (your|this) version")
"""How it says that it is too old for a model."""
_NO_FIGURE: Final = re.compile(
    rb'"((?:prompt_)?eval_count|(?:total|load|(?:prompt_)?eval)_duration|size_vram)"\s*:\s*(true|false|"[^"]{0,40})'
)
"""A figure of a reply that is no number; in the text of an answer a backslash stands before each quotation mark."""
_ACCOUNT: Final = re.compile(r"\b(Basic|Bearer) [\w+/=.~-]{8,}")
"""How the client tells a server who calls, and how a proxy shows it that repeats the request."""
_TLS: Final = re.compile(r"\[SSL\b")
"""How Python's errors of TLS begin, which httpx reports as a connection that failed."""
_SHOWN: Final = 120  # most characters of the server's text in an error message
_READ: Final = 10_000  # most characters of it that are looked at, blanks among them


class ErrorReplyError(ValueError):
    """A reply of status 200 that says what went wrong, which is the message."""


class NoFigureError(ValueError):
    """A reply in which something else stands in place of a figure; the message says what."""


@runtime_checkable
class _InvalidFields(Protocol):
    """What is used of pydantic's error, which the official client raises for a reply whose fields are wrong."""

    def errors(self, *, include_url: bool) -> Sequence[Mapping[str, Any]]:
        """Return a table of place, message and value for each wrong field."""


@cache
def wire_errors() -> tuple[type[Exception], ...]:
    """Return all that the official client and httpx raise for a bad server or a bad reply.

    ValueError covers invalid JSON and the client's validation of replies. TypeError and AttributeError come from JSON
    that is not an object; RecursionError and OverflowError from one that is nested too deep, or holds a number beyond
    all bounds.
    """
    from pytest_swarm.ollama.official_package import ollama

    return (
        ollama.ResponseError,
        httpx.HTTPError,
        httpx.StreamError,
        httpx.InvalidURL,
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    )


def answered(response: httpx.Response) -> httpx.Response:
    """Return a response; an error status raises the official client's error."""
    if response.is_error:
        from pytest_swarm.ollama.official_package import ollama

        raise ollama.ResponseError(response.text, response.status_code)
    return response


async def refuse_error(response: httpx.Response) -> None:
    """Raise ErrorReplyError for a reply of status 200 with an `error` that is not empty, whatever else it holds.

    Ollama sends none: it fails by its status or, in a stream, in a line of its own, which the official client refuses
    by the same rule. A proxy may, beside the beginning of a message too; one may write a null beside a whole answer.

    Raise NoFigureError for a text or a truth value in place of a figure: the official client makes a number of it.
    """
    if not response.is_success:
        return
    text = await response.aread()
    if wrong := _NO_FIGURE.search(text):
        name, value = (part.decode("utf-8", "replace") for part in wrong.groups())
        raise NoFigureError(f"{name} is no number: {value}")
    if b'"error"' in text:
        body = response.json()
        if isinstance(body, dict) and (told := body.get("error")):
            raise ErrorReplyError(told if isinstance(told, str) else json.dumps(told))


def translate_error(error: Exception, *, host: str, call: str, timeout_s: float) -> BackendError:
    """Return the BackendError for one of `wire_errors`.

    Args:
        error: The error.
        host: URL of the server, without credentials.
        call: The call, such as "chat with x".
        timeout_s: Time limit of the call in seconds.
    """
    from pytest_swarm.ollama.official_package import ollama

    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return CallTimeoutError(
            f"{call}: the Ollama server at {host} did not answer within {timeout_s:g} s; "
            f"check its log, or give it more time (--swarm-timeout of pytest, --timeout of a command)"
        )
    if isinstance(error, ollama.ResponseError):
        status = None if error.status_code == -1 else error.status_code
        return _refused(str(error.error), status, host=host, call=call)
    told = error.__context__  # of an error reply in JSON that is no object, at which the official client fails
    if isinstance(told, httpx.HTTPStatusError) and is_of_server(told.response.status_code):
        return _refused(told.response.text, told.response.status_code, host=host, call=call)
    if (down := _unreachable(error, host)) is not None:
        return down
    if isinstance(error, RedirectedReplyError):
        return BadReplyError(
            f"{call}: the server at {host} redirects to {quoted(str(error))}; name the address of the server itself"
        )
    if isinstance(error, OversizedReplyError):
        return BadReplyError(
            f"{call}: the server at {host} sends no reply of Ollama: {error}; nothing of it is used "
            f"(--swarm-reply-limit sets the largest size)"
        )
    if isinstance(error, httpx.TransportError | httpx.StreamError):
        why = quoted(str(error)) or type(error).__name__
        return BrokenReplyError(f"{call}: the server at {host} broke off its answer ({why}); try again")
    return BadReplyError(
        f"{call}: the server at {host} did not send an Ollama reply ({_reply_fault(error)}); "
        f"is another program on that port?"
    )


def _unreachable(error: Exception, host: str) -> ServerDownError | None:
    """Return the error for a server that gives no answer at all; None where it gave one.

    The official client raises an error of its own in place of one of httpx, which then is its context.
    """
    if (reason := _tls_failure(error)) is not None:
        return ServerDownError(
            f"the server at {host} cannot be reached by TLS ({quoted(reason)}); give it a certificate that is "
            f"trusted here, or name an http:// address of it"
        )
    if any(isinstance(each, SilentConnectionError) for each in (error, error.__context__)):
        return SilentServerError(f"the server at {host} takes connections and answers nothing; restart it")
    if isinstance(error, ConnectionError | httpx.ConnectError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        if host == SIMULATED_HOST:
            return ServerDownError("the simulated server refuses the connection, as --swarm-fault told it to")
        return ServerDownError(
            f"no Ollama server answers at {host}; start it with `ollama serve`, or use --swarm-backend=sim of pytest"
        )
    return None


def _reply_fault(error: Exception) -> str:
    """Return what is wrong with a reply of status 200 that cannot be read, with the server's own words where it says
    why."""
    match error:
        case json.JSONDecodeError(doc=text):
            return f"it is not JSON: '{quoted(text)}'" if text.strip() else "it is empty"
        case ErrorReplyError():
            return f"it is an error: '{quoted(str(error))}'"
        case _InvalidFields():
            first = error.errors(include_url=False)[0]
            return quoted(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        case TypeError() | AttributeError():
            return "it is JSON, but no object"
        case httpx.DecodingError():
            return f"it cannot be unpacked: {quoted(str(error))}"
    return quoted(problem(error))


def _tls_failure(error: Exception) -> str | None:
    """Return what TLS did not like; None for another error. The official client raises a bare one in its place."""
    texts = [str(each) for each in (error, error.__context__) if isinstance(each, httpx.ConnectError)]
    return next(filter(_TLS.match, texts), None)


class WholeRefusal(NamedTuple):
    """Why a server did not take a chat with `truncate: false`, which it may take without.

    `too_long`: it would have cut the prompt; False where it does not know the field. `tokens` are those of the prompt,
    None where it does not tell.
    """

    too_long: bool
    tokens: int | None = None


def refusal_of_whole(error: ServerRefusedError) -> WholeRefusal | None:
    """Return why a server refused a chat with `truncate: false`; None for a refusal that has nothing to do with it.

    Args:
        error: The refusal, as `translate_error` made it.
    """
    from pytest_swarm.ollama.official_package import ollama

    told = error.__cause__
    text = str(told.error) if isinstance(told, ollama.ResponseError) else ""
    if _TOO_LONG.search(text):
        found = _PROMPT_TOKENS.search(text)
        return WholeRefusal(too_long=True, tokens=None if found is None else int(found[1]))
    return WholeRefusal(too_long=False) if _UNKNOWN_FIELD.search(text) else None


def quoted(text: str) -> str:
    """Return a text of the server on one line, truncated for an error message.

    It may repeat the request: what may be secret in a URL or in the header of the account is left out.
    """
    flat = _ACCOUNT.sub(r"\1 ...", without_secrets(" ".join(text[:_READ].split())))
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}..."


def _refused(text: str, status: int | None, *, host: str, call: str) -> BackendError:
    missing = _NOT_FOUND.search(text)
    if status == httpx.codes.NOT_FOUND and missing:
        tag = missing["tag"]
        return ModelMissingError(f"the Ollama server at {host} has no model {tag!r}; fetch it with `ollama pull {tag}`")
    if status == httpx.codes.UNAUTHORIZED:
        return ServerRefusedError(
            f"{call}: the server at {host} wants an account (status 401); {_NO_ACCOUNT}", status=401
        )
    if text.lstrip().startswith("<") and not (status and is_of_server(status)):
        return BadReplyError(
            f"{call}: the server at {host} answered HTML (status {status}), not Ollama; "
            f"is another program or a proxy on that port?"
        )
    if status == httpx.codes.INTERNAL_SERVER_ERROR and _DAMAGED.match(text):
        return ServerRefusedError(
            f"{call}: the server at {host} cannot read the model's files ({quoted(text)}); remove the model with "
            f"`ollama rm` and fetch it again",
            status=status,
            cause="lasting",
        )
    where = f"status {status}" if status is not None else "in the middle of its answer"
    by_name = status == httpx.codes.FORBIDDEN and not is_loopback(host)  # the one that Ollama sends without a text
    reason = quoted(text) or (_OTHER_NAME if by_name else _NO_REASON)
    return ServerRefusedError(
        f"{call}: the server at {host} refused ({where}): {reason}", status=status, cause=_cause(text)
    )


def _cause(text: str) -> RefusalCause:
    """Return what the text of a refusal says of its cause; Ollama refuses many a request with status 500."""
    text = text[:_READ]
    unknown_field = _UNKNOWN_FIELD.search(text) and _FIELD.search(text)
    if unknown_field or _TOO_LONG.search(text) or _BAD_REQUEST.search(text):
        return "request"
    return "lasting" if _UNKNOWN_KIND.search(text) else "passing"
