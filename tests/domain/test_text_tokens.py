"""Tokens of a text: by its length, in each script, and by its words, digits and symbols."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.text_tokens import text_tokens, tokens_by_length


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


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0.0),
        ("one two", 2.2),
        ("interpretation", 2.1),
        ("a1b_c", 4.3 + 1.2),
        ("1024", 4.0),
        ("(x); a[0]", 2.2 + 1.0 + 4.8),
        ("a\n\n  b\tc", 3.3 + 1.2),
        ("caf\u00e9 {}", 2.0 + 1.2),
        ("\u0663 a\u20ac!", 1.0 + 1.1 + 1.0 + 1.2),
    ],
)
def test_words_digits_and_symbols_have_tokens_of_their_own(text: str, tokens: float) -> None:
    assert text_tokens(text) == pytest.approx(tokens)
