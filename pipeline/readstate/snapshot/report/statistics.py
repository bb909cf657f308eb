"""The statistics of a report. Each is an aggregation over a view, so memory does not grow with the snapshot."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from readstate.snapshot.query.catalog import Catalog

_READ_STATE = """
    count(*) FILTER (unread_messages_count = 0) AS read,
    count(*) FILTER (unread_messages_count > 0) AS unread,
    count(*) FILTER (unread_messages_count IS NULL) AS never_read,
    coalesce(sum(unread_messages_count), 0)::BIGINT AS unread_messages
"""

# Grouping all conversations of 10 million rows takes 1.7 GB, so only those up to some date are grouped: the oldest
# 10 000 rows hold ten conversations, since a conversation has 1000 members at most.
_UNREAD_COLUMNS = ("unread_messages_count", "conversation_state", "date_updated")
_UNREAD = "unread_messages_count > 0 AND conversation_state IS DISTINCT FROM 'closed' AND date_updated IS NOT NULL"
_OLDEST_MOMENT = f"""
    SELECT max(moment)
    FROM (SELECT epoch_us(date_updated) AS moment FROM narrow WHERE {_UNREAD} ORDER BY 1 LIMIT 10000)
"""  # noqa: S608 - constants
_STALEST_SIDS = f"""
    SELECT conversation_sid FROM narrow WHERE {_UNREAD} AND epoch_us(date_updated) <= ?
    GROUP BY conversation_sid ORDER BY min(date_updated), 1 LIMIT 10
"""  # noqa: S608 - constants
# A query of its own: in one query, DuckDB takes the snapshot for the small side of the join and keeps all of it.
_STALE_CONVERSATIONS = """
    SELECT conversation_sid, any_value(friendly_name), count(*), count(*) FILTER (unread_messages_count > 0),
        max(date_updated)::DATE
    FROM narrow WHERE conversation_sid IN ({places})
    GROUP BY conversation_sid ORDER BY max(date_updated), 1
"""

_MOST_UNREAD_COLUMNS = ("user_sid", "identity", "unread_messages_count", "unread_capped")
_MOST_UNREAD = """
    SELECT user_sid, any_value(identity), count(*) FILTER (unread_messages_count > 0),
        sum(unread_messages_count)::BIGINT, bool_or(unread_capped)
    FROM narrow GROUP BY user_sid
    HAVING sum(unread_messages_count) > 0
    ORDER BY 4 DESC, 1 LIMIT 10
"""

_AGES = """
    SELECT CASE WHEN date_updated IS NULL THEN 4 WHEN age <= 86400 THEN 0 WHEN age <= 604800 THEN 1
        WHEN age <= 2592000 THEN 2 ELSE 3 END, count(*)
    FROM (SELECT date_updated, ? - epoch(date_updated) AS age FROM narrow WHERE unread_messages_count > 0) GROUP BY 1
"""
_PER_USER = """
    SELECT count(*), count(*) FILTER (unread > 0), count(*) FILTER (unread >= 100), quantile_disc(unread, 0.5),
        quantile_disc(unread, 0.9), quantile_disc(unread, 0.99), max(unread)
    FROM (SELECT coalesce(sum(unread_messages_count), 0)::BIGINT AS unread FROM narrow GROUP BY user_sid)
"""

AGES = ("up to 24 hours", "up to 7 days", "up to 30 days", "older", "no date")
"""How long before the run an unread conversation was last updated; each without those before it."""

BUCKETS = ("never read", "0", "1", "2–9", "10–99", "100–999", "≥ 1000")
"""Ranges of unread counts; the last one is Twilio's cap."""


class ReadStates(Struct, frozen=True):
    """How many rows of one group are read, unread, or have no read horizon."""

    group: str
    read: int
    unread: int
    never_read: int
    unread_messages: int
    """A lower bound where a count is capped."""

    @property
    def rows(self) -> int:
        return self.read + self.unread + self.never_read


class StaleConversation(Struct, frozen=True):
    """A conversation with unread messages that has not been updated for a long time."""

    conversation_sid: str
    friendly_name: str | None
    members: int
    unread_members: int
    date_updated: date


class MostUnreadUser(Struct, frozen=True):
    """One of the users with the most unread messages."""

    user_sid: str
    identity: str | None
    unread_conversations: int
    unread_messages: int
    capped: bool
    """Whether one of the counts is capped, so that the sum is a lower bound."""


class UnreadPerUser(Struct, frozen=True):
    """How many unread messages the users have who are in any conversation."""

    users: int
    with_unread: int
    with_100: int
    """Users with 100 unread messages or more."""
    p50: int
    p90: int
    p99: int
    """99 of 100 users have no more."""
    maximum: int


class FailureKind(Struct, frozen=True):
    """The number of users that could not be read, by status and code."""

    status: int | None
    code: int | None
    users: int


class Statistics(Struct, frozen=True):
    """What a report shows about the rows of a snapshot."""

    by_state: Sequence[ReadStates]
    by_service: Sequence[ReadStates]
    by_day: Sequence[ReadStates]
    """One group for each snapshot up to the reported one, named by its date."""
    by_day_and_service: Sequence[tuple[str, ReadStates]]
    """The same with the SID of the service as the group, each with the date; empty where there is one service."""
    unread_ages: Sequence[int]
    """Unread rows in each of `AGES`."""
    per_user: UnreadPerUser | None
    """None where there is no row."""
    unread_counts: Sequence[int]
    """Rows in each of `BUCKETS`."""
    notification_levels: Sequence[tuple[str, int]]
    stale_conversations: Sequence[StaleConversation]
    most_unread_users: Sequence[MostUnreadUser]
    failures: Sequence[FailureKind]

    @property
    def all_rows(self) -> ReadStates:
        return ReadStates(
            "all",
            sum(group.read for group in self.by_state),
            sum(group.unread for group in self.by_state),
            sum(group.never_read for group in self.by_state),
            sum(group.unread_messages for group in self.by_state),
        )


def compute_statistics(catalog: Catalog, *, day: date) -> Statistics:
    """Return the statistics of the snapshot of *day*."""
    began = catalog.snapshot.manifest.started_at

    def narrow(query: str, *columns: str) -> list[tuple[Any, ...]]:
        return catalog.query_columns(query, columns=columns)

    buckets = dict(
        narrow(
            """
            SELECT CASE WHEN unread_messages_count IS NULL THEN 0 WHEN unread_messages_count = 0 THEN 1
                WHEN unread_messages_count = 1 THEN 2 WHEN unread_messages_count < 10 THEN 3
                WHEN unread_messages_count < 100 THEN 4 WHEN unread_messages_count < 1000 THEN 5 ELSE 6 END,
                count(*)
            FROM narrow GROUP BY 1
            """,
            "unread_messages_count",
        )
    )
    by_service = _read_states(
        narrow(_grouped("chat_service_sid", "narrow"), "chat_service_sid", "unread_messages_count")
    )
    by_day_and_service = _by_day_and_service(catalog, day) if len(by_service) > 1 else []
    ages = dict(catalog.query_columns(_AGES, [began.timestamp()], columns=("date_updated", "unread_messages_count")))
    (per_user,) = narrow(_PER_USER, "user_sid", "unread_messages_count")
    failures = catalog.connection.execute(
        "SELECT status, code, count(*) FROM failures GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    ).fetchall()
    return Statistics(
        by_state=_read_states(
            narrow(
                _grouped("coalesce(conversation_state, 'no state')", "narrow"),
                "conversation_state",
                "unread_messages_count",
            )
        ),
        by_service=by_service,
        by_day=_read_states(_by_day(catalog, day)),
        by_day_and_service=by_day_and_service,
        unread_ages=[ages.get(number, 0) for number in range(len(AGES))],
        per_user=UnreadPerUser(*per_user) if per_user[0] else None,
        unread_counts=[buckets.get(number, 0) for number in range(len(BUCKETS))],
        notification_levels=narrow(
            "SELECT coalesce(notification_level, 'no level'), count(*) FROM narrow GROUP BY 1 ORDER BY 1",
            "notification_level",
        ),
        stale_conversations=_stale_conversations(catalog),
        most_unread_users=[MostUnreadUser(*row) for row in narrow(_MOST_UNREAD, *_MOST_UNREAD_COLUMNS)],
        failures=[FailureKind(*row) for row in failures],
    )


def _by_day(catalog: Catalog, day: date) -> list[tuple[Any, ...]]:
    query = _grouped("snapshot_date::VARCHAR", "user_conversations_all", "WHERE snapshot_date <= ?")
    return catalog.connection.execute(query, [day]).fetchall()


def _by_day_and_service(catalog: Catalog, day: date) -> list[tuple[str, ReadStates]]:
    query = _grouped("snapshot_date::VARCHAR, chat_service_sid", "user_conversations_all", "WHERE snapshot_date <= ?")
    rows = catalog.connection.execute(query, [day]).fetchall()
    return [(day_of, ReadStates(*row)) for day_of, *row in rows]


def _stale_conversations(catalog: Catalog) -> list[StaleConversation]:
    old = catalog.query_columns(_OLDEST_MOMENT, columns=_UNREAD_COLUMNS)
    stalest = catalog.query_columns(_STALEST_SIDS, old[0], columns=(*_UNREAD_COLUMNS, "conversation_sid"))
    if not stalest:
        return []
    query = _STALE_CONVERSATIONS.format(places=", ".join("?" * len(stalest)))
    sids = [sid for (sid,) in stalest]
    columns = ("conversation_sid", "friendly_name", "unread_messages_count", "date_updated")
    return [StaleConversation(*row) for row in catalog.query_columns(query, sids, columns=columns)]


def _grouped(groups: str, view: str, where: str = "") -> str:
    return f"SELECT {groups}, {_READ_STATE} FROM {view} {where} GROUP BY ALL ORDER BY ALL"  # noqa: S608 - constants


def _read_states(rows: list[tuple[Any, ...]]) -> list[ReadStates]:
    return [ReadStates(*row) for row in rows]
