"""Hypothesis strategies for any valid task graph, for the tests of files and generators."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from pytest_swarm.domain.expectation import (
    CodeCase,
    Custom,
    Exact,
    JsonFields,
    Judge,
    Keywords,
    Number,
    PythonCode,
    Regex,
    YesNo,
)
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.task import Task, TaskType

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(str.strip)
seen = words.filter(lambda text: any(unicodedata.category(char)[0] in "LNPS" for char in text))
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | floats | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=5
)
expectations = st.one_of(
    st.none(),
    st.builds(JsonFields, fields=st.dictionaries(words, scalars, min_size=1, max_size=3)),
    st.builds(Number, value=floats, tolerance=st.floats(0, 9)),
    st.builds(YesNo, value=st.booleans()),
    st.builds(Keywords, words=st.lists(seen, min_size=1, max_size=3).map(tuple)),
    st.builds(Exact, text=seen),
    st.builds(Regex, pattern=st.sampled_from([r"\d+", r"^a\.b$", "x|y"])),
    st.builds(
        PythonCode,
        entry_point=st.sampled_from(["f", "fib"]),
        cases=st.lists(
            st.builds(CodeCase, args=st.lists(values, max_size=2).map(tuple), returns=values), max_size=2
        ).map(tuple),
    ),
    st.builds(Judge, rubric=seen),
    st.builds(Custom, name=words),
)
tasks = st.builds(
    Task,
    id=words,
    type=st.sampled_from(TaskType),
    prompt=words | st.just("two\nlines \\ \"quoted\" '''\r\x7f\x01\u2028"),
    estimated_tokens=st.integers(1, 10**9),
    difficulty=st.floats(1, 5),
    expected=expectations,
)


@st.composite
def graphs(draw: st.DrawFn) -> TaskGraph:
    """Any valid graph of up to six tasks: edges lead from earlier to later tasks, in any order."""
    chosen = tuple(draw(st.lists(tasks, min_size=1, max_size=6, unique_by=lambda task: task.id)))
    pairs = [(chosen[a].id, chosen[b].id) for b in range(len(chosen)) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return TaskGraph(
        name=draw(words),
        tasks=tuple(draw(st.permutations(chosen))),
        edges=tuple(edges),
        context=draw(st.sampled_from(("parents", "none"))),
        version=draw(st.integers(0, 99)),
        family=draw(st.none() | words),
    )
