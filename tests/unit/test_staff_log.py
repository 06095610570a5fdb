"""The log of staff: what is written is read again, whatever happened to the file in between."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runtime.staff_log import SHOWN, TAIL, Act, NotWritten, StaffLog


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can grow beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def an_act(note: str = "phoned") -> Act:
    return Act(who="ann", act="settle car", booking_id="trip-1", note=note)


@pytest.fixture
def log(tmp_path: Path) -> StaffLog:
    return StaffLog(tmp_path / "staff.log")


async def done(log: StaffLog, act: Act) -> None:
    async with log.recorded(act):
        pass


async def test_an_act_has_its_result(log: StaffLog) -> None:
    async with log.recorded(an_act()):
        [begun] = log.latest().acts
        assert (begun.note, begun.result) == ("phoned", None)
    [ended] = log.latest().acts
    assert (ended.note, ended.result) == ("phoned", "done")


async def test_an_act_that_failed_says_why(log: StaffLog) -> None:
    with pytest.raises(ValueError, match="stuck"):
        async with log.recorded(an_act()):
            raise ValueError("It is not stuck.")
    assert log.latest().acts[0].result == "failed: It is not stuck."


async def test_a_torn_line_is_left_alone_and_counted(log: StaffLog, tmp_path: Path) -> None:
    await done(log, an_act("first"))
    with (tmp_path / "staff.log").open("ab") as file:
        file.write(b'{"at": "2026-11-26T08:0')
    assert [act.note for act in log.latest().acts] == ["first"]
    await done(log, an_act("second"))
    found = log.latest()
    assert [act.note for act in found.acts] == ["second", "first"]
    assert found.unreadable == 1


async def test_a_line_of_another_encoding_is_counted(log: StaffLog, tmp_path: Path) -> None:
    await done(log, an_act())
    with (tmp_path / "staff.log").open("ab") as file:
        file.write(b"\xff\xfe\n[]\n\n")
    found = log.latest()
    assert len(found.acts) == 1
    assert found.unreadable == 2


async def test_what_is_not_on_the_disk_in_full_is_not_begun(log: StaffLog, tmp_path: Path) -> None:
    await done(log, an_act("first"))
    size = (tmp_path / "staff.log").stat().st_size
    begun = False
    with full_disk(size + 20), suppress(NotWritten):
        async with log.recorded(an_act("second")):
            begun = True
    assert not begun
    await done(log, an_act("third"))
    assert [act.note for act in log.latest().acts] == ["third", "first"]


async def test_only_the_tail_is_read(log: StaffLog, tmp_path: Path) -> None:
    with (tmp_path / "staff.log").open("wb") as file:
        file.truncate(1 << 34)  # it needs no place, and takes long to read
        file.seek(0, 2)
        file.write(b"\n")
    for number in range(SHOWN + 5):
        await done(log, an_act(f"{number} {'é' * 180}"))
    found = log.latest()
    assert [int(act.note.split()[0]) for act in found.acts] == list(range(SHOWN + 4, 4, -1))
    assert found.unreadable == 0
    assert (tmp_path / "staff.log").stat().st_size - (1 << 34) < TAIL


def test_without_a_file_there_are_no_acts(log: StaffLog) -> None:
    assert log.latest().acts == []


async def test_lines_from_before_acts_had_results_are_read(log: StaffLog, tmp_path: Path) -> None:
    line = '{"at":"2026-11-25T08:00:00Z","who":"ann","act":"cancel","booking_id":"trip-1"}\n'
    (tmp_path / "staff.log").write_text(line * 2)
    assert [act.result for act in log.latest().acts] == [None, None]
