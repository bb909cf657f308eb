"""Exports while live clients move the rows of every list: is each row that existed throughout in the snapshot?

``python -m tests.soak.moving_lists [USERS] [CHECKOUT]``; 20 000 users by default, with up to 500 conversations each.
Ends with an error where a row is missing. CHECKOUT is another version of readstate, whose export is tried instead.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from readstate.simulator.api.behaviour import Behaviour, ConversationList, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.exporting import published_rows

_NEWEST_FIRST: dict[str, Any] = {"order": "updated", "direction": "desc"}
_ACCOUNTS = {
    "by SID": Behaviour(message_moves_date_updated="yes"),
    "newest first": Behaviour(
        users=OrderedList(**_NEWEST_FIRST),
        user_conversations=ConversationList(**_NEWEST_FIRST),
        message_moves_date_updated="yes",
        token_form="sort_key",
    ),
    "state, then newest first": Behaviour(
        user_conversations=ConversationList(**_NEWEST_FIRST, state_first="yes"), message_moves_date_updated="yes"
    ),
    "in no order": Behaviour(
        users=OrderedList(order="shuffled"),
        user_conversations=ConversationList(order="shuffled"),
        message_moves_date_updated="yes",
    ),
}
_LIVE = Faults(
    concurrency_cap=None, live_messages_per_second=100, live_user_updates_per_second=5, live_list_share=0.05
)  # fmt: skip


def main(users: int = 20_000, checkout: str = "") -> int:
    path = f"{checkout}/pipeline:{checkout}/jobs" if checkout else ""
    lost = 0
    for name, behaviour in _ACCOUNTS.items():
        shape = WorldShape(users=users, heaviest=500, conversations_per_user=8, odd_identities=0)
        with running(World(shape), behaviour=behaviour, faults=_LIVE) as twilio:
            lost += _try(name, twilio, path)
    return 1 if lost else 0


def _try(name: str, twilio: RunningSimulator, path: str) -> int:
    service = twilio.world.default_service
    expected = {
        (service.sid, user.sid, sid) for user in service.users() for sid, _ in service.conversations_of(user.number)
    }
    before, began = len(twilio.effects()), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        manifest = _export(twilio, Path(folder), path)
        published = published_rows(Path(folder) / "root").keys()
    lost, again = len(expected - published), manifest["requests"].get("reread_pages", 0)
    print(
        f"{name}: {lost} of {len(expected)} rows lost, complete: {manifest['complete']},"
        f" {len(twilio.effects()) - before} moves meanwhile, {twilio.counters().requests} requests,"
        f" {again} pages read again, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return lost


def _export(twilio: RunningSimulator, folder: Path, path: str) -> dict[str, Any]:
    account = twilio.credentials
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "READSTATE_BASE_URL": twilio.base_url,
        "READSTATE_WORK_DIR": str(folder / "work"),
    }
    words = [sys.executable, "-m", "readstate_jobs", "export", "--out", str(folder / "root"), "--json"]
    done = subprocess.run(words, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"the export ended with {done.returncode}")
    manifest: dict[str, Any] = json.loads(done.stdout)["manifest"]
    return manifest


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2]), *sys.argv[2:]))
