"""What is left out of events.jsonl: lines that are not sound or contradict others, and the jobs that go with them."""

from __future__ import annotations

from collections.abc import Mapping, Set

from pytest_swarm.telemetry.open_job import OpenJob


class Damage:
    """The damaged lines of a file while it is read, the jobs that they cost, and whether these ran again."""

    def __init__(self) -> None:
        self._lines = 0
        self._first = ""  # the first damaged line, and what is wrong with it
        self._lost: dict[str, str | None] = {}  # case that a damaged line may belong to -> its job; None: no name left
        self._contradictory: set[str] = set()  # cases whose events contradict each other in this session
        self._goes_on = False  # whether a session behind the last damaged line collected all tests

    def take_unreadable(self, line: int, reason: str, *, running: Mapping[str, OpenJob]) -> None:
        """Take a line that is no event, with every job that runs there; nobody knows to which of them it belongs."""
        self._take(line, reason)
        self._lost |= {case: job.label for case, job in running.items()}

    def take_contradiction(self, line: int, reason: str, *, case: str, label: str | None) -> None:
        """Take an event that contradicts others, with its job, whose further events are passed over in this session.

        Args:
            line: The number of its line.
            reason: What it contradicts.
            case: The case that it names.
            label: What the job of the case is called; None where the file has none.
        """
        self._take(line, reason)
        self._contradictory.add(case)
        if label is not None:
            self._lost[case] = label

    def _take(self, line: int, reason: str) -> None:
        self._first = self._first or f"line {line}: {reason}"
        self._lines += 1
        self._goes_on = False

    def begin_session(self, *, has_all: bool) -> None:
        """Take that a session begins, and whether it collected all tests of those before."""
        self._goes_on |= bool(self._lines) and has_all
        self._contradictory.clear()

    def passes_over(self, case: str) -> bool:
        """Whether what happens to a case is left out until the next session."""
        return case in self._contradictory

    def explains(self, case: str) -> bool:
        """Whether damage explains an event of a case of which no job is open."""
        if self._lines:
            self._lost.setdefault(case, None)
        return bool(self._lines)

    def is_made_good(self, there: Set[str]) -> bool:
        """Whether a later session that came to its end has run what was lost, whatever the damaged lines were.

        Args:
            there: The cases that have a job.
        """
        return self._goes_on and self._lost.keys() <= there

    def sentences(self, there: Set[str], *, is_made_good: bool) -> tuple[str, ...]:
        """A sentence for the damaged lines and the jobs that were left out and not run again.

        Args:
            there: The cases that have a job, or one that runs.
            is_made_good: Whether a later session has run what was lost.
        """
        if not self._lines:
            return ()
        lost = [label for case, label in self._lost.items() if label is not None and case not in there]
        jobs = f", and with them {', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}" if lost else ""
        lines = "line" if self._lines == 1 else "lines"
        now = "what was missing ran later" if is_made_good else "go on with --swarm-resume to run what is missing"
        return (f"events.jsonl has {self._lines} damaged {lines} (first: {self._first}), left out{jobs}; {now}",)
