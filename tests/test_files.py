"""A file is replaced as a whole, and a lock has one holder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pytest_swarm.files import FileLock, MeasuredFile, check_not_measured, is_there, replacing, write_whole


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.txt", b"one")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"one"
    assert names_in(tmp_path / "new") == ["a.txt"]


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, b"old")

    def breaks() -> None:
        with replacing(path) as beside:
            beside.write_bytes(b"half of")
            assert path.read_bytes() == b"old"
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        breaks()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a.txt"]


def test_the_mode_of_a_file_and_a_link_to_it_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to("a.txt")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("beginning", "what"),
    [
        (b'{"event":"run_start","schema_version":1}\n', "the events of a run"),
        (b'\n {"event": "run_start"}\n', "the events of a run"),
        (b'{"cassette":1,"made_by":"pytest-swarm"}\n', "a recording"),
        (b"SQLite format 3\0\x10", "a store of answers"),
    ],
)
def test_what_was_measured_is_replaced_by_what_was_measured_alone(tmp_path: Path, beginning: bytes, what: str) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(beginning)
    link.symlink_to("a")
    for name in (path, link):
        with pytest.raises(OSError, match=f"it holds .*{what}, which nothing else replaces; name another file"):
            write_whole(name, b"a report")
    assert path.read_bytes() == beginning
    assert sorted(names_in(tmp_path)) == ["a", "link"]
    (like,) = (each for each in MeasuredFile if each.value[0].match(beginning))
    for other in set(MeasuredFile) - {like}:
        with pytest.raises(OSError, match=what):
            write_whole(path, b"measured too", measured=other)
    write_whole(path, b"newer", measured=like)
    assert path.read_bytes() == b"newer"
    check_not_measured(path)
    check_not_measured(tmp_path / "nothing")


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    """As /dev/stdout where the output goes into another program: what nobody writes would be waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    checked = threading.Thread(target=check_not_measured, args=(pipe,), daemon=True)
    checked.start()
    checked.join(20)
    assert not checked.is_alive()


def test_a_device_is_written_and_not_replaced() -> None:
    write_whole(Path(os.devnull), b"gone")
    assert not Path(os.devnull).is_file()


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"x")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"


def test_a_lock_has_one_holder_who_is_named(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.take()
    assert one.take(), "who has it may ask again"
    assert not two.take()
    holder = two.holder()
    assert holder is not None
    assert holder.pid == os.getpid()
    assert str(holder).startswith(f"process {os.getpid()} (since ")
    one.release()
    assert names_in(tmp_path) == []
    assert two.take()
    two.release()
    assert two.holder() is None


def test_a_lock_file_of_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"pid": 1, "machine": "gone", "since_s": 1e400}')
    lock = FileLock(tmp_path / "lock")
    assert lock.holder() is None
    assert lock.take()
    lock.release()


def test_what_may_not_be_seen_is_not_taken_for_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert is_there(tmp_path / "file")
    assert not is_there(tmp_path / "other")
    assert not is_there(tmp_path / "file" / "inside")

    def refused(_: Path) -> os.stat_result:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(PermissionError):
        is_there(tmp_path / "file")
