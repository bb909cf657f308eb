"""What mark-read selected, and what the simulated world says that it should have."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from readstate.simulator.seed.records import User
from readstate.simulator.server.server import RunningSimulator

Row = dict[str, Any]


OPEN = {"active", "inactive"}


class MarkReadOutput:
    """The JSON document of one run, and the rows of its plan."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.selection: dict[str, Any] = document["selection"]
        table = pq.read_table(Path(document["plan_dir"]) / "rows.parquet")
        self.rows: list[Row] = table.to_pylist()

    @property
    def changes(self) -> dict[tuple[str, str], Row]:
        """The rows that would be carried out."""
        return {key_of(row): row for row in self.rows if row["disposition"] == "update"}


def key_of(row: Row) -> tuple[str, str]:
    return row["user_sid"], row["conversation_sid"]


def world_rows(twilio: RunningSimulator) -> list[Row]:
    world, oracle = twilio.world, twilio.oracle
    users = [user for service, user in world.users() if service is world.default_service]
    return [row for user in users for row in oracle.user_conversations(world.default_service, user)]


def newest(twilio: RunningSimulator, row: Row) -> int | None:
    conversation = twilio.world.default_service.find_conversation(row["conversation_sid"])
    assert conversation is not None
    return conversation.messages.newest()


def unread(twilio: RunningSimulator, *, states: set[str] = OPEN) -> dict[tuple[str, str], Row]:
    """The rows that a plain mark-read is about."""
    return {
        key_of(row): row
        for row in world_rows(twilio)
        if row["conversation_state"] in states
        and row["last_read_message_index"] is not None
        and row["unread_messages_count"] != 0
    }


def plainly_named(twilio: RunningSimulator) -> list[User]:
    """The users whose identity needs no care, in the order of their SIDs."""
    return [user for user in twilio.world.default_service.users() if user.identity.startswith("user-")]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def requests(twilio: RunningSimulator, ending: str) -> int:
    return sum(count for (_, path, _), count in twilio.counters().answers.items() if path.endswith(ending))
