"""Under xdist the cases of a workflow go to one worker."""

from __future__ import annotations

import pytest

pytest.importorskip("xdist")

from pytest_swarm.plugin.cases import mode_of_id, workflow_of_id
from pytest_swarm.plugin.scheduling import WorkflowScheduling
from pytest_swarm.routing.mode_table import ModeTable
from tests.plugin.conftest import Reports


@pytest.mark.parametrize(
    ("node_id", "mode", "workflow"),
    [
        ("a/test_x.py::test_x[lp-h0-8GB-invoice]", "lp", "a/test_x.py::test_x[-invoice]"),
        ("test_x.py::test_x[single:qwen2.5-coder:7b-flat-7.5GB]", "single:qwen2.5-coder:7b", "test_x.py::test_x[]"),
        ("test_x.py::test_x[milp-h3-8GB-t0.25-r2-a-h1-9GB]", "milp", "test_x.py::test_x[-a-h1-9GB]"),
        ("test_x.py::test_x[milp-h3-8GB-t1e-05-r12]", "milp", "test_x.py::test_x[]"),
        (
            "a[1]/test_x.py::TestX::test_x[policy:p[2].json-h3-8GB]",
            "policy:p[2].json",
            "a[1]/test_x.py::TestX::test_x[]",
        ),
        ("test_x.py::test_like[a [lp-h0-8GB]]", None, "test_x.py::test_like[]]"),
        ("test_x.py::test_plain[h1-8]", None, "test_x.py::test_plain[h1-8]"),
        ("test_x.py::test_plain", None, "test_x.py::test_plain"),
    ],
)
def test_a_workflow_is_the_test_without_its_case(node_id: str, mode: str | None, workflow: str) -> None:
    assert (mode_of_id(node_id, ModeTable({})), workflow_of_id(node_id)) == (mode, workflow)


class Worker:
    """A worker that takes tests."""

    shutting_down = False

    def __init__(self) -> None:
        self.chunks: list[list[int]] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        """Take a chunk."""
        self.chunks.append(indices)


class KilledWorker(Worker):
    """A worker that was killed before its controller heard of it."""

    def send_runtest_some(self, indices: list[int]) -> None:
        """Fail as execnet does."""
        raise OSError(f"cannot send {indices} (already closed?)")


class TwoWorkers:
    """The configuration of a session with -n2."""

    def getvalue(self, _: str) -> list[str]:
        """Return the workers."""
        return ["2*popen"]

    def getoption(self, _: str) -> None:
        """Return no limit of chunks."""


def scheduling(names: list[str], workers: int = 2) -> tuple[WorkflowScheduling, list[Worker]]:
    made = WorkflowScheduling(TwoWorkers())
    nodes = [Worker() for _ in range(workers)]
    made.collection, made.pending = names, list(range(len(names)))
    made.node2pending = {node: [] for node in nodes}
    return made, nodes


def names_of(workflows: int, modes: tuple[str, ...] = ("lp", "milp", "greedy")) -> list[str]:
    return [f"t.py::test_x[{mode}-h0-8GB-{number}]" for number in range(workflows) for mode in modes]


@pytest.mark.parametrize(("num", "sent"), [(1, 3), (2, 3), (3, 3), (7, 9)])
def test_a_chunk_ends_where_a_workflow_does(num: int, sent: int) -> None:
    made, (worker, _) = scheduling(names_of(20))
    made._send_tests(worker, num)
    assert worker.chunks == [list(range(sent))]
    assert made.pending == list(range(sent, 60))


def test_one_workflow_of_many_cases_is_shared_by_all_workers() -> None:
    made, (worker, _) = scheduling(names_of(1, tuple(f"single:m{n}" for n in range(40))))
    made._send_tests(worker, 4)
    assert worker.chunks == [list(range(4 + 40 // 8))]


def test_each_workflow_is_run_by_one_worker_in_a_row(suite: pytest.Pytester, reports: Reports) -> None:
    suite.makepyfile(
        test_many="""
        import os
        import pytest
        from pytest_swarm import Task, TaskGraph

        @pytest.mark.parametrize("number", range(12))
        def test_many(swarm_run, number):
            name = f"w{number:02d}-{os.environ['PYTEST_XDIST_WORKER']}"
            swarm_run(TaskGraph(name=name, tasks=(Task(id="a", type="math", prompt="1 + 1?", estimated_tokens=9),)))
        """
    )
    result = suite.runpytest("-n2", "test_many.py", "--swarm-compare=milp,greedy,random")
    result.assert_outcomes(passed=36)
    jobs = {case["job"] for case in reports.report["cases"]}
    assert len(jobs) == 12, "no workflow was run by two workers"
    assert {name.partition("-")[2] for name in jobs} == {"gw0", "gw1"}


def test_what_is_sent_to_a_killed_worker_goes_to_the_other_one() -> None:
    names = names_of(2)
    made, (worker, _) = scheduling(names)
    killed = KilledWorker()
    made.maxschedchunk = len(names)
    made.node2pending = {worker: [], killed: []}

    made._send_tests(killed, 3)

    assert made.pending == [3, 4, 5]
    assert made.remove_node(killed) == names[0]  # the test in hand, for which xdist reports a crash
    assert sorted(sum(worker.chunks, made.pending)) == [1, 2, 3, 4, 5]
