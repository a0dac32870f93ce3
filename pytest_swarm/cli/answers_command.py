"""`answers list|export|import|prune`: what an answer store holds, its text form, and what can go."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_swarm.ollama.answers.answer_store import AnswerStore
    from pytest_swarm.ollama.answers.questions import ModelIdentity
    from pytest_swarm.ollama.answers.stored_values import StoredAnswer

HELP: Final = "list, export, import or prune the answers that --swarm-backend=measure keeps"
DESCRIPTION: Final = """
An answer store holds each answer of a server once. `list` shows what is in it. `export` prints it as sorted JSON lines,
for a repository; `import` takes an export or a cassette into it. `prune` removes the answers of models that the server
does not have any more.
"""
DEFAULT_STORE: Final = Path(".swarm-answers")
_DIGEST_SHOWN: Final = 12
_MS_PER_DAY: Final = 86_400_000.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument(
        "--answers", type=Path, default=DEFAULT_STORE, metavar="FILE", help=f"the store (default: {DEFAULT_STORE})"
    )
    actions.add_parser("list", parents=[store], help="show models, digests, kinds, counts and age")
    export = actions.add_parser("export", parents=[store], help="write sorted JSON lines")
    export.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")
    taking = actions.add_parser("import", parents=[store], help="take in exports and cassettes")
    taking.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export, or a cassette of a real server")
    taking.add_argument("--server", metavar="VERSION", help="version of the recorded server, for cassettes without one")
    prune = actions.add_parser("prune", parents=[store], help="remove what no model of the server has any more")
    prune.add_argument("--host", default=None, metavar="URL", help="the server (default: OLLAMA_HOST, else local)")


def run(options: argparse.Namespace) -> int:
    """Carry out one action; raise SwarmError for a file or a server that cannot be used."""
    from pytest_swarm.ollama.answers.answers_text import open_answers

    writes = options.action in ("import", "prune")
    if options.action == "prune":
        open_answers(options.answers, writable=False).close()  # a missing file is an error here, not a new store
    with open_answers(options.answers, writable=writes) as store:
        if options.action == "list":
            _list(store)
        elif options.action == "export":
            _export(store, options.out)
        elif options.action == "import":
            _import(store, options)
        else:
            _prune(store, options.host)
    return 0


def _list(store: AnswerStore) -> None:
    """Print one row for each model and kind of question, and one for the loads of each model."""
    from pytest_swarm.ollama.answers.answer_store import now_ms

    rows: dict[tuple[str, str, str, str], list[StoredAnswer]] = {}
    for question, answer in store.entries():
        model = question.model
        rows.setdefault((model.tag, model.digest, model.server, answer.kind), []).append(answer)
    loads = Counter((load.digest, load.server) for load in store.loads())
    latest = {seen.model.tag: seen.model for seen in reversed(store.seen())}
    count, models = store.count(), len({(tag, digest) for tag, digest, _, _ in rows})
    print(f"{store.path}: {count} {'answer' if count == 1 else 'answers'} of {models} models")
    table = [("model", "digest", "server", "kind", "answers", "loads", "newest", "")]
    now = now_ms()
    for (tag, digest, server, kind), answers in sorted(rows.items()):
        replaced = "" if _is_latest(latest.get(tag), digest, server) else "replaced"
        newest = max(answer.measured_ts_ms for answer in answers)
        shown = (tag, digest[:_DIGEST_SHOWN], server, kind, str(len(answers)), str(loads[digest, server]))
        table.append((*shown, _age(now - newest), replaced))
    for line in _aligned(table):
        print(line)


def _is_latest(latest: ModelIdentity | None, digest: str, server: str) -> bool:
    return latest is None or (latest.digest, latest.server) == (digest, server)


def _age(ms: float) -> str:
    days = int(ms // _MS_PER_DAY)
    return "today" if days <= 0 else f"{days} {'day' if days == 1 else 'days'} ago"


def _aligned(table: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _export(store: AnswerStore, out: Path | None) -> None:
    from pytest_swarm.documents import write_text
    from pytest_swarm.errors import AnswersError
    from pytest_swarm.ollama.answers.answers_text import exported_lines

    if out is None:
        for line in exported_lines(store):
            print(line)
        return
    write_text(out, "".join(f"{line}\n" for line in exported_lines(store)), AnswersError)
    print(f"wrote {store.count()} answers to {out}", file=sys.stderr)


def _import(store: AnswerStore, options: argparse.Namespace) -> None:
    from pytest_swarm.calibration.cassette_answers import import_cassette
    from pytest_swarm.ollama.answers.answers_text import import_text, is_export
    from pytest_swarm.ollama.cassette.cassette_file import read_cassette

    for path in options.files:
        if is_export(path):
            print(f"{path}: {import_text(store, path)} new answers, {store.count()} in {store.path}")
            continue
        taken = import_cassette(store, read_cassette(path), server=options.server)
        left = f"; {taken.unknown_models} chats do not tell their model's digest" if taken.unknown_models else ""
        print(f"{path}: {taken.new} new answers, {store.count()} in {store.path}{left}")


def _prune(store: AnswerStore, host: str | None) -> None:
    """Remove the answers of digests that the server does not list."""
    import os

    from pytest_swarm.execution.server_models import installed_models
    from pytest_swarm.ollama.address import DEFAULT_HOST, base_url

    url = base_url(host or os.environ.get("OLLAMA_HOST", "").strip() or DEFAULT_HOST)
    there = {model.digest for model in installed_models(url, timeout_s=10.0)}
    known = {question.model.digest for question, _ in store.entries()} | {each.model.digest for each in store.seen()}
    gone = frozenset(known - there)
    removed = store.remove(gone)
    print(
        f"{store.path}: removed {removed} answers of {len(gone)} models that {url} does not have; {store.count()} left"
    )
