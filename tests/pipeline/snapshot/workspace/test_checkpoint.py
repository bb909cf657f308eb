"""The checkpoint: who is done, and which parts count, whatever happens to the process."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import BadInput, Damaged
from readstate.model.resources import User
from readstate.snapshot.published.snapshot_store import KnownUser
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.checkpoint_rows import SealedPart
from readstate.snapshot.workspace.users import UserResult

SERVICE = "IS" + "0" * 32
AT = datetime(2026, 11, 23, tzinfo=UTC)


def user(number: int) -> User:
    return User(sid=f"US{number:032x}", identity=f"user {number}")


def opened(path: Path, *, users: int = 0) -> Checkpoint:
    checkpoint = Checkpoint(path / "checkpoint.sqlite")
    if users:
        checkpoint.add_service(SERVICE)
        checkpoint.add_users(SERVICE, [user(number) for number in range(users)], next_page=None)
    return checkpoint


def test_a_user_that_is_listed_twice_is_read_once(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, users=3)

    assert checkpoint.add_users(SERVICE, [user(2), user(3)], next_page=None) == 1
    assert len(checkpoint.claim(10)) == 4
    assert checkpoint.claim(10) == []


def test_the_longest_known_lists_are_claimed_first_and_the_rest_in_order_of_the_roster(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.preload_sizes([(SERVICE, user(2).sid, 900), (SERVICE, user(1).sid, 60)])
    checkpoint.add_users(SERVICE, [user(number) for number in range(4)], next_page=None)

    assert [taken.user_sid for taken in checkpoint.claim(10)] == [user(number).sid for number in (2, 1, 0, 3)]


def test_preloaded_users_are_claimed_before_they_are_listed_and_once(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    assert checkpoint.preload_users([KnownUser(SERVICE, user(1).sid, user(1).identity, 70)]) == 1

    assert [taken.user_sid for taken in checkpoint.claim(10)] == [user(1).sid]
    assert checkpoint.add_users(SERVICE, [user(0), user(1)], next_page=None) == 1
    assert [taken.user_sid for taken in checkpoint.claim(10)] == [user(0).sid]


def test_what_the_list_says_of_a_preloaded_user_is_kept(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.preload_users([KnownUser(SERVICE, user(1).sid, user(1).identity, 70)])
    checkpoint.add_users(SERVICE, [user(1)], next_page=None)

    (kept,) = checkpoint.users()
    assert kept.resource == user(1)


def test_only_those_who_are_gone_and_were_never_listed_are_dropped(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.preload_users(KnownUser(SERVICE, user(number).sid, None, 1) for number in range(3))
    checkpoint.add_users(SERVICE, [user(1), user(3)], next_page=None)
    ends: dict[str, Literal["vanished", "read"]] = {
        user(0).sid: "vanished", user(1).sid: "vanished", user(2).sid: "read", user(3).sid: "vanished"
    }  # fmt: skip
    checkpoint.commit(None, [UserResult(taken.id, ends[taken.user_sid], 0, AT) for taken in checkpoint.claim(10)])

    checkpoint.delete_vanished()

    assert {row.sid for row in checkpoint.users()} == {user(1).sid, user(2).sid, user(3).sid}


def test_users_that_failed_are_tried_again_after_a_restart(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, users=1)
    (taken,) = checkpoint.claim(1)
    checkpoint.commit(None, [UserResult(taken.id, "failed", None, AT, "status 500", 500)])
    assert checkpoint.progress().failed == 1
    checkpoint.close()

    assert opened(tmp_path).claim(1) == [taken]


def test_progress_counts_every_user_once(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, users=4)
    first, second, third, _ = checkpoint.claim(4)
    checkpoint.commit(
        SealedPart("part", 7),
        [
            UserResult(first.id, "read", 7, AT),
            UserResult(second.id, "vanished", None, AT),
            UserResult(third.id, "failed", None, AT, "no"),
        ],
    )

    progress = checkpoint.progress()

    assert (progress.listed, progress.read, progress.vanished, progress.failed, progress.rows) == (4, 1, 1, 1, 7)


def test_the_place_in_the_list_of_users_survives(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.add_service(SERVICE)
    checkpoint.add_users(SERVICE, [user(0)], next_page='"the next page"')
    assert checkpoint.unlisted_services(str) == [(SERVICE, "the next page")]

    checkpoint.add_users(SERVICE, [user(1)], next_page=None)

    assert checkpoint.unlisted_services(str) == []


def test_a_settlement_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, users=1)
    (taken,) = checkpoint.claim(1)

    def results() -> object:
        yield UserResult(taken.id, "read", 1, AT)
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        checkpoint.commit(SealedPart("part", 1), results())  # type: ignore[arg-type]

    assert checkpoint.parts() == []
    assert checkpoint.progress().read == 0


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_checkpoint_of_another_version_is_refused_in_words_and_left_unchanged(tmp_path: Path, version: int) -> None:
    opened(tmp_path, users=1).close()
    file = tmp_path / "checkpoint.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("ALTER TABLE user DROP COLUMN listed")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = file.read_bytes()

    with pytest.raises(BadInput, match=r"checkpoint\.sqlite.* another version of readstate\n.*--restart"):
        opened(tmp_path)

    assert file.read_bytes() == before


def test_a_file_that_was_made_and_not_filled_is_begun_anew(tmp_path: Path) -> None:
    """As a kill leaves it right after the file was made."""
    connection = sqlite3.connect(tmp_path / "checkpoint.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()

    assert not opened(tmp_path).knows_users()


def test_a_damaged_file_is_named_and_the_way_out_too(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.sqlite"
    path.write_bytes(b"this is not a database, whatever its name says " * 100)

    with pytest.raises(Damaged, match=r"checkpoint\.sqlite: the checkpoint is damaged.*\n.*--restart"):
        Checkpoint(path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run SET value = '{'",
        "UPDATE run SET value = X'FF'",
        "DELETE FROM run",
        "UPDATE user SET resource = '[]'",
        "UPDATE user SET at = 'noon'",
        "UPDATE user SET status = CAST(X'FF' AS TEXT)",
        "UPDATE user SET state = 'gone'",
        "UPDATE user SET sid = id || X'FF'",
        "UPDATE service SET next_page = 'no JSON', listed = 0",
        "UPDATE part SET name = '../../other'",
        "UPDATE part SET rows = 'many'",
        "DROP TABLE part",
    ],
)
def test_a_value_that_nobody_wrote_is_damage(damage: str, tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, users=2)
    checkpoint.add_service(SERVICE)
    checkpoint.set(run_id="r-1")
    (taken,) = checkpoint.claim(1)
    checkpoint.commit(SealedPart("part", 1), [UserResult(taken.id, "read", 1, AT)])
    with pytest.raises(Damaged, match=r"the checkpoint is damaged.*\n.*--restart"):
        try:
            checkpoint._connection.executescript(damage)
        finally:
            checkpoint.close()
        checkpoint = Checkpoint(tmp_path / "checkpoint.sqlite")
        checkpoint.require("run_id", str)
        checkpoint.parts()
        checkpoint.progress()
        checkpoint.unlisted_services(str)
        checkpoint.claim(1)
        list(checkpoint.users())


@given(data=st.data())
def test_whatever_prefix_of_the_work_was_committed_replay_gives_each_user_once(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Take and settle in random groups, and lose the process between any two steps."""
    folder = tmp_path_factory.mktemp("replay")
    total = data.draw(st.integers(1, 30))
    rows: dict[int, int] = {}
    checkpoint = opened(folder, users=total)
    while True:
        taken = checkpoint.claim(data.draw(st.integers(1, 12)))
        if not taken:
            break
        if data.draw(st.booleans()):
            checkpoint.close()
            checkpoint = opened(folder)
            continue
        results = [UserResult(user.id, "read", user.id % 4, AT) for user in taken]
        part = SealedPart(f"part {len(checkpoint.parts())}", sum(result.rows or 0 for result in results))
        checkpoint.commit(part, results)
        for result in results:
            assert result.id not in rows, "a user was handed out again after it was settled"
            rows[result.id] = result.rows or 0

    progress = checkpoint.progress()
    assert progress.read == progress.listed == total
    assert progress.rows == sum(rows.values())


def test_what_was_settled_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from tests.pipeline.snapshot.workspace.test_checkpoint import *;"
        "checkpoint = opened(Path(sys.argv[1]), users=5);"
        "taken = checkpoint.claim(2);"
        "checkpoint.commit(SealedPart('part', 2), [UserResult(user.id, 'read', 1, AT) for user in taken]);"
        "checkpoint.claim(2);"
        "print('settled', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"settled\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    again = opened(tmp_path)

    assert again.progress().read == 2
    assert len(again.claim(10)) == 3


def test_the_checkpoint_holds_no_more_than_the_schema_says(tmp_path: Path) -> None:
    """Personal data of users lies in one table; a new table needs a thought about retention."""
    checkpoint = opened(tmp_path, users=1)
    checkpoint.close()

    tables = sqlite3.connect(tmp_path / "checkpoint.sqlite").execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    )

    assert [name for (name,) in tables] == ["known_size", "part", "run", "service", "user"]
