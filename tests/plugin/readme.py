"""What the README shows of the code: the first options, the sample, and an excerpt of a run's output.

`python -m tests.plugin.readme` writes the excerpt anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pytest_swarm.plugin.option_kinds import Flag, Option
from pytest_swarm.plugin.options import ROWS, Options
from pytest_swarm.report.terminal import MAX_WIDTH
from pytest_swarm.report.text_table import wrapped
from tests.programs import NOBODY

README: Final = Path(__file__).parents[2] / "README.md"
HEAD: Final = "| option | meaning | default |\n|---|---|---|\n"
_TABLE: Final = re.compile(re.escape(HEAD) + r"(?:\|.*\n)+")
_SAMPLE: Final = re.compile(r"as `(test_\w+\.py)`.*?```python\n(.*?)```", re.DOTALL)
_COMMAND: Final = r"<!-- command: {} -->\n```sh\n(.*?)\n```"
_OUTPUT: Final = re.compile(r"(?<=<!-- output: excerpt -->\n```text\n)(.*?)(?=```)", re.DOTALL)
_WALL_CLOCK: Final = re.compile(r" +(?:decision|[\d.]+ (?:ms|s))$", re.MULTILINE)  # the last column of the modes
FIRST: Final = (
    *(Options.compare, Options.vram, Options.fleet, Options.horizon, Options.repeat, Options.backend),
    *(Options.dry_run, Options.resume, Options.decide, Options.baseline),
)
"""The options that a newcomer needs."""


def usage(row: Option[Any]) -> str:
    """Return `--swarm-vram=SIZES`."""
    if isinstance(row, Flag):
        return row.flag
    return f"{row.flag}[={row.metavar}]" if row.bare else f"{row.flag}={row.metavar}"


def cell(text: str) -> str:
    """Return a text for a cell of a table: a bar would end it, also within code."""
    return text.replace("|", "\\|")


def options_table(rows: Iterable[Option[Any]] = ROWS) -> str:
    """Return a table of options in Markdown."""
    return HEAD + "".join(f"| `{cell(usage(row))}` | {row.meaning} | {row.default or ''} |\n" for row in rows)


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


def command(name: str) -> list[str]:
    """Return the words of a command of the README: of the `sample`, or of the `excerpt`."""
    return shlex.split(found_in_readme(re.compile(_COMMAND.format(name)))[1])


def excerpt_of_readme() -> str:
    """Return the output that the README shows."""
    return found_in_readme(_OUTPUT)[0]


def excerpt(output: str) -> str:
    """Return the part of a run's output that the README shows: modes, decision and origin, but for wall times.

    The sentence of the decision is wrapped as it is on a terminal of 100 columns.
    """
    lines = output.splitlines()
    modes = next(n for n, line in enumerate(lines) if line.startswith("mode "))
    ruling = next(n for n, line in enumerate(lines) if "- pytest-swarm decision -" in line)
    table = "\n".join(lines[modes : lines.index("", modes)])
    origin = next(line for line in lines if line.startswith("SIMULATED: "))
    shown = [_WALL_CLOCK.sub("", table), "", *wrapped(lines[ruling + 1], MAX_WIDTH), origin]
    return "\n".join(shown) + "\n"


def excerpt_words(folder: Path) -> list[str]:
    """Return the arguments of the command of the excerpt; its reports go into a folder."""
    return [*command("excerpt")[1:], "-p", "no:cacheprovider", f"--swarm-report=json:{folder / 'report.json'}"]


def main() -> None:
    """Write the excerpt anew."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "pytest", *excerpt_words(Path(folder))]
        environment = {**os.environ, "OLLAMA_HOST": NOBODY}
        done = subprocess.run(words, cwd=README.parent, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    shown = excerpt(done.stdout)
    text = README.read_text(encoding="utf-8")
    README.write_text(_OUTPUT.sub(lambda _: shown, text, count=1), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
