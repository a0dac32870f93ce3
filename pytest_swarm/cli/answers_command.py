"""`answers list|export|import|prune`: what an answer store holds, its text form, and what can go."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.ollama.address import DEFAULT_IN_WORDS, host_of_command
from pytest_swarm.report.text_table import aligned
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from pytest_swarm.ollama.answers.answer_store import AnswerStore
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
    export.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: -, standard output)")
    taking = actions.add_parser("import", parents=[store], help="take in exports, other stores and cassettes")
    taking.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="an export, a store, or a cassette of a real server"
    )
    taking.add_argument("--server", metavar="VERSION", help="version of the recorded server, for cassettes without one")
    prune = actions.add_parser("prune", parents=[store], help="remove what no model of the server has any more")
    prune.add_argument("--host", metavar="URL", help=f"the server (default: {DEFAULT_IN_WORDS})")


def run(options: argparse.Namespace) -> int:
    """Carry out one action; raise SwarmError for a file or a server that cannot be used."""
    from pytest_swarm.ollama.answers.answers_export import open_answers

    if options.action == "import":
        _import(options)
        return 0
    writes = options.action == "prune"
    if writes:
        open_answers(options.answers, writable=False).close()  # a missing file is an error here, not a new store
    with open_answers(options.answers, writable=writes) as store:
        if options.action == "list":
            _list(store)
        elif options.action == "export":
            _export(store, options.out)
        else:
            _prune(store, options.host)
    return 0


def _list(store: AnswerStore) -> None:
    """Print one row for each model and kind of question, and one for the loads of each model."""
    from pytest_swarm.units import now_ms

    rows: dict[tuple[str, str, str, str], list[StoredAnswer]] = {}
    for question, answer in store.entries():
        model = question.model
        rows.setdefault((model.tag, model.digest, model.server, answer.kind), []).append(answer)
    loads = Counter((load.digest, load.server) for load in store.loads())
    latest = {seen.model.tag: seen.model for seen in reversed(store.seen())}
    count, models = store.count(), len({(tag, digest) for tag, digest, _, _ in rows})
    print(f"{store.path}: {plural(count, 'answer')} of {plural(models, 'model')}")
    table = [("model", "digest", "server", "kind", "answers", "loads", "newest", "")]
    now = now_ms()
    for (tag, digest, server, kind), answers in sorted(rows.items()):
        last = latest.get(tag)
        replaced = "" if last is None or (last.digest, last.server) == (digest, server) else "replaced"
        newest = max(answer.measured_ts_ms for answer in answers)
        shown = (tag, digest[:_DIGEST_SHOWN], server, kind, str(len(answers)), str(loads[digest, server]))
        table.append((*shown, _age(now - newest), replaced))
    for line in aligned(table, left=len(table[0])) if rows else ():
        print(line)


def _age(ms: float) -> str:
    days = int(ms // _MS_PER_DAY)
    return "today" if days <= 0 else f"{plural(days, 'day')} ago"


def _export(store: AnswerStore, out: Path | None) -> None:
    from pytest_swarm.documents import write_text
    from pytest_swarm.errors import AnswersError
    from pytest_swarm.ollama.answers.answers_export import exported_lines

    if out is None or str(out) == "-":
        for line in exported_lines(store):
            print(line)
        return
    write_text(out, "".join(f"{line}\n" for line in exported_lines(store)), AnswersError)
    print(f"wrote {plural(store.count(), 'answer')} to {out}", file=sys.stderr)
    print(f"next: pytest --swarm-backend=measure --swarm-offline --swarm-answers={out}", file=sys.stderr)


def _import(options: argparse.Namespace) -> None:
    """Read all files, then add what they hold; a file that cannot be read leaves the store as it was."""
    from pytest_swarm.ollama.answers.answers_export import exported_lines, open_answers, take_lines

    with ExitStack() as opened:
        read = [(path, *_read(path, opened, server=options.server)) for path in options.files]
        store = opened.enter_context(open_answers(options.answers, writable=True))
        for path, taken, left in read:
            new = take_lines(store, map(str.encode, exported_lines(taken)), name=str(path))
            print(f"{path}: {plural(new, 'new answer')}, {store.count()} in {store.path}{left}")
        print(f"next: pytest --swarm-backend=measure --swarm-offline --swarm-answers={store.path}")


def _read(path: Path, opened: ExitStack, *, server: str | None) -> tuple[AnswerStore, str]:
    """Return the answers of an export, a store or a cassette, and what is to be said of those that are left out.

    Args:
        path: The file.
        opened: Closes the answers.
        server: Version of the recorded server, where a cassette does not tell it.
    """
    from pytest_swarm.calibration.cassette_answers import import_cassette
    from pytest_swarm.errors import AnswersError
    from pytest_swarm.files import is_there
    from pytest_swarm.ollama.answers.answer_store import AnswerStore, is_database
    from pytest_swarm.ollama.answers.answers_export import is_export, open_answers
    from pytest_swarm.ollama.cassette.cassette_file import is_cassette, read_cassette

    if not path.is_file():
        what = "is no file" if is_there(path) else "there is no such file"
        raise AnswersError(f"answers import: {path}: {what}; give an export, a store or a cassette")
    if is_export(path) or (is_database(path) and path.stat().st_size):
        return opened.enter_context(open_answers(path, writable=False)), ""
    if not is_cassette(path):
        raise AnswersError(
            f"answers import: {path}: is no export of answers, no answer store and no cassette; "
            "`answers export` and --swarm-backend=record write what can be taken in"
        )
    cassette = read_cassette(path)
    store = opened.enter_context(AnswerStore(None))
    unknown = import_cassette(store, cassette, server=server)
    remarks = [*cassette.notes, *([f"{plural(unknown, 'chat')} without the digest of the model"] if unknown else [])]
    return store, "".join(f"; {remark}" for remark in remarks)


def _prune(store: AnswerStore, host: str | None) -> None:
    """Remove the answers of digests that the server does not list."""
    from pytest_swarm.execution.server_models import installed_models

    url = host_of_command(host)
    there = {model.digest for model in installed_models(url, timeout_s=10.0)}
    known = {question.model.digest for question, _ in store.entries()} | {each.model.digest for each in store.seen()}
    gone = frozenset(known - there)
    removed = store.remove(gone)
    of_models = f"{plural(removed, 'answer')} of {plural(len(gone), 'model')}"
    print(f"{store.path}: removed {of_models} that {url} does not have; {store.count():,} left")
