"""Writing TOML: the standard library reads it but does not write it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final

from pytest_swarm.fields import Json

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: Json) -> str:
    """A value as it stands behind `=`; raises ValueError for null, which TOML has no word for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise ValueError("TOML has no null")


def toml_text(text: str) -> str:
    """A quoted text; one with line breaks stands over several lines."""
    if "\n" not in text:
        return _quoted(text)
    lines = "\n".join(_quoted(line)[1:-1] for line in text.split("\n"))
    return f'"""\n{lines}"""'


def toml_key(key: str) -> str:
    """A key, quoted where TOML asks for it."""
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but that TOML escapes DEL as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
