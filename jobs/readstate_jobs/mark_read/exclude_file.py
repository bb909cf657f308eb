"""The file of ``--exclude``: users, conversations or single memberships that must not be touched."""

from collections.abc import Callable

from readstate.changes.selection.exclusions import Exclusions
from readstate.errors import BadInput
from readstate.input.cell_reader import CellReader
from readstate.input.cells import parse_conversation_sid, parse_user
from readstate.input.header import Columns
from readstate.input.name_list import read_list
from readstate.model.ids import is_sid

_EITHER = "user or conversation"
_COLUMNS = Columns(("user", "conversation"), alone=_EITHER)


def read_exclusions(name: str, *, warn: Callable[[str], None]) -> Exclusions:
    """Read *name*: a CSV with the columns ``user``, ``conversation`` or both, or one of them a line.

    A line with both excludes that one membership. Raise `BadInput` that lists every wrong line; what is only doubtful
    goes to *warn*.
    """
    users, conversations, memberships = set[str](), set[str](), set[tuple[str, str]]()

    def take(cells: CellReader, texts: dict[str, str]) -> None:
        alone = texts.get(_EITHER, "")
        is_conversation = is_sid(alone, "CH")
        user = cells.read_optional("user", texts["user"] or ("" if is_conversation else alone), parse_user)
        conversation = cells.read_optional(
            "conversation", texts["conversation"] or (alone if is_conversation else ""), parse_conversation_sid
        )
        if cells.first_error is not None:
            return
        if user is not None and conversation is not None:
            memberships.add((user, conversation))
        elif user is not None:
            users.add(user)
        elif conversation is not None:
            conversations.add(conversation)

    read_list(name, _COLUMNS, take, warn=warn)
    if not users | conversations and not memberships:
        raise BadInput(
            f"{name}: there is neither a user nor a conversation in it",
            hint="Leave --exclude out, or check whether the file was cut off.",
        )
    return Exclusions(frozenset(users), frozenset(conversations), frozenset(memberships))
