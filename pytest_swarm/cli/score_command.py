"""`score FILE.jsonl`: labeled answers scored, and how far the scorers agree with the labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_swarm.scoring.labeled_answers import KindAgreement, ScoredAnswer

HELP: Final = "score labeled answers, and compare the scores with the labels"
DESCRIPTION: Final = """
Score the answers in a JSON lines file, and print for each kind the rows, how many score 1, and how many agree with the
label. A row has `kind` (number, yes_no, letter, exact, json, code, keywords, regex, token_f1, rouge_l), `expected` (the
value; a letter may come with `choices`), `text` (what the model wrote) and, if there is a label, `right` (true or
false).
"""
_SHOWN_CHARS: Final = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="JSON lines with the answers")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write each row with its score and what was read")
    parser.add_argument(
        "--disagree", action="store_true", help="show, and write, only rows that differ from their label"
    )
    parser.add_argument(
        "--code-eval",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run answered code on its cases, in the sandbox and only where the kernel confines it; else only parse it",
    )


def run(options: argparse.Namespace) -> int:
    """Score the rows, print the table, and write the rows that were asked for; return 0."""
    import json

    from pytest_swarm.documents import write_text
    from pytest_swarm.errors import ScoringError
    from pytest_swarm.scoring.labeled_answers import (
        agreement_by_kind,
        read_labeled_answers,
        score_labeled_answers,
    )
    from pytest_swarm.units import plural

    if (
        options.out is not None
        and options.out.exists()
        and options.file.exists()
        and options.out.samefile(options.file)
    ):
        raise ScoringError(f"{options.out}: --out names the file that is read; name another one")
    scored = score_labeled_answers(read_labeled_answers(options.file), run_code=options.code_eval)
    wanted = [each for each in scored if each.agrees is False] if options.disagree else scored
    if options.out is not None:  # before anything is printed: the reader of a pipe may be gone
        lines = (json.dumps(each.encode(), ensure_ascii=False) + "\n" for each in wanted)
        write_text(options.out, "".join(lines), ScoringError)
    print(_table(agreement_by_kind(scored)))
    if options.disagree:
        for each in wanted:
            print(_line(each))
    if options.out is not None:
        print(f"wrote {plural(len(wanted), 'row')} to {options.out}")
    if not options.disagree and any(each.agrees is False for each in scored):
        print("next: --disagree shows the rows that differ from their label")
    return 0


def _table(kinds: Sequence[KindAgreement]) -> str:
    """One line for each kind: rows, rows with score 1, unscored rows, agreement."""
    from pytest_swarm.report.text_table import aligned

    table = [("kind", "rows", "score 1", "unscored", "agreement")]
    for each in kinds:
        share = "no labels"
        if each.agreement is not None:
            share = f"{100 * each.agreement:.1f} % ({each.agreed} of {each.labeled})"
        table.append((each.kind, str(each.rows), str(each.full), str(each.unscored), share))
    return "\n".join(aligned(table))


def _line(each: ScoredAnswer) -> str:
    """A row that differs from its label: where it is, what is expected, what was read, how the text ends."""
    answer, score = each.answer, each.score
    read = "nothing was read" if score.read is None else f"read {score.read!r} {score.where}"
    label = "right" if answer.right else "wrong"
    verdict = f"line {answer.line}: score {score.value:g}, label {label}"
    end = answer.text.strip()[-_SHOWN_CHARS:]
    return f"{verdict}; expected {answer.row['expected']!r}, {read}: {end!r}"
