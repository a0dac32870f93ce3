"""Print the tables of docs/workloads.md from report.json files: `python benchmarks/workloads_table.py REPORT...`.

The first table has one row per mode and one column per VRAM budget, with the mean score and its interval. The second
has each mode against `fixed`: its difference in score with the interval, and the loads, seconds and tokens' cost of a
job. The last has the mean task score of each single model per task type, from the `single:` modes of the reports.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any


def main() -> None:
    """Print the tables of the reports that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in parser.parse_args().reports]
    print(scores_by_budget(reports))
    if any("fixed" in report["modes"] for report in reports):
        print()
        print(against_fixed(reports))
    if any(mode.startswith("single:") for report in reports for mode in report["modes"]):
        print()
        print(scores_by_type(reports))


def scores_by_budget(reports: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mode x budget -> mean score, its 95 % interval over workflows, and jobs over budget."""
    cells: dict[str, dict[float, str]] = defaultdict(dict)
    for report in reports:
        for mode, figures in report["modes"].items():
            for each in figures["by_setting"]:
                cells[mode][each["vram_budget_gb"]] = _cell(each)
    budgets = sorted({budget for row in cells.values() for budget in row})
    lines = ["| mode | " + " | ".join(f"{budget:g} GB" for budget in budgets) + " |", "|---" * (1 + len(budgets)) + "|"]
    lines += [f"| {mode} | " + " | ".join(row.get(b, "-") for b in budgets) + " |" for mode, row in cells.items()]
    return "\n".join(lines)


def _cell(figures: dict[str, Any]) -> str:
    if figures["score"] is None:
        return "-"
    interval = figures["score_interval"]
    shown = f"{100 * figures['score']:.0f} %"
    if interval and interval["low"] is not None:
        shown += f" ({100 * max(0.0, interval['low']):.0f} to {100 * min(1.0, interval['high']):.0f})"
    broken = figures["jobs_over_budget"]
    return f"{shown}, {broken} of {figures['jobs']} over budget" if broken else shown


def against_fixed(reports: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mode x budget -> difference in score to `fixed`, and loads, time and cost of a job."""
    rows: dict[str, dict[float, str]] = defaultdict(dict)
    for report in reports:
        for mode, figures in report["modes"].items():
            for each in figures["by_setting"]:
                budget = each["vram_budget_gb"]
                parts = [f"{each['switches']:.1f} loads", f"{each['makespan_s']:.0f} s", f"{each['token_cost']:,.0f}"]
                rows[mode][budget] = ", ".join([_difference(report, mode, budget), *parts])
    budgets = sorted({budget for row in rows.values() for budget in row})
    lines = ["| mode | " + " | ".join(f"{budget:g} GB" for budget in budgets) + " |", "|---" * (1 + len(budgets)) + "|"]
    lines += [f"| {mode} | " + " | ".join(row.get(b, "-") for b in budgets) + " |" for mode, row in rows.items()]
    return "\n".join(lines)


def _difference(report: dict[str, Any], mode: str, budget_gb: float) -> str:
    """Return `+11.1 (-2.0 to +20.3)` in points, seen from the mode."""
    for each in report["comparisons"]:
        sides = (each["mode"], each["reference"])
        if each["vram_budget_gb"] == budget_gb and set(sides) == {mode, "fixed"} and each["difference"] is not None:
            sign = 1 if sides[0] == mode else -1
            interval = each["difference_interval"]
            ends = sorted(100 * sign * interval[end] for end in ("low", "high"))
            points = round(100 * sign * each["difference"], 1) + 0.0  # no minus zero
            return f"{points:+.1f} ({ends[0]:+.0f} to {ends[1]:+.0f})"
    return "reference" if mode == "fixed" else "-"


def scores_by_type(reports: list[dict[str, Any]]) -> str:
    """Return a Markdown table: single model x task type -> mean task score, the best of each type in bold."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for report in reports:
        for case in report["cases"]:
            if case["mode"].startswith("single:"):
                for task in case["tasks"]:
                    if task["score"] is not None:
                        scores[task["model"]][task["type"]].append(task["score"])
    types = sorted({kind for row in scores.values() for kind in row})
    means = {model: {kind: fmean(row[kind]) for kind in types if row[kind]} for model, row in scores.items()}
    best = {kind: max(row.get(kind, 0.0) for row in means.values()) for kind in types}
    lines = ["| model | " + " | ".join(types) + " |", "|---" * (1 + len(types)) + "|"]
    for model, row in means.items():
        shown = [f"{100 * row[kind]:.0f} %" if kind in row else "-" for kind in types]
        marked = [
            f"**{text}**" if row.get(kind) == best[kind] else text for kind, text in zip(types, shown, strict=True)
        ]
        lines.append(f"| {model} | " + " | ".join(marked) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
