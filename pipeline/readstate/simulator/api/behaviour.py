"""What Twilio does where its documentation does not say: each unknown a named choice whose default is the likeliest."""

from typing import Annotated, Literal

import msgspec

TokenForm = Literal["json", "sort_key"]
Resource = Literal[
    "services", "configuration", "users", "user_conversations", "conversations", "participants", "messages",
    "participant_conversations",
]  # fmt: skip


class ListBehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one list is paged."""

    largest_page: Annotated[int, msgspec.Meta(ge=1)] = 50
    """The largest `PageSize` that is honoured."""
    token_form: TokenForm | None = None
    """The form of this list's tokens; None for that of the account's."""


class OrderedList(ListBehaviour, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list whose order is not documented."""

    order: Literal["sid", "created", "updated", "shuffled"] = "sid"
    """By SID, by a date and then SID, or in an order that means nothing. A row that is updated moves."""
    direction: Literal["asc", "desc"] = "asc"


class ConversationList(OrderedList, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of conversations."""

    state_first: Literal["no", "yes"] = "no"
    """Whether the state comes before the order above."""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the account responds; a client has to cope with every value of every field."""

    services: ListBehaviour = ListBehaviour(largest_page=100)
    users: OrderedList = OrderedList()
    user_conversations: ConversationList = ConversationList()
    conversations: ConversationList = ConversationList(largest_page=100)
    participants: OrderedList = OrderedList(largest_page=100)
    messages: ListBehaviour = ListBehaviour(largest_page=100)
    message_moves_date_updated: Literal["no", "yes"] = "no"
    """Whether a new message changes `date_updated` of its conversation."""
    token_form: TokenForm = "json"  # noqa: S105 - a choice, not a secret
    """What a `PageToken` is: base64 of JSON, or the sort key of a row."""
    next_page_url: Literal["token_first", "page_first", "token_only", "relative"] = "token_first"
    """Where `Page` stands in links to pages, and whether they have a host."""

    page_size_over_maximum: Literal["clamp", "reject"] = "clamp"
    """A `PageSize` above the maximum of the list: taken as the maximum, or 400/20007."""
    page_without_token: Literal["reject", "first_page", "by_number"] = "reject"  # noqa: S105 - a choice, not a secret
    """`Page` above 0 without `PageToken`: 400/70002, the first page again, or the page of that number."""
    null_index: Literal["clear", "reject"] = "clear"
    """`LastReadMessageIndex=null` clears the horizon, or is 400/50421."""
    empty_index: Literal["ignore", "clear", "reject"] = "ignore"
    """`LastReadMessageIndex=`, which is what official clients send for null, is ignored, clears the horizon, or is
    400/50421."""
    index_beyond_newest: Literal["accept", "reject"] = "accept"
    """An index that no message has reached yet: accepted, or 400/50421."""
    negative_index: Literal["reject", "accept"] = "reject"
    timestamp_alone: Literal["keeps_index", "reads_all"] = "keeps_index"
    """`LastReadTimestamp` without an index: only the timestamp moves, or the horizon goes to the newest message."""
    timestamp_with_index: Literal["now", "unchanged"] = "now"
    """What the timestamp becomes when only the index is sent."""
    closed_conversation: Literal["allow", "reject"] = "allow"
    """Updates and deletes of a user conversation that is closed: allowed, or 400/50377."""
    not_found_code: Literal["generic", "specific"] = "generic"
    """The code of a 404: always 20404, or 50200, 50350, 50430 by what is missing."""
    actions_per_second: int = 30
    """Changes per second and scope before 429; 0 for no limit."""
    actions_scope: Literal["service", "conversation"] = "service"
    """Whether all changes of a service are counted together, or those of a conversation and of what is in it apart."""
    actions_code: Literal[50063, 50074] = 50063
    empty_update: Literal["reject", "accept"] = "reject"
    """A form with no known field: 400/20161, or 200 and nothing changes."""
    horizon_moves_date_updated: Literal["no", "yes"] = "no"
    """Whether a read horizon that moves changes `date_updated` of the conversation."""
    own_messages: Literal["counted", "not_counted"] = "counted"
    """Whether a user's own messages count as unread."""
    encoded_slash: Literal["identity", "separator"] = "identity"
    """Whether `%2F` belongs to the identity, or splits the path (and so finds nothing)."""
    lost_characters: tuple[Annotated[str, msgspec.Meta(pattern="^(%[0-9A-F]{2}|beyond ASCII)$")], ...] = ()
    """Encoded characters that no path may hold: who has one in the identity is not found by it."""
    bearer_token: Literal["accepted", "refused"] = "accepted"  # noqa: S105 - a choice, not a secret
    second_delete: Literal["not_found", "no_content"] = "not_found"
    """Deleting what is already gone: 404, or 204 again."""
    forbidden: tuple[Resource | Literal["writes"], ...] = ()
    """What no credentials may do: requests for a resource, or all that write, are 403/70051."""
    request_id_header: Literal["sent", "absent"] = "sent"
    """`Twilio-Request-Id`."""
    concurrent_requests_header: Literal["sent", "absent"] = "sent"
    """`Twilio-Concurrent-Requests`."""
    compression: Literal["none", "gzip"] = "none"
    """Bodies for clients that accept gzip."""
    unread_lag_seconds: float = 0.0
    """For so long after a change the unread count is still the old one."""
