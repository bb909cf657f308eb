"""The file of ``--exclude``: users, conversations or single memberships that must not be touched."""

from readstate.changes.input.cells import BadCell, parse_conversation, parse_user
from readstate.changes.selection.exclusions import Exclusions
from readstate.errors import BadInput
from readstate.model.ids import is_sid
from readstate.snapshot.roster.line_file import FileLine, WrongLine, raise_wrong_lines, read_lines

_HEADERS = (("user",), ("conversation",), ("user", "conversation"))


def read_exclusions(name: str) -> Exclusions:
    """Read *name*: a CSV with the columns ``user``, ``conversation`` or both, or one of them a line.

    A line with both excludes that one membership. Raises `BadInput` that lists every wrong line.
    """
    users, conversations, memberships = set[str](), set[str](), set[tuple[str, str]]()
    wrong: list[WrongLine] = []
    for line in read_lines(name, _HEADERS):
        if isinstance(line, WrongLine):
            wrong.append(line)
            continue
        user, conversation = _cells(line)
        try:
            _check(user, conversation)
        except BadCell as bad:
            wrong.append(WrongLine(line.number, user or conversation, f"{bad.message}. {bad.hint}"))
            continue
        if user and conversation:
            memberships.add((user, conversation))
        elif user:
            users.add(user)
        else:
            conversations.add(conversation)
    if wrong:
        raise_wrong_lines(
            name,
            wrong,
            hint="A line names a user (SID or identity) or a conversation (SID), in a CSV with user,conversation both.",
        )
    if not users | conversations and not memberships:
        raise BadInput(f"{name}: excludes nothing", hint="Leave --exclude out, or look whether the file was cut off.")
    return Exclusions(frozenset(users), frozenset(conversations), frozenset(memberships))


def _cells(line: FileLine) -> tuple[str, str]:
    if len(line.cells) == 1:
        (alone,) = line.cells
        return ("", alone) if is_sid(alone, "CH") else (alone, "")
    user, conversation = line.cells
    return user, conversation


def _check(user: str, conversation: str) -> None:
    if user:
        parse_user(user)
    if conversation:
        parse_conversation(conversation)
        if not is_sid(conversation, "CH"):
            raise BadCell(
                "E-CONVERSATION", f"{conversation!r} is not a conversation's SID", "A SID is CH and 32 hex digits."
            )
