"""Scoring a regular expression, without hanging on an answer that makes it backtrack.

Python's `re` has no time limit. A search whose worst case is small, judged by the pattern and the length of the text,
runs here; any other runs in a process of its own that is killed after SEARCH_LIMIT_S.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from typing import Final

from pytest_swarm.domain.expectation import Regex
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.verdict import RIGHT, Score, unscored, wrong

SEARCH_LIMIT_S: Final = 2.0
MAX_LOG_STEPS: Final = 700.0  # exp of more is no float
SAFE_STEPS: Final = 2e7  # about half a second of Python's matcher at worst
_FOUND, _NOT_FOUND = 10, 11  # exit statuses that no failing interpreter has
_SEARCH: Final = (
    "import json,re,sys; pattern,text=json.load(sys.stdin); "
    f"sys.exit({_FOUND} if re.search(pattern,text) else {_NOT_FOUND})"
)


def score_regex(expected: Regex, text: str) -> Score:
    """1 where `expected.pattern` matches somewhere in the answer, 0 where not; unscored past the time limit.

    Raises ScoringError where the search itself fails.
    """
    if worst_steps(expected.pattern, len(text)) <= SAFE_STEPS:
        found = re.search(expected.pattern, text) is not None
    else:
        try:
            found = _search_apart(expected.pattern, text)
        except subprocess.TimeoutExpired:
            return unscored(
                f"the pattern took over {SEARCH_LIMIT_S:g} s on this answer; write it without nested repeats"
            )
    return RIGHT if found else wrong(f"no match of {expected.pattern!r}")


def worst_steps(pattern: str, length: int) -> float:
    """An upper estimate of the matcher's steps on a text of `length` characters.

    (length + 1)^(1 + repeats) x 2^(number of ? and |). A repeat around a group that can itself match in several ways is
    exponential, and a backreference is not judged: both are infinite here. The pattern is read roughly, from its
    text: more is counted than there is (signs within [] as well), never less.
    """
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", pattern):
        return math.inf
    repeats = len(re.findall(r"[*+]|\{\d*,\d*\}|\{\d+\}", pattern))
    either = pattern.count("?") - pattern.count("(?") + pattern.count("|")
    if re.search(r"\)\s*(?:[*+]|\{)", pattern) and (repeats > 1 or either):
        return math.inf
    log_steps = (1 + repeats) * math.log(length + 1.0) + either * math.log(2.0)
    return math.exp(log_steps) if log_steps < MAX_LOG_STEPS else math.inf


def _search_apart(pattern: str, text: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _SEARCH],
        input=json.dumps([pattern, text]).encode(),
        timeout=SEARCH_LIMIT_S,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode not in (_FOUND, _NOT_FOUND):
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ScoringError(f"the search for {pattern!r} failed: {last or f'exit status {done.returncode}'}")
    return done.returncode == _FOUND
