"""One page of the list of users, of which one unusable value spoils neither the others nor the list. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from readstate.errors import UnusableAnswer
from readstate.model.resources import User
from readstate.twilio.http.response import Response

NO_SID = ""
"""Stands for the SID of a user whose SID is missing or no text: such a user can be counted, and not asked about."""


class PageUsers(NamedTuple):
    """The users of one page."""

    users: Sequence[User]
    left_empty: Mapping[str, str]
    """Fields of which at least one value cannot be used, each with the first user and the reason."""


class _Users(msgspec.Struct):
    users: list[User]


class _Undecoded(msgspec.Struct):
    users: list[Any]


def read_users(page: Response) -> PageUsers:
    """Return the users of *page*; a value that cannot be used, such as a date that is none, is left empty.

    Raises `UnusableAnswer` where the page holds no list of users.
    """
    try:
        return PageUsers(page.json(_Users).users, {})
    except UnusableAnswer:
        left_empty: dict[str, str] = {}
        return PageUsers([_mended(user, left_empty) for user in page.json(_Undecoded).users], left_empty)


def _mended(found: object, left_empty: dict[str, str]) -> User:
    given = found if isinstance(found, dict) else {}
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(User):
        try:
            values[field.name] = msgspec.convert(given.get(field.name), field.type)
        except msgspec.ValidationError as error:
            values[field.name] = NO_SID if field.name == "sid" else None
            left_empty.setdefault(field.name, f"{given.get('sid') or 'a user without SID'!s:.40}: {error}")
    return User(**values)
