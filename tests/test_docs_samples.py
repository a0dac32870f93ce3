"""What the pages show can be used as it stands: options and arguments exist, and files in TOML can be read."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from pytest_swarm import plugin
from pytest_swarm.cli import COMMANDS
from pytest_swarm.plugin import hookspecs
from pytest_swarm.simulator.models.profile import load_profile, shipped_profiles
from pytest_swarm.workloads.fleet import load_fleet, shipped_fleets
from pytest_swarm.workloads.graph_files import load_graph
from tests.plugin.readme import options_table
from tests.test_docs import PAGES, ROOT

COMMAND = re.compile(r"^ *(?:\$ )?python -m pytest_swarm (.*)$", re.MULTILINE)
OPTION = re.compile(r"--swarm-[a-z-]+")
OF_BENCHMARKS = {"--swarm-jobs"}  # an option of benchmarks/conftest.py
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
READERS = {"tasks": load_graph, "model": load_fleet, "base": load_profile}


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_options_that_a_page_names_exist(page: Path) -> None:
    known = {*OPTION.findall(options_table()), *OF_BENCHMARKS}
    assert sorted(set(OPTION.findall(page.read_text(encoding="utf-8"))).difference(known)) == []


def test_hooks_fixtures_and_shipped_files_are_named() -> None:
    """Somewhere on the pages: nobody finds what stands in the code alone."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    fixtures = re.findall(r"@pytest\.fixture.*\ndef (swarm_\w+)", Path(plugin.__file__).read_text(encoding="utf-8"))
    hooks = [name for name in vars(hookspecs) if name.startswith("pytest_swarm_")]
    assert len(fixtures) == len(hooks) == 4
    assert [name for name in (*fixtures, *hooks) if not re.search(rf"\b{name}\b", text)] == []
    assert [name for name in (*shipped_fleets(), *shipped_profiles()) if f"`{name}`" not in text] == []


def arguments_of(line: str) -> list[str]:
    """Return the arguments of a command without its comment; optional ones that stand in brackets are given."""
    return shlex.split(re.sub(r"\bN\b", "1", re.sub(r"[\[\]]", "", line)), comments=True)


def test_arguments_of_commands_that_the_pages_show_exist() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    subparsers = parser.add_subparsers(dest="command")
    for name in COMMANDS:
        import_module(f"pytest_swarm.cli.{name.replace('-', '_')}_command").configure(subparsers.add_parser(name))
    shown = [line for page in PAGES for line in COMMAND.findall(page.read_text(encoding="utf-8"))]
    assert {parser.parse_args(arguments_of(line)).command for line in shown} == set(COMMANDS)


def test_files_in_toml_that_the_pages_show_can_be_read(tmp_path: Path) -> None:
    read = set()
    for page in PAGES:
        for number, text in enumerate(TOML.findall(page.read_text(encoding="utf-8"))):
            document = tomllib.loads(text)
            kind = next((key for key in READERS if key in document), None)
            if (
                kind is None or isinstance(document[kind], dict) or (kind == "tasks" and "name" not in document)
            ):  # a part
                continue
            path = tmp_path / f"{page.stem}-{number}.toml"
            path.write_text(text, encoding="utf-8")
            READERS[kind](path)
            read.add((page.stem, kind))
    assert read >= {("benchmarks", "tasks"), ("benchmarks", "model"), ("simulator", "base")}
