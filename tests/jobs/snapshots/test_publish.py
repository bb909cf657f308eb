import json

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import DAY, PUBLISH, ROOT, SHARD
from tests.helpers.exporting import assert_same, published_rows, world_rows


def test_all_shards_published_are_the_world_and_say_so_as_an_export_does(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    for shard in ("1/2", "2/2"):
        assert connected(*SHARD, shard, *DAY).code == ExitCode.DONE

    output = connected(*PUBLISH, "--json")

    assert output.code == ExitCode.DONE, output.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))
    assert output.document["already_published"] is False
    assert output.document["manifest"] == json.loads((ROOT / output.document["manifest_path"]).read_text())
    assert not (ROOT / "_staging").exists() or not any((ROOT / "_staging").iterdir())


def test_a_missing_shard_is_named_with_the_line_as_it_was_typed_for_the_others(connected: RunCommand) -> None:
    connected(*SHARD, "2/3", *DAY, "--service", "default", "--drop-pii")

    output = connected(*PUBLISH)

    assert output.code == ExitCode.GUARD_REFUSED
    assert "1/3, 3/3 not finished, of 3 shards: nothing published" in output.stderr
    for shard in ("1/3", "3/3"):
        line = (
            f"readstate export --out root --run nightly --service default --drop-pii --date 2024-11-23 --shard {shard}"
        )
        assert line in output.stderr


def test_publishing_wants_no_credentials_and_asks_nothing(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(*SHARD, "1/1", *DAY)
    asked = twilio.counters().requests
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name)

    assert connected(*PUBLISH).code == ExitCode.DONE
    assert twilio.counters().requests == asked


def test_too_many_failures_of_all_shards_are_published_as_incomplete_or_refused_by_choice(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    users = ROOT.parent / "users.txt"
    users.write_text("\n".join(user.sid for user in twilio.world.default_service.users()))
    twilio.faults = replace(twilio.faults, page_loop_share=1.0)
    for shard in ("1/2", "2/2"):
        output = connected(*SHARD, shard, *DAY, "--service", "default", "--users", str(users))
        assert output.code == ExitCode.DONE, "the whole is judged, not a shard"

    refused = connected(*PUBLISH, "--on-incomplete", "refuse", "--max-failed-users", "0")
    published = connected(*PUBLISH)

    assert refused.code == ExitCode.GUARD_REFUSED
    assert "again with --restart" in refused.stderr
    assert published.code == ExitCode.SOME_FAILED
