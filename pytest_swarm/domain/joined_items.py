"""Items that pairs join into groups, directly or through others (union-find)."""

from __future__ import annotations

from collections.abc import Iterable


def joined_items(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each item of the pairs with the one that stands for all of its group.

    Args:
        pairs: Two items each, perhaps the same, that belong together.
    """
    above: dict[str, str] = {}

    def top(item: str) -> str:
        while above.setdefault(item, item) != item:
            item = above[item]
        return item

    for one, other in pairs:
        above[top(one)] = top(other)
    return {item: top(item) for item in above}
