"""One page of UserConversations exactly as documented, as msgspec types."""

import msgspec

# Times stay text: Arrow turns a column of them into timestamps at a fraction of what datetime objects cost.
# gc=False: thousands of rows live at once and hold no cycles, so the garbage collector need not visit them.


class Timers(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """When a conversation becomes inactive and closes."""

    date_inactive: str | None = None
    date_closed: str | None = None


class Links(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Addresses of resources beside the row."""

    participant: str | None = None
    conversation: str | None = None


class Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One UserConversation; Twilio documents every field as nullable."""

    account_sid: str | None = None
    chat_service_sid: str | None = None
    conversation_sid: str | None = None
    unread_messages_count: int | None = None
    last_read_message_index: int | None = None
    participant_sid: str | None = None
    user_sid: str | None = None
    friendly_name: str | None = None
    conversation_state: str | None = None
    timers: Timers | None = None
    attributes: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    created_by: str | None = None
    notification_level: str | None = None
    unique_name: str | None = None
    url: str | None = None
    links: Links | None = None


class Meta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What a page says about itself."""

    page: int | None = None
    page_size: int | None = None
    first_page_url: str | None = None
    previous_page_url: str | None = None
    url: str | None = None
    next_page_url: str | None = None
    key: str | None = None


class Page(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The body of one answer."""

    conversations: list[Row]
    meta: Meta


NESTED: dict[str, type[Timers | Links]] = {"timers": Timers, "links": Links}
"""Objects inside a row; their fields are columns such as ``timers_date_closed``."""
