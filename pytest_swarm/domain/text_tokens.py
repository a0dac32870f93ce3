"""Estimated tokens of a text, from its words, digits and symbols."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGIT: Final = re.compile(r"\d")
_SYMBOLS: Final = re.compile(r"(?:[^\w\s]|_)+")
_LINE_END: Final = re.compile(r"\n\s*")
_TOKENS_PER_WORD: Final = 1.1
_PLAIN_WORD_CHARS: Final = 6  # a longer word is split: a token for every 8 further characters
_CHARS_PER_SPLIT: Final = 8.0
_CHARS_PER_FOREIGN_TOKEN: Final = 2.0  # in words that are not ASCII
_TOKENS_PER_SYMBOL_PAIR: Final = 1.2
_TOKENS_PER_LINE_END: Final = 1.2


@lru_cache(maxsize=4096)
def text_tokens(text: str) -> float:
    """Return the estimated tokens of a text without any template.

    1.1 per word and one more per 8 characters above 6, 1 per 2 characters of a word that is not ASCII, 1 per digit,
    1.2 per pair of symbols, 1.2 per line end. Fitted to the prompts of two tokenizers. Characters / 4 is off by a
    factor of 2 to 5 for short prompts, code and numbers.
    """
    words = sum(map(_word_tokens, _WORD.findall(text)))
    symbols = _TOKENS_PER_SYMBOL_PAIR * sum((len(run) + 1) // 2 for run in _SYMBOLS.findall(text))
    return words + len(_DIGIT.findall(text)) + symbols + _TOKENS_PER_LINE_END * len(_LINE_END.findall(text))


def _word_tokens(word: str) -> float:
    if not word.isascii():
        return max(1.0, len(word) / _CHARS_PER_FOREIGN_TOKEN)
    return _TOKENS_PER_WORD + max(0, len(word) - _PLAIN_WORD_CHARS) / _CHARS_PER_SPLIT
