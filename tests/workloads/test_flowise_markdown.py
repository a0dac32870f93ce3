"""Texts of Flowise's editor as Markdown."""

from __future__ import annotations

import pytest

from pytest_swarm.workloads.importers.flowise_markdown import as_markdown


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>Sum up:</p><p></p><p>{{ question }}</p>", "Sum up:\n\n{{ question }}"),
        ('<p>To <span class="variable" data-id="l_0">{{ l_0 }}</span> </p>', "To {{ l_0 }}"),
        (
            "<h2>Rules</h2><ul><li><p>Be <strong>kind</strong>.</p></li><li>Be brief.</li></ul>",
            "## Rules\n\n* Be **kind**.\n* Be brief.",
        ),
        (
            "<p>Do:</p><ol><li><p>a</p><ul><li>b</li></ul></li><li><p>c</p></li></ol><p>End</p>",
            "Do:\n\n1. a\n    * b\n2. c\n\nEnd",
        ),
        ("<p>a &lt; b<br>c</p>", "a < b\nc"),
        ("<pre><code>x\n  y</code></pre>", "`x\n  y`"),
        ("<instruction><p>As it is.</p></instruction>", "<instruction><p>As it is.</p></instruction>"),
        ("# Plain  text\n<p>x</p>", "# Plain  text\n<p>x</p>"),
        ("<p>broken</ul></li></p>", "broken"),
    ],
)
def test_what_the_editor_writes_is_sent_as_markdown(html: str, markdown: str) -> None:
    assert as_markdown(html) == markdown
