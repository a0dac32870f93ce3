"""The tables of docs/performance.md:  python -m benchmarks.performance.routing_table [SIZE ...]  (--help for more)

Each cell is a process of its own, so that its peak memory is its own: resident memory at its highest less that before
the first decision, with the solver imported and the view built. A cell that passes the limit is shown as such.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Final

from benchmarks.performance.routing_cases import FLAT, KINDS, METHODS, STAGED, Size, decision_of, view_of_size

_MIN_S: Final = 0.5  # a cell is repeated for about this long
_MOST: Final = 300
_NEEDS: Final = {"ours": ("highspy",), "cvxpy": ("cvxpy", "highspy"), "highs": ("highspy",)}


def measure(size: Size, kind: str, method: str, *, budget_gb: float) -> dict[str, float]:
    """First decision and median of the next ones in ms, peak memory in MB, objective."""
    for module in _NEEDS[method]:
        importlib.import_module(module)
    view = view_of_size(size, kind=kind, budget_gb=budget_gb)
    decision = decision_of(method, size, view)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times_ms: list[float] = []
    while len(times_ms) < 2 or (sum(times_ms) < _MIN_S * 1000 and len(times_ms) < _MOST):
        started = time.perf_counter()
        objective = decision()
        times_ms.append((time.perf_counter() - started) * 1000)
        if times_ms[0] > 20_000:
            break
    peak_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    warm_ms = statistics.median(times_ms[1:] or times_ms)
    return {"first_ms": times_ms[0], "warm_ms": warm_ms, "peak_mb": peak_mb, "objective": objective}


def in_own_process(cell: str, *, budget_gb: float, limit_s: float) -> dict[str, float] | None:
    """`measure` of a cell, "size,figures,method", in a fresh process; None past the limit."""
    module = "benchmarks.performance.routing_table"
    command = [sys.executable, "-m", module, f"--budget={budget_gb}", f"--cell={cell}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=True)
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def row(size: Size, kind: str, *, budget_gb: float, limit_s: float) -> str:
    """A row of the table: times, ratios and memory of the three ways."""
    cells = {
        method: in_own_process(f"{size.label},{kind},{method}", budget_gb=budget_gb, limit_s=limit_s)
        for method in METHODS
    }
    ours, cvxpy, highs = (cells[method] for method in METHODS)
    assert ours is not None, f"ours did not decide {size.label} within {limit_s:g} s"
    if highs is not None and abs(ours["objective"] - highs["objective"]) > 1e-6 * max(1, abs(highs["objective"])):
        raise AssertionError(f"{size.label} {kind}: {ours['objective']} is not HiGHS's {highs['objective']}")
    columns = [size.label, kind, *(_time(cell, limit_s) for cell in (ours, cvxpy, highs))]
    columns += [_ratio(ours, cvxpy, limit_s), _ratio(ours, highs, limit_s)]
    columns += ["-" if cell is None else f"{cell['peak_mb']:.0f}" for cell in (ours, cvxpy, highs)]
    return f"| {' | '.join(columns)} |"


def _time(cell: dict[str, float] | None, limit_s: float) -> str:
    if cell is None:
        return f"> {limit_s:g} s"
    return f"{cell['warm_ms']:.3g} ms" if cell["warm_ms"] < 1000 else f"{cell['warm_ms'] / 1000:.3g} s"


def _ratio(ours: dict[str, float], other: dict[str, float] | None, limit_s: float) -> str:
    if other is None:
        return f"< 1/{limit_s * 1000 / ours['warm_ms']:.0f}"
    times = other["warm_ms"] / ours["warm_ms"]
    return f"1/{times:.1f}" if times >= 1 else f"{1 / times:.1f}"


def main(arguments: list[str]) -> None:
    """Print the table of the sizes named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--budget", type=float, default=24.0)
    parser.add_argument("--cell", help='only "SIZE,FIGURES,METHOD", as JSON')
    parser.add_argument("labels", nargs="*")
    options = parser.parse_args(arguments)
    sizes = {size.label: size for size in (*FLAT, *STAGED)}
    if options.cell:
        label, kind, method = options.cell.split(",")
        print(json.dumps(measure(sizes[label], kind, method, budget_gb=options.budget)))
        return
    print("| size | figures | ours | CVXPY | HiGHS | ours/CVXPY | ours/HiGHS | MB ours | MB CVXPY | MB HiGHS |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for label in options.labels or sizes:
        for kind in KINDS:
            print(row(sizes[label], kind, budget_gb=options.budget, limit_s=options.limit), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
