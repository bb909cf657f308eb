"""One run and one root hold what one account has: another account, or another default service, is refused."""

from datetime import date

import msgspec
import pytest

from readstate.errors import ExitCode
from readstate.model.resources import User
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.manifest import RosterScope
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import Staging
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import export_workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import DAY, EXPORT, SHARD, WORK
from tests.helpers.snapshots import publish, row

OTHER, OTHER_DEFAULT = "AC" + "9" * 32, "IS" + "9" * 32


@pytest.mark.parametrize(
    ("begun_with", "words"),
    [({"account": OTHER}, f"account {OTHER}"), ({"default_service": OTHER_DEFAULT}, f"service {OTHER_DEFAULT}")],
)
def test_an_export_is_not_resumed_with_another_account(
    begun_with: dict[str, str], words: str, connected: RunCommand, twilio: RunningSimulator
) -> None:
    day = date.fromisoformat(DAY[1])
    with export_workspace(WORK, root="root", day=day) as workspace:
        checkpoint = Checkpoint(workspace.checkpoint)
        checkpoint.add_users("IS" + "0" * 32, [User(sid="US" + "0" * 32)], next_page=None)
        checkpoint.set(options=begun_with, run_id="r-1", started_at=f"{day}T00:00:00+00:00")
        checkpoint.close()

    output = connected(*EXPORT, "--service", "default")

    assert output.code == ExitCode.BAD_INPUT
    assert f"the unfinished export of {day} reads" in output.stderr
    assert words in output.stderr
    assert twilio.credentials.account_sid in output.stderr or twilio.world.default_service.sid in output.stderr
    assert "--restart" in output.stderr
    assert twilio.counters().requests == 1
    assert connected(*EXPORT, "--service", "default", "--restart").code == ExitCode.DONE


@pytest.mark.parametrize("again", [[], ["--again"]])
def test_a_root_takes_no_snapshot_of_another_account(
    again: list[str], connected: RunCommand, twilio: RunningSimulator
) -> None:
    day = date.fromisoformat(DAY[1]) if again else date(2020, 1, 1)
    publish("root", day, [row(1, 1)], account_sid=OTHER)

    output = connected(*EXPORT, *again)

    assert output.code == ExitCode.BAD_INPUT
    assert f"the snapshot of {day} is of account {OTHER}" in output.stderr
    assert twilio.credentials.account_sid in output.stderr
    assert [str(known) for known in open_store("root").dates()] == [str(day)]


def test_a_root_of_a_default_service_takes_no_other(connected: RunCommand, twilio: RunningSimulator) -> None:
    scope = RosterScope(("default",), default_service=OTHER_DEFAULT)
    publish("root", date(2020, 1, 1), [row(1, 1)], account_sid=twilio.credentials.account_sid, roster=scope)

    output = connected(*EXPORT, "--service", "default")

    assert output.code == ExitCode.BAD_INPUT
    assert f"is of the default service {OTHER_DEFAULT}" in output.stderr
    assert connected(*EXPORT).code == ExitCode.DONE, "where all services are read, the default is one of them"


def test_shards_of_two_accounts_are_refused_before_anything_is_read(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/2", *DAY)
    staging = Staging(open_store("root"), "nightly")
    known = staging.registered()[Shard(1, 2)]
    staging.register(Shard(1, 2), msgspec.structs.replace(known, options=known.options | {"account": OTHER}))

    output = connected(*SHARD, "2/2", *DAY)

    assert output.code == ExitCode.BAD_INPUT
    assert f"disagree about account: 1/2: {OTHER}; 2/2: {twilio.credentials.account_sid}" in output.stderr


def test_the_manifest_names_the_default_service_where_it_matters(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    default = connected(*EXPORT, "--service", "default", "--json").document["manifest"]["roster"]
    every = connected("export", "--out", "another", *DAY, "--json").document["manifest"]["roster"]

    assert default["default_service"] == twilio.world.default_service.sid
    assert every["default_service"] is None
