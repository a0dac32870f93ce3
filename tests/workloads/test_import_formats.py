"""A format that can be imported is documented, in the help of the command, and tried with mutants of a sample."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_swarm.cli.import_command import DESCRIPTION
from pytest_swarm.workloads.importers.formats import FORMATS, format_of
from tests.workloads.flow_documents import BATCH_DOCUMENTS, JSON_DOCUMENTS

PAGE = Path(__file__).parents[2] / "docs" / "importing.md"
NAMES = [each.name.partition(" (")[0] for each in FORMATS]


@pytest.mark.parametrize("name", NAMES)
def test_a_format_is_documented(name: str) -> None:
    assert name in " ".join(DESCRIPTION.split()), "name it in pytest_swarm/cli/import_command.py"
    if name != "our own":
        page = PAGE.read_text(encoding="utf-8")
        rules = page.partition("\n### The rules of every importer")[2].partition("\n### ")[0]
        places = re.findall(r"^(?:#### (.*)|\| ([^|]*) \|.*)$", rules, re.MULTILINE)
        assert any(name in heading + cell for heading, cell in places), "write its rules in docs/importing.md"


def test_a_format_has_a_sample_that_mutants_are_made_of() -> None:
    samples = (JSON_DOCUMENTS | BATCH_DOCUMENTS).values()
    documents = [row for each in samples for row in (each if isinstance(each, list) else [each])]
    tried = {found.name.partition(" (")[0] for each in documents if (found := format_of(each)) is not None}
    assert tried == set(NAMES), "give it a sample in tests/workloads/flow_documents.py"
