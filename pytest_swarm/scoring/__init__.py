"""From an answer's text to a score in [0, 1], or None for unscored. Pure, but for judge and code."""
