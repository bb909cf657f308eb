"""The log of every change that took effect, in order: what tests hold an apply against."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

EffectKind = Literal[
    "user.created", "user.updated", "user.deleted",
    "conversation.created", "conversation.updated", "conversation.deleted",
    "participant.added", "participant.updated", "participant.removed",
    "service.created", "service.deleted", "configuration.updated",
    "message.added", "message.updated", "message.deleted",
]  # fmt: skip
Fields = Mapping[str, str | int | bool | None]


class Effect(Struct, frozen=True, kw_only=True):
    """One change that took effect."""

    sequence: int
    at: float
    """Seconds since 1970."""
    kind: EffectKind
    actor: str
    """The request id of the request that did it, or "live client"."""
    chat_service_sid: str
    user_sid: str | None = None
    conversation_sid: str | None = None
    participant_sid: str | None = None
    before: Fields | None = None
    """The fields that changed, as they were; None when the thing did not exist."""
    after: Fields | None = None
    """The same fields as they are now; None when the thing is gone."""


class EffectLog(Struct):
    """Keeps effects in order and calls the listeners at each change."""

    now: Callable[[], float]
    effects: list[Effect] = field(default_factory=list)
    on_change: list[Callable[[], None]] = field(default_factory=list)

    def record(
        self,
        kind: EffectKind,
        *,
        actor: str,
        chat_service_sid: str,
        user_sid: str | None = None,
        conversation_sid: str | None = None,
        participant_sid: str | None = None,
        before: Fields | None = None,
        after: Fields | None = None,
    ) -> None:
        """Remember that something changed just now."""
        self.effects.append(
            Effect(
                sequence=len(self.effects),
                at=self.now(),
                kind=kind,
                actor=actor,
                chat_service_sid=chat_service_sid,
                user_sid=user_sid,
                conversation_sid=conversation_sid,
                participant_sid=participant_sid,
                before=before,
                after=after,
            )
        )
        for notify in self.on_change:
            notify()
