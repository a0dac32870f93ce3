"""Messages of Go's JSON decoder, recorded from a real server; one reads 10,000 levels, and this one 200."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.simulator.server.go_syntax import syntax_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a": nope"}', "invalid character 'o' in literal null (expecting 'u')"),
        (b'{"a": tfrue}', "invalid character 'f' in literal true (expecting 'r')"),
        (b'{"a": fals,', "invalid character ',' in literal false (expecting 'e')"),
        (b'{"a": fal', "unexpected EOF"),
        (b'["a" 1]', "invalid character '1' after array element"),
        (b'{"a": 1."e3}', "invalid character '\"' after decimal point in numeric literal"),
        (b"[- 2]", "invalid character ' ' in numeric literal"),
        (b"[1e+]", "invalid character ']' in exponent of numeric literal"),
        (b"[01]", "invalid character '1' after array element"),
        (b'{"\\content": 1}', "invalid character 'c' in string escape code"),
        (b'{"\\ure": 1}', "invalid character 'r' in \\u hexadecimal character escape"),
        (b'{"a"\xc3: 1}', "invalid character '\u00c3' after object key"),
        (b'{"a": 1 "b"', "invalid character '\"' after object key:value pair"),
        (b"{a: 1}", "invalid character 'a' looking for beginning of object key string"),
        (b'{"a": 1,}', "invalid character '}' looking for beginning of object key string"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"\x01", "invalid character '\\x01' looking for beginning of value"),
        (b"'a'", "invalid character '\\'' looking for beginning of value"),
        (b'"a\nb"', "invalid character '\\n' in string literal"),
        (b"", "unexpected EOF"),
        (b"[" * 200, "unexpected EOF"),
        (b'{"a":' * 199 + b"x", "invalid character 'x' looking for beginning of value"),
        (b"[" * 201, "invalid character '[' exceeded max depth"),
    ],
    ids=lambda each: repr(each[:24]),
)
def test_the_first_byte_that_does_not_fit_is_named(text: bytes, fault: str) -> None:
    assert syntax_fault(text) == fault


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_valid_json_has_no_fault(value: object) -> None:
    assert syntax_fault(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) is None
