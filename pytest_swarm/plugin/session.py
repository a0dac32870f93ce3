"""SwarmSession: what a session is by its options alone. Its benchmarks, once collected, make a `PreparedRun`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.cases import Cases, is_swarm, key_of, lacking_budget, mode_of_id
from pytest_swarm.plugin.foreign_hooks import foreign_routers
from pytest_swarm.plugin.ini_file import ini_folder
from pytest_swarm.plugin.packed_reports import FORM, PACKED, PackedReports
from pytest_swarm.plugin.process import process_of
from pytest_swarm.plugin.session_inputs import Announcer, SessionInputs
from pytest_swarm.plugin.settings import Settings
from pytest_swarm.plugin.worker_messages import WorkerMessages
from pytest_swarm.routing.mode_table import ModeTable

if TYPE_CHECKING:
    from pytest_swarm.plugin.gate_session import Gating
    from pytest_swarm.plugin.prepared_run import PreparedRun
    from pytest_swarm.plugin.repeating import Repeating
    from pytest_swarm.plugin.run_lock import RunLock
    from pytest_swarm.routing.base import RouterFactory
    from pytest_swarm.routing.registry import ModeSpec

SESSION = pytest.StashKey["SwarmSession"]()
RUN = pytest.StashKey["PreparedRun"]()


def session_of(config: pytest.Config) -> SwarmSession:
    """The session's state, made when it is first needed; OptionError for an option that means nothing."""
    if SESSION not in config.stash:
        config.stash[SESSION] = SwarmSession(config, foreign_routers(config))
    return config.stash[SESSION]


class SwarmSession:
    """What a session is by its options: its inputs, which cases a benchmark is run as, and its gate.

    Args:
        config: The session's configuration.
        routers: The routers of third parties, by mode.

    Raises:
        OptionError: An option means nothing.
    """

    def __init__(self, config: pytest.Config, routers: Mapping[str, RouterFactory | ModeSpec]) -> None:
        self.config = config
        self.settings = Settings(config, modes=ModeTable(routers))
        self.process = process_of(config)
        announcer = Announcer(tell=self.tell, progress=self.tell, cost=lambda _, sentence: self.tell(sentence))
        if self.process.is_worker:
            messages = WorkerMessages(config, first=lambda: None if self.run is None else self.run.cost_sentence())
            config.pluginmanager.register(messages)
            if config.workerinput.get(PACKED) == FORM:  # type: ignore[attr-defined]  # xdist's
                config.pluginmanager.register(PackedReports())
            announcer = Announcer(tell=self.tell, progress=messages.send, cost=messages.send_cost)
        self.inputs = SessionInputs(
            settings=self.settings,
            routers=routers,
            process=self.process,
            folder=ini_folder(config),
            announcer=announcer,
        )
        self.cases = Cases(self.inputs)
        self.lost_tests: dict[str, None] = {}
        """The ids of the benchmarks that died with a worker of xdist, and that no other one ran."""
        self.failed: dict[str, None] = {}
        """The ids of the tests that failed."""
        self.lost_workers = 0
        self.workers: list[Any] = []  # of xdist, in their controller
        self._at_the_end = ExitStack()
        self._all_shards: tuple[pytest.Item, ...] | None = None
        self._topics: set[str] = set()

    @cached_property
    def lock(self) -> RunLock:
        """The lock of this run's folder, taken where an earlier run goes on; OptionError where there is none."""
        from pytest_swarm.plugin.resuming import resumed_lock
        from pytest_swarm.plugin.run_folder import REPORTS
        from pytest_swarm.plugin.run_lock import RunLock

        reports, resume = Path(self.config.rootpath) / REPORTS, self.settings.resume
        if resume is None or self.process.is_worker:
            lock = RunLock(self.process.resumed or reports / self.process.run_name)
        else:
            lock = resumed_lock(resume, reports)
        self._at_the_end.callback(lock.release)
        return lock

    def give_back(self) -> None:
        """Let other processes go on with this run."""
        self._at_the_end.close()

    def tell(self, sentence: str) -> None:
        """Show a sentence at once, past the capture of a test's output."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                if reporter._tw.width_of_current_line:  # with -q, dots have no line of their own to leave
                    reporter._tw.line()
                reporter.write_line(f"swarm: {sentence}")

    def tell_for_worker(self, sentence: str, topic: str | None) -> None:
        """In the controller of xdist: show a worker's sentence, unless another one was about the same."""
        if topic is None or topic not in self._topics:
            self.tell(sentence)
        if topic is not None:
            self._topics.add(topic)

    @cached_property
    def gating(self) -> Gating | None:
        """The gate; None where there is neither a baseline nor one to be written."""
        settings = self.settings.gating
        if settings.file is None:
            return None
        from pytest_swarm.plugin.gate_session import Gating  # only then, because it imports what judges a run

        return Gating(self.config, settings, sequential=self.settings.auto_repeat)

    @cached_property
    def repeating(self) -> Repeating | None:
        """What decides on further repeats; None where every repeat is run, as it is for a baseline."""
        if not self.settings.auto_repeat:
            return None
        if self.gating is None:
            raise OptionError("--swarm-repeat=auto goes on until the gate has decided: give --swarm-baseline=FILE")
        baseline = self.gating.baseline
        if baseline is None or self.gating.settings.update is not None:
            return None
        from pytest_swarm.plugin.repeating import Repeating  # it imports what judges a run, too

        return Repeating(baseline, self.settings.gating.rule)

    def note_whole(self, items: Iterable[pytest.Item]) -> None:
        """Keep what the whole run has, before the tests of other shards are left out."""
        if self.settings.shard is not None and not self.settings.skip:
            self._all_shards = tuple(items)

    @property
    def run(self) -> PreparedRun | None:
        """The run of the collected benchmarks; None where there is none, or they are only collected."""
        return self.config.stash.get(RUN, None)

    def prepare(self, items: Sequence[pytest.Item]) -> None:
        """Make the run of the benchmarks among the collected tests; a bad file or an absent server leaves none.

        What a test of another shard is refused for refuses this one, too, so that all shards end alike.
        """
        from pytest_swarm.plugin.collected import Collected
        from pytest_swarm.plugin.prepared_run import PreparedRun

        whole = items if self._all_shards is None else self._all_shards
        refused = next(filter(None, map(lacking_budget, whole)), None)
        if refused is not None:
            raise refused
        benchmarks = tuple(item for item in items if is_swarm(item))
        if not benchmarks:
            return
        self._take_rules(whole, own=frozenset(items))
        tests = {item.nodeid: key_of(item).mode for item in benchmarks}
        run = PreparedRun(self, Collected(tests=tests, whole=tuple(filter(is_swarm, whole)), items=benchmarks))
        with ExitStack() as undo:
            undo.callback(run.close)
            run.prepare()
            undo.pop_all()
        self.config.stash[RUN] = run

    def _take_rules(self, whole: Iterable[pytest.Item], *, own: Container[pytest.Item]) -> None:
        """Give the gate the rules of its own marked tests; a wrong one of any is an error, without a baseline too."""
        from pytest_swarm.plugin.gate_settings import check_rule, rule_of_marker

        for item in whole:
            rule = rule_of_marker(item, self.settings.gating.rule)
            if rule is not None:
                check_rule(rule, modes=self.inputs.modes, auto=self.settings.auto_repeat)
                if self.gating is not None and item in own:
                    self.gating.rules[str(rule.test)] = rule

    def follow_workers(self, node_ids: Sequence[str]) -> None:
        """In the controller of xdist: make the run of the benchmarks that its workers have collected, and prepare.

        Args:
            node_ids: The node IDs of all tests that it has collected.
        """
        from pytest_swarm.plugin.collected import Collected
        from pytest_swarm.plugin.prepared_run import PreparedRun

        modes = ((node_id, mode_of_id(node_id, self.inputs.modes)) for node_id in node_ids)
        tests = {node_id: mode for node_id, mode in modes if mode is not None}
        self.config.stash[RUN] = run = PreparedRun(self, Collected(tests=tests))
        run.follow_workers()

    @property
    def notes(self) -> list[str]:
        """Return a sentence for each benchmark that died with a worker of xdist."""
        return [
            f"a worker of xdist died; {node_id}, which it was running, is not in this run"
            for node_id in self.lost_tests
        ]
