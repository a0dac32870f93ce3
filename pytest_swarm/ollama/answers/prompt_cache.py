"""What a loaded model may have in its prompt cache: the texts that it has read since it was loaded.

A prompt that begins like an earlier one is not read in full, so its prefill time says nothing about the model.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

_ALIKE_SHARE: Final = 0.1  # of the prompt: a shared beginning of less changes its prefill by less than repeats differ


class PromptCache:
    """The prompts of each model since it was loaded, by digest."""

    def __init__(self) -> None:
        self._read: dict[str, list[str]] = defaultdict(list)

    def load(self, digest: str) -> None:
        """Forget the prompts of a model, which was loaded anew."""
        self._read.pop(digest, None)

    def reads(self, digest: str, prompt: str) -> bool:
        """Note a prompt; return whether an earlier one began alike.

        Args:
            digest: The model that reads it.
            prompt: The whole prompt.
        """
        earlier = self._read[digest]
        beginning = prompt[: int(_ALIKE_SHARE * len(prompt)) + 1]
        alike = any(each.startswith(beginning) for each in earlier)
        earlier.append(prompt)
        return alike
