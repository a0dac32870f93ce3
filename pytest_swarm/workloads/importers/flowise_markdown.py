"""Texts of Flowise's editor: HTML, which it turns into Markdown before a model reads it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_WRITTEN_IN_EDITOR: Final = re.compile(r"\s*<(?:p|div|h[1-6]|ul|ol|blockquote|pre|table)\b", re.IGNORECASE)
_HEADINGS: Final = {f"h{level}": f"{'#' * level} " for level in range(1, 7)}
_BLOCKS: Final = frozenset({"p", "div", "blockquote", "pre", "table", *_HEADINGS})
_MARKS: Final = {"strong": "**", "b": "**", "em": "_", "i": "_", "code": "`"}


def as_markdown(text: str) -> str:
    """Return a text that begins with a block of HTML as Markdown; any other as it is, since its tags are meant."""
    if not _WRITTEN_IN_EDITOR.match(text):
        return text
    writer = _MarkdownWriter()
    writer.feed(text)
    writer.close()
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", "".join(writer.found))).strip()


class _MarkdownWriter(HTMLParser):
    """Writes the elements of the editor in Markdown; of any other only what is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._lists: list[int | None] = []  # those around the text: the number of the last item, None without numbers
        self._preformatted = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("ul", "ol"):
            self._break()
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._add(f"\n{'    ' * (len(self._lists) - 1)}{self._item()} ")
        elif tag in _BLOCKS:
            self._break()
            self._preformatted += tag == "pre"
            self._add(_HEADINGS.get(tag, ""))
        else:
            self._add("\n" if tag == "br" else _MARKS.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            del self._lists[-1:]
        self._preformatted -= tag == "pre"
        if tag in _BLOCKS or tag in ("ul", "ol"):
            self._break()
        self._add(_MARKS.get(tag, ""))

    def handle_data(self, data: str) -> None:
        if self._preformatted <= 0:
            data = re.sub(r"[ \t\r\n]+", " ", data)
            data = data.lstrip(" ") if not self.found or self.found[-1].endswith((" ", "\n")) else data
        self._add(data)

    def _add(self, text: str) -> None:
        if text:
            self.found.append(text)

    def _break(self) -> None:
        if not self._lists:
            self._add("\n\n")

    def _item(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "*"
        self._lists[-1] = number + 1
        return f"{number + 1}."
