"""What a plain run of pytest pays for this plugin, side by side with pytest-benchmark.

    python -m benchmarks.performance.startup [ROUNDS]

One trivial test, each run in a process of its own: without either plugin, with ours, with pytest-benchmark. The three
take turns, so that whatever else the machine does falls on all of them. What a plugin adds is the difference of the
lower quartiles: other work on the machine only ever adds time, so the fast runs are the ones to look at.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROUNDS: Final = 40
PLUGINS: Final = {
    "neither": ("-p", "no:benchmark", "-p", "no:swarm"),
    "ours": ("-p", "no:benchmark"),
    "pytest-benchmark": ("-p", "no:swarm"),
}
Times = dict[str, list[float]]


def child_cpu_s() -> float:
    """Return the CPU time of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def one_run(plugins: tuple[str, ...], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run pytest once and return its wall and CPU seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, "test_trivial.py"]
    cpu_s, started_s = child_cpu_s(), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started_s, child_cpu_s() - cpu_s


def measure(rounds: int, *, bytecode: bool) -> tuple[Times, Times]:
    """Return the wall and CPU seconds of each variant, with compiled modules as users have them or without any."""
    wall_s: Times = {name: [] for name in PLUGINS}
    cpu_s: Times = {name: [] for name in PLUGINS}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "test_trivial.py").write_text("def test_trivial(): pass\n", encoding="ascii")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        if not bytecode:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        for plugins in PLUGINS.values():
            one_run(plugins, folder, environment)
        names = list(PLUGINS)
        for turn in range(rounds):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                wall, cpu = one_run(PLUGINS[name], folder, environment)
                wall_s[name].append(wall)
                cpu_s[name].append(cpu)
    return wall_s, cpu_s


def typical_ms(times: Times, name: str) -> float:
    """Return the lower quartile of a variant's times, in milliseconds."""
    return 1e3 * statistics.quantiles(times[name], n=4)[0]


def main() -> None:
    """Print the figures and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    print(f"{rounds} rounds\n\n| modules | time | neither | ours adds | pytest-benchmark adds | ratio |")
    print("|---|---|---|---|---|---|")
    for bytecode in (True, False):
        for kind, times in zip(("wall", "CPU"), measure(rounds, bytecode=bytecode), strict=True):
            bare_ms = typical_ms(times, "neither")
            ours_ms, theirs_ms = (typical_ms(times, name) - bare_ms for name in ("ours", "pytest-benchmark"))
            modules = "compiled" if bytecode else "not compiled"
            print(
                f"| {modules} | {kind} | {bare_ms:.0f} ms | {ours_ms:.1f} ms | {theirs_ms:.1f} ms "
                f"| {ours_ms / theirs_ms:.2f} |"
            )


if __name__ == "__main__":
    main()
