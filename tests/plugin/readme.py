"""What the README shows of the code: the table of options, the sample and its output.

`python -m tests.plugin.readme` writes the table and the output anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pytest_swarm.plugin.option_kinds import Flag, Option
from pytest_swarm.plugin.options import ROWS

README: Final = Path(__file__).parents[2] / "README.md"
HEAD: Final = "| option | meaning | default |\n|---|---|---|\n"
NOBODY: Final = {"OLLAMA_HOST": "127.0.0.1:9"}  # the port of the discard service: no Ollama answers there
_TABLE: Final = re.compile(re.escape(HEAD) + r"(?:\|.*\n)+")
_SAMPLE: Final = re.compile(r"as `(test_\w+\.py)`.*?```python\n(.*?)```", re.DOTALL)
_COMMAND: Final = re.compile(r"<!-- command: sample -->\n```sh\n(.*?)\n```")
_OUTPUT: Final = re.compile(r"(?<=<!-- output: sample -->\n```text\n)(.*?)(?=```)", re.DOTALL)
_WALL_CLOCK: Final = ((r"\b[\d.]+ (?:ms|s)$", "T"), (r" in [\d.]+s =+$", " in T"), (r" {2,}(?=T$)", "  "))


def usage(row: Option[Any]) -> str:
    """Return `--swarm-vram=SIZES`."""
    if isinstance(row, Flag):
        return row.flag
    return f"{row.flag}[={row.metavar}]" if row.bare else f"{row.flag}={row.metavar}"


def cell(text: str) -> str:
    """Return a text for a cell of a table: a bar would end it, also within code."""
    return text.replace("|", "\\|")


def options_table() -> str:
    """Return the table of options in Markdown."""
    return HEAD + "".join(f"| `{cell(usage(row))}` | {row.meaning} | {row.shown or ''} |\n" for row in ROWS)


def found_in_readme(pattern: re.Pattern[str]) -> re.Match[str]:
    """Return where the README shows something."""
    found = pattern.search(README.read_text(encoding="utf-8"))
    assert found is not None, f"README.md has lost what matches {pattern.pattern!r}"
    return found


def table_of_readme() -> str:
    """Return the table of options that stands in the README."""
    return found_in_readme(_TABLE)[0]


def sample() -> tuple[str, str]:
    """Return the file name and the text of the sample."""
    found = found_in_readme(_SAMPLE)
    return found[1], found[2]


def sample_command() -> list[str]:
    """Return the words of the command that runs the sample."""
    return shlex.split(found_in_readme(_COMMAND)[1])


def output_of_readme() -> str:
    """Return the output that the README shows."""
    return found_in_readme(_OUTPUT)[0]


def shown_output(text: str) -> str:
    """Return the part of a run's output that the README shows, with the run left open."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.strip("= ") == "pytest-swarm")
    shown = "\n".join(line.rstrip() for line in lines[start:]) + "\n"
    return re.sub(r"reports/[^/]+/", "reports/<run>/", shown)


def without_wall_clock(output: str) -> str:
    """Return an output without what differs between equal runs."""
    for pattern, replacement in _WALL_CLOCK:
        output = re.sub(pattern, replacement, output, flags=re.MULTILINE)
    return output


def run_sample(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the sample as it stands, with the command that the README shows."""
    name, text = sample()
    (folder / name).write_text(text, encoding="utf-8")
    program, *arguments = sample_command()
    assert program == "pytest"
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **NOBODY}, capture_output=True, text=True, check=False
    )


def main() -> None:
    """Write the table of options and the output of the sample anew."""
    with tempfile.TemporaryDirectory() as folder:
        output = shown_output(run_sample(Path(folder)).stdout)
    text = README.read_text(encoding="utf-8").replace(table_of_readme(), options_table())
    README.write_text(text.replace(output_of_readme(), output), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
