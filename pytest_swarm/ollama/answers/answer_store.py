"""The answer store as a file: a SQLite database in WAL mode, safe for several writers and for a process that is killed.

Each entry is written in a transaction of its own, under the digest of its content: what is there is never written
again, and nothing that was answered is lost. A text export can be opened as well, for reading.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pytest_swarm.codec import encode_line, to_json
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import AnswersError
from pytest_swarm.files import is_there
from pytest_swarm.ollama.answers.answer_codec import (
    ASKED,
    RESTORE,
    STORED_ANSWER,
    STORED_SAMPLE,
    VERSION,
    sample_key,
    sample_text,
)
from pytest_swarm.ollama.answers.database import connected, use_wal
from pytest_swarm.ollama.answers.questions import ModelIdentity, Question
from pytest_swarm.ollama.answers.stored_values import LoadSample, Sample, SpeedSample, StoredAnswer

_MAGIC: Final = b"SQLite format 3\x00"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, tag TEXT NOT NULL, digest TEXT NOT NULL, server TEXT NOT NULL, path TEXT NOT NULL,
    asked TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS samples (key TEXT PRIMARY KEY, digest TEXT NOT NULL, sample TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (
    tag TEXT NOT NULL, digest TEXT NOT NULL, server TEXT NOT NULL, name TEXT NOT NULL, seen_ts_ms REAL NOT NULL,
    PRIMARY KEY (tag, digest, server)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenModel:
    """A model that a server had under a tag, and when it was last seen there, in milliseconds since 1970."""

    model: ModelIdentity
    seen_ts_ms: float


def is_database(path: Path) -> bool:
    """Return whether a file is a database of SQLite; an empty one is, as SQLite itself has it."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise AnswersError(f"answers {path}: cannot be read: {error.strerror}; name another file") from error
    return head in (b"", _MAGIC)


class AnswerStore:
    """The answers and samples of one file.

    Args:
        path: The file; None keeps everything in memory.
        writable: Whether entries will be added; a missing file is then made.

    Raises:
        AnswersError: The file cannot be used.
    """

    def __init__(self, path: Path | None, *, writable: bool = True) -> None:
        self.path = path
        self._read: dict[str, StoredAnswer] = {}
        with self._checked(), ExitStack() as opened:  # a connection that stays open would lock the file
            self._database = self._open(opened, writable)
            self._check_version()
            if writable or path is None:
                self._prepare()
            opened.pop_all()

    def _open(self, opened: ExitStack, writable: bool) -> sqlite3.Connection:
        """Return the database; what is opened for it is closed by the stack."""
        if self.path is None:
            return opened.enter_context(connected(":memory:"))
        if is_there(self.path) and not self.path.is_file():
            raise AnswersError(f"answers {self.path}: is a folder or a device; name the file of a store")
        if not writable and not self.path.exists():
            raise AnswersError(f"answers {self.path}: there is no such file; measure first, or import an export")
        if not is_database(self.path):
            raise AnswersError(
                f"answers {self.path}: is no answer store; "
                "take an export into one with `python -m pytest_swarm answers import FILE`"
            )
        return opened.enter_context(connected(self.path)) if writable else self._open_to_read(opened)

    def _open_to_read(self, opened: ExitStack) -> sqlite3.Connection:
        """Open the file to read it; a folder that cannot be written needs `immutable`.

        A connection with `mode=ro` could not remove the files of WAL mode when it is closed.
        """
        assert self.path is not None, "only for a file"
        uri = self.path.absolute().as_uri()
        database = opened.enter_context(connected(f"{uri}?mode=rw"))
        try:
            database.execute("PRAGMA query_only = ON")
            database.execute("SELECT count(*) FROM answers").fetchone()
        except sqlite3.OperationalError:
            database.close()
            database = opened.enter_context(connected(f"{uri}?mode=ro&immutable=1"))
            database.execute("SELECT count(*) FROM answers").fetchone()
        return database

    def _check_version(self) -> None:
        found = self._database.execute("PRAGMA user_version").fetchone()[0]
        if found < 0:
            raise AnswersError(f"answers {self.path}: version {found} is unknown; {RESTORE}")
        if found > VERSION:
            raise AnswersError(f"answers {self.path}: version {found} is newer than {VERSION}; update pytest-swarm")

    def _prepare(self) -> None:
        """Set the mode of a store that is written, and make its tables where it lacks them."""
        use_wal(self._database)
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Turn errors of the database into a sentence."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise AnswersError(
                f"answers {self.path}: cannot be used ({' '.join(str(error).split())}); {RESTORE}"
            ) from error
        except UnicodeDecodeError as error:  # SQLite quotes what is damaged
            raise AnswersError(f"answers {self.path}: is damaged; {RESTORE}") from error
        except UnicodeEncodeError as error:  # JSON can hold one, and the database cannot
            raise AnswersError(
                f"answers {self.path}: the name of a model, a server or a key holds half a surrogate pair; correct it"
            ) from error

    # --- answers ---------------------------------------------------------------------------------------------

    def answer(self, question: Question) -> StoredAnswer | None:
        """Return the answer to a question; None if it was never asked."""
        with self._checked():
            row = self._database.execute("SELECT answer FROM answers WHERE key = ?", (question.key,)).fetchone()
        return None if row is None else self._stored(row[0], question.key)

    def add(self, question: Question, answer: StoredAnswer) -> bool:
        """Store an answer, and return whether the store has changed. Only an answer that was given up is replaced."""
        model = question.model
        row = (question.key, model.tag, model.digest, model.server, question.path)
        texts = (encode_line(dict(question.asked)), encode_line(to_json(answer)))
        with self._checked():
            done = self._database.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET answer = excluded.answer "
                "WHERE json_extract(answers.answer, '$.unanswered_s') < "
                "ifnull(json_extract(excluded.answer, '$.unanswered_s'), 1e99)",
                (*row, *texts),
            )
        self._read.pop(question.key, None)
        return done.rowcount > 0

    def entries(self) -> Iterator[tuple[Question, StoredAnswer]]:
        """Yield all questions with their answers, by tag, digest and key."""
        with self._checked():
            selected = self._database.execute(
                "SELECT key, tag, digest, server, path, asked, answer FROM answers ORDER BY tag, digest, server, key"
            )
            with closing(selected) as rows:  # one that is left half read would lock the file
                for key, tag, digest, server, path, asked, answer in rows:
                    where = self._where(key)
                    tag, digest, server, path, asked = self._texts(key, tag, digest, server, path, asked)
                    model = ModelIdentity(tag=tag, digest=digest, server=server)
                    question = Question(model=model, path=path, asked=ASKED.decode(asked, where=where))
                    yield question, self._stored(answer, key)

    def answers(self) -> Iterator[tuple[str, StoredAnswer]]:
        """Yield the digest of the model and the answer of all entries, by key; each is decoded once."""
        with self._checked():
            keys = self._database.execute("SELECT key, digest FROM answers ORDER BY key").fetchall()
            for key, digest in keys:
                if key not in self._read:
                    row = self._database.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
                    self._read[key] = self._stored(None if row is None else row[0], key)  # None: a damaged index
                yield digest, self._read[key]

    def count(self) -> int:
        """Return how many answers there are."""
        with self._checked():
            return int(self._database.execute("SELECT count(*) FROM answers").fetchone()[0])

    def known_keys(self, timeout_s: float, *, before_ms: float = math.inf) -> frozenset[str]:
        """Return the keys of the answers that need not be asked under a time limit: not those given up earlier.

        Args:
            timeout_s: The time limit of a call.
            before_ms: Only answers that were measured before this moment, in milliseconds since 1970.
        """
        with self._checked():
            rows = self._database.execute(
                "SELECT key FROM answers WHERE CASE WHEN json_valid(answer) "
                "THEN ifnull(json_extract(answer, '$.unanswered_s'), 1e99) >= ? "
                "AND json_extract(answer, '$.measured_ts_ms') < ? END",
                (timeout_s, before_ms),
            ).fetchall()
        return frozenset(key for (key,) in rows)

    # --- samples ---------------------------------------------------------------------------------------------

    def add_sample(self, sample: Sample) -> None:
        """Store a load or a speed; no effect on one that is there."""
        row = (sample_key(sample), sample.digest, sample_text(sample))
        with self._checked():
            self._database.execute("INSERT OR IGNORE INTO samples VALUES (?, ?, ?)", row)

    def samples(self) -> tuple[Sample, ...]:
        """Return all loads and speeds, by digest and time."""
        with self._checked():
            rows = self._database.execute("SELECT key, sample FROM samples").fetchall()
        found = (STORED_SAMPLE.decode(*self._texts(key, text), where=self._where(key)) for key, text in rows)
        return tuple(sorted(found, key=lambda sample: (sample.digest, sample.measured_ts_ms, sample_key(sample))))

    def loads(self) -> tuple[LoadSample, ...]:
        """Return all loads, by digest and time."""
        return tuple(sample for sample in self.samples() if isinstance(sample, LoadSample))

    def speeds(self) -> tuple[SpeedSample, ...]:
        """Return all speeds of several calls at once, by digest and time."""
        return tuple(sample for sample in self.samples() if isinstance(sample, SpeedSample))

    # --- models ----------------------------------------------------------------------------------------------

    def see(self, seen: SeenModel) -> None:
        """Note that a server has a model under a tag; the latest time counts."""
        model = seen.model
        row = (full_tag(model.tag), model.digest, model.server, model.tag, seen.seen_ts_ms)
        with self._checked():
            self._database.execute(
                "INSERT INTO models VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "seen_ts_ms = max(seen_ts_ms, excluded.seen_ts_ms)",
                row,
            )

    def seen(self) -> tuple[SeenModel, ...]:
        """Return the models that were seen, by tag, and the latest first."""
        with self._checked():
            rows = self._database.execute(
                "SELECT name, digest, server, seen_ts_ms FROM models ORDER BY tag, seen_ts_ms DESC, digest, server"
            ).fetchall()
        found: list[SeenModel] = []
        for *texts, seen_ts_ms in rows:
            name, digest, server = self._texts(texts[0], *texts)
            if not isinstance(seen_ts_ms, float):
                raise AnswersError(f"{self._where(name)}: is damaged: its time is no number; {RESTORE}")
            found.append(SeenModel(model=ModelIdentity(tag=name, digest=digest, server=server), seen_ts_ms=seen_ts_ms))
        return tuple(found)

    def remove(self, digests: frozenset[str]) -> int:
        """Remove the answers, samples and tags of models with these digests; return how many answers went."""
        before = self.count()
        with self._checked():
            for table in ("answers", "samples", "models"):
                rows = [(digest,) for digest in sorted(digests)]
                self._database.executemany(f"DELETE FROM {table} WHERE digest = ?", rows)
        self._read.clear()
        return before - self.count()

    # --- file ------------------------------------------------------------------------------------------------

    def _where(self, key: object) -> str:
        return f"answers {self.path}, entry {key!s:.12}"

    def _stored(self, answer: object, key: object) -> StoredAnswer:
        return STORED_ANSWER.decode(*self._texts(key, answer), where=self._where(key))

    def _texts(self, key: object, *values: object) -> tuple[str, ...]:
        """Return values as texts; AnswersError where one is none, as in a damaged file, whose columns keep no types."""
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            raise AnswersError(f"{self._where(key)}: is damaged: a value is no text; {RESTORE}")
        return texts

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
