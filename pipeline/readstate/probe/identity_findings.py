"""Which reserved characters an account finds in an encoded identity, and by which identities that is asked. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, unquote

from readstate.errors import BadInput
from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding
from readstate.twilio.http.request import segment

_SLASH: Final = "%2F"
_FOREIGN: Final = "beyond ASCII"
_HAZARDS: Final = frozenset({_SLASH, "%3F", "%23", "%25", "%2B", "%20", _FOREIGN})
"""Asked for first: they end a path, or are known to be decoded twice, or in more than one way."""


def telling_identities(identities: Iterable[str], *, most: int) -> list[str]:
    """Return at most *most* identities that hold every reserved character once, each with few others beside it."""
    found: dict[str, str] = {}
    for identity in sorted(filter(_can_be_asked, identities), key=lambda text: (len(_reserved(text)), text)):
        for character in _reserved(identity):
            found.setdefault(character, identity)
    ordered = sorted(found, key=lambda character: (character not in _HAZARDS, character))
    return list(dict.fromkeys(found[character] for character in ordered))[:most]


def identity_findings(asked: Sequence[Exchange]) -> Iterator[Finding]:
    """Decide what the answers for encoded identities say: about the slash, and about all other characters."""
    asked = [exchange for exchange in asked if exchange.status in {200, 400, 404}]
    found = {character for exchange in asked if _is_found(exchange) for character in _of(exchange)}
    missed = [exchange for exchange in asked if not _is_found(exchange)]
    lost: dict[str, str] = {}
    for exchange in sorted(missed, key=lambda exchange: len(_of(exchange) - found)):
        # A character that is lost by itself explains the loss of an identity that holds others too.
        if not _of(exchange) & lost.keys():
            outcome = "another user" if exchange.status == 200 else exchange.outcome
            lost |= dict.fromkeys(_of(exchange) - found, outcome)
    for subject, characters in (
        ("%2F in an identity", {_SLASH}),
        ("other characters in an identity", (found | lost.keys()) - {_SLASH}),
    ):
        seen = {character: lost.get(character, "200") for character in sorted(characters & (found | lost.keys()))}
        if seen:
            yield _finding(subject, seen)


def _finding(subject: str, seen: dict[str, str]) -> Finding:
    lost = [character for character, outcome in seen.items() if outcome != "200"]
    others = [character for character in lost if character != _SLASH]
    separator = {"encoded_slash": "separator"} if _SLASH in lost else {}
    return Finding(
        subject=subject,
        assumed="200",
        seen=", ".join(f"{character}: {outcome}" for character, outcome in seen.items()),
        means=f"name users with {', '.join(lost)} by their SID" if lost else "",
        behaviour={**separator, **({"lost_characters": others} if others else {})},
    )


def _reserved(identity: str) -> frozenset[str]:
    return frozenset(
        _FOREIGN if ord(character) > 127 else quote(character, safe="")
        for character in identity
        if quote(character, safe="") != character
    )


def _can_be_asked(identity: str) -> bool:
    try:
        return segment(identity) != identity
    except BadInput:
        return False


def _of(exchange: Exchange) -> frozenset[str]:
    return _reserved(_asked_identity(exchange))


def _asked_identity(exchange: Exchange) -> str:
    return unquote(exchange.target.rpartition("/")[2])


def _is_found(exchange: Exchange) -> bool:
    """Whether the answer is about the user who was asked for, and not about another one."""
    return exchange.status == 200 and exchange.content.get("identity") == _asked_identity(exchange)
