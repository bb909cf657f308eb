"""Twilio's resources as JSON text, field by field in Twilio's order, by templates: a page must cost microseconds."""

from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final, NamedTuple

from readstate.simulator.seed.records import Configuration, Conversation, Message, Participant, User
from readstate.simulator.world.service import Service

_EXTRA = ',"sim_extra_field":{"not":"in the description"}'


class UrlContext(NamedTuple):
    """What the URLs of a resource are made of: the account, the service, and one of the two families."""

    account_sid: str
    chat_service_sid: str
    prefix: str
    """`http://host/v1`, or `http://host/v1/Services/IS…`."""
    extra_fields: bool = False
    """Whether rows carry a field that the official description does not know."""


_MINUTES: Final = tuple(f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))
_SECONDS: Final = tuple(f"{second:02d}Z" for second in range(60))


@lru_cache(maxsize=20_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d")


def timestamp(seconds: int) -> str:
    """Write *seconds* since 1970 as Twilio does."""
    day, rest = divmod(seconds, 86_400)
    # Two dates a row, and most of a page's time if strftime wrote them.
    return _day(day) + _MINUTES[rest // 60] + _SECONDS[rest % 60]


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


def _when(seconds: int | None) -> str:
    return "null" if seconds is None else f'"{timestamp(seconds)}"'


def _number(number: int | None) -> str:
    return "null" if number is None else str(number)


def _truth(value: bool | None) -> str:  # noqa: FBT001 - a value to write, not a switch
    return "null" if value is None else "true" if value else "false"


def _service(urls: UrlContext) -> str:
    # Participants and messages name their service in one family only.
    return f'"chat_service_sid":"{urls.chat_service_sid}",' if "/Services/" in urls.prefix else ""


def _timers(conversation: Conversation) -> str:
    if conversation.date_inactive is None and conversation.date_closed is None:
        return "{}"
    timers = (("date_inactive", conversation.date_inactive), ("date_closed", conversation.date_closed))
    return "{" + ",".join(f'"{name}":"{timestamp(at)}"' for name, at in timers if at is not None) + "}"


def user_conversation(
    urls: UrlContext, user_sid: str, conversation: Conversation, participant: Participant, unread: int | None
) -> str:
    """Write the view over a membership and its conversation."""
    account_sid, service_sid, prefix, extra = urls
    # Unpacked at once: each name would be a lookup of its own.
    _, sid, friendly_name, unique_name, state, date_inactive, date_closed, attributes, author, created, updated, _ = (
        conversation
    )
    timers = "{}" if date_inactive is None and date_closed is None else _timers(conversation)
    horizon = participant.last_read_message_index
    return (
        f'{{"account_sid":"{account_sid}","chat_service_sid":"{service_sid}","conversation_sid":"{sid}",'
        f'"unread_messages_count":{"null" if unread is None else unread},'
        f'"last_read_message_index":{"null" if horizon is None else horizon},'
        f'"participant_sid":"{participant.sid}","user_sid":"{user_sid}",'
        f'"friendly_name":{"null" if friendly_name is None else encode_basestring(friendly_name)},'
        f'"conversation_state":"{state}","timers":{timers},"attributes":{encode_basestring(attributes)},'
        f'"date_created":"{timestamp(created)}","date_updated":"{timestamp(updated)}",'
        f'"created_by":{"null" if author is None else encode_basestring(author)},'
        f'"notification_level":"{participant.notification_level}",'
        f'"unique_name":{"null" if unique_name is None else encode_basestring(unique_name)},'
        f'"url":"{prefix}/Users/{user_sid}/Conversations/{sid}",'
        f'"links":{{"participant":"{prefix}/Conversations/{sid}/Participants/{participant.sid}",'
        f'"conversation":"{prefix}/Conversations/{sid}"}}{_EXTRA if extra else ""}}}'
    )


def user(urls: UrlContext, user: User) -> str:
    """Write a user."""
    url = f"{urls.prefix}/Users/{user.sid}"
    return (
        f'{{"sid":"{user.sid}","account_sid":"{urls.account_sid}","chat_service_sid":"{urls.chat_service_sid}",'
        f'"role_sid":"{user.role_sid}","identity":{encode_basestring(user.identity)},'
        f'"friendly_name":{_text(user.friendly_name)},"attributes":{encode_basestring(user.attributes)},'
        f'"is_online":{_truth(user.is_online)},"is_notifiable":{_truth(user.is_notifiable)},'
        f'"date_created":"{timestamp(user.date_created)}","date_updated":"{timestamp(user.date_updated)}",'
        f'"url":"{url}","links":{{"user_conversations":"{url}/Conversations"}}{_EXTRA if urls.extra_fields else ""}}}'
    )


def conversation(urls: UrlContext, conversation: Conversation) -> str:
    """Write a conversation."""
    url = f"{urls.prefix}/Conversations/{conversation.sid}"
    links = ",".join(f'"{name.lower()}":"{url}/{name}"' for name in ("Participants", "Messages", "Webhooks", "Export"))
    return (
        f'{{"account_sid":"{urls.account_sid}","chat_service_sid":"{urls.chat_service_sid}",'
        f'"messaging_service_sid":null,"sid":"{conversation.sid}","friendly_name":{_text(conversation.friendly_name)},'
        f'"unique_name":{_text(conversation.unique_name)},"attributes":{encode_basestring(conversation.attributes)},'
        f'"state":"{conversation.state}","date_created":"{timestamp(conversation.date_created)}",'
        f'"date_updated":"{timestamp(conversation.date_updated)}","timers":{_timers(conversation)},'
        f'"url":"{url}","links":{{{links}}},"bindings":null}}'
    )


def participant(urls: UrlContext, conversation_sid: str, identity: str, role_sid: str, participant: Participant) -> str:
    """Write a participant."""
    return (
        f'{{"account_sid":"{urls.account_sid}",{_service(urls)}"conversation_sid":"{conversation_sid}",'
        f'"sid":"{participant.sid}",'
        f'"identity":{encode_basestring(identity)},"attributes":{encode_basestring(participant.attributes)},'
        f'"messaging_binding":null,"role_sid":"{role_sid}","date_created":"{timestamp(participant.date_created)}",'
        f'"date_updated":"{timestamp(participant.date_updated)}",'
        f'"url":"{urls.prefix}/Conversations/{conversation_sid}/Participants/{participant.sid}",'
        f'"last_read_message_index":{_number(participant.last_read_message_index)},'
        f'"last_read_timestamp":{_when(participant.last_read_timestamp)}}}'
    )


def message(urls: UrlContext, conversation_sid: str, message: Message, participant_sid: str | None) -> str:
    """Write a message; *participant_sid* is its author's, None where that is no member."""
    url = f"{urls.prefix}/Conversations/{conversation_sid}/Messages/{message.sid}"
    return (
        f'{{"account_sid":"{urls.account_sid}",{_service(urls)}"conversation_sid":"{conversation_sid}",'
        f'"sid":"{message.sid}",'
        f'"index":{message.at},"author":{_text(message.author)},"body":{_text(message.body)},"media":null,'
        f'"attributes":{encode_basestring(message.attributes)},"participant_sid":{_text(participant_sid)},'
        f'"date_created":"{timestamp(message.date_created)}","date_updated":{_when(message.date_updated)},'
        f'"delivery":null,"url":"{url}","links":{{"delivery_receipts":"{url}/Receipts",'
        f'"channel_metadata":"{url}/ChannelMetadata"}},"content_sid":null}}'
    )


def service(base_url: str, account_sid: str, service: Service) -> str:
    """Write a chat service."""
    url = f"{base_url}/v1/Services/{service.sid}"
    links = ",".join(
        f'"{name}":"{url}/{path}"'
        for name, path in (
            ("conversations", "Conversations"),
            ("users", "Users"),
            ("roles", "Roles"),
            ("bindings", "Bindings"),
            ("configuration", "Configuration"),
            ("participant_conversations", "ParticipantConversations"),
            ("conversation_with_participants", "ConversationWithParticipants"),
        )
    )
    created = timestamp(service.date_created)
    return (
        f'{{"account_sid":"{account_sid}","sid":"{service.sid}","friendly_name":{_text(service.friendly_name)},'
        f'"date_created":"{created}","date_updated":"{created}","url":"{url}","links":{{{links}}}}}'
    )


def service_configuration(base_url: str, service: Service) -> str:
    """Write the configuration of a service."""
    url, role = f"{base_url}/v1/Services/{service.sid}/Configuration", service.seeded.role_sid
    return (
        f'{{"chat_service_sid":"{service.sid}","default_conversation_creator_role_sid":"{role}",'
        f'"default_conversation_role_sid":"{role}","default_chat_service_role_sid":"{role}","url":"{url}",'
        f'"links":{{"notifications":"{url}/Notifications","webhooks":"{url}/Webhooks"}},"reachability_enabled":false}}'
    )


def participant_conversation(urls: UrlContext, user: User, conversation: Conversation, participant: Participant) -> str:
    """Write the view over a membership and its conversation that is found by identity."""
    url = f"{urls.prefix}/Conversations/{conversation.sid}"
    return (
        f'{{"account_sid":"{urls.account_sid}","chat_service_sid":"{urls.chat_service_sid}",'
        f'"participant_sid":"{participant.sid}","participant_user_sid":"{user.sid}",'
        f'"participant_identity":{encode_basestring(user.identity)},"participant_messaging_binding":null,'
        f'"conversation_sid":"{conversation.sid}","conversation_unique_name":{_text(conversation.unique_name)},'
        f'"conversation_friendly_name":{_text(conversation.friendly_name)},'
        f'"conversation_attributes":{encode_basestring(conversation.attributes)},'
        f'"conversation_date_created":"{timestamp(conversation.date_created)}",'
        f'"conversation_date_updated":"{timestamp(conversation.date_updated)}",'
        f'"conversation_created_by":{_text(conversation.created_by)},"conversation_state":"{conversation.state}",'
        f'"conversation_timers":{_timers(conversation)},'
        f'"links":{{"participant":"{url}/Participants/{participant.sid}","conversation":"{url}"}}}}'
    )


def configuration(base_url: str, account_sid: str, default_service_sid: str, configuration: Configuration) -> str:
    """Write the account's configuration."""
    _, messaging_service_sid, inactive_timer, closed_timer = configuration
    return (
        f'{{"account_sid":"{account_sid}","default_chat_service_sid":"{default_service_sid}",'
        f'"default_messaging_service_sid":{_text(messaging_service_sid)},'
        f'"default_inactive_timer":{_text(inactive_timer)},"default_closed_timer":{_text(closed_timer)},'
        f'"url":"{base_url}/v1/Configuration","links":{{'
        f'"service":"{base_url}/v1/Services/{default_service_sid}/Configuration",'
        f'"webhooks":"{base_url}/v1/Configuration/Webhooks"}}}}'
    )
