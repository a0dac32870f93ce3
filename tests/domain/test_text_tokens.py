"""Tokens of a text by its length, in each script."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.text_tokens import tokens_by_length


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0.0),
        ("A plain sentence.", 4.25),
        ("caf\u00e9 \u2013 \u041c\u043e\u0441\u043a\u0432\u0430 \U0001f600", 3.75),
        ("\u8bf7\u603b\u7ed3\u8fd9\u7bc7\u6587\u7ae0\u3002", 8.0),
        ("\u8981\u7d04\u3057\u3066\u304f\u3060\u3055\u3044", 8.0),
        ("\uc694\uc57d\ud574 \uc8fc\uc138\uc694", 6.25),
        ("JSON\u3067\u7b54\u3048\u3066 {}", 5.75),
        ("\U00020bb7\u91ce\u5bb6", 3.0),
    ],
)
def test_a_character_of_chinese_japanese_or_korean_is_a_token(text: str, tokens: float) -> None:
    assert tokens_by_length(text) == tokens
