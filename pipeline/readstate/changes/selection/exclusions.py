"""A file of what must not be touched: users, conversations, or single memberships."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from readstate.changes.input.cells import BadCell, parse_conversation, parse_user
from readstate.errors import BadInput
from readstate.model.ids import is_sid

_MOST_SHOWN = 50
_COLUMNS = {"user", "conversation"}


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left alone, whatever else is asked."""

    users: frozenset[str] = frozenset()
    """SIDs, and identities that still have to be looked up."""
    conversations: frozenset[str] = frozenset()
    """SIDs."""
    memberships: frozenset[tuple[str, str]] = frozenset()
    """A user and a conversation's SID each."""

    @property
    def identities(self) -> list[str]:
        """The users that are not named by SID."""
        named = self.users | {user for user, _ in self.memberships}
        return sorted(user for user in named if not is_sid(user, "US"))

    def resolved(self, sids: dict[str, str]) -> "Exclusions":
        """The same with identities replaced by *sids*; an identity without a SID is nobody's."""
        found = {user: sids.get(user, user) for user in [*self.users, *(user for user, _ in self.memberships)]}
        return replace(
            self,
            users=frozenset(found[user] for user in self.users),
            memberships=frozenset((found[user], conversation) for user, conversation in self.memberships),
        )


def read_exclusions(name: str) -> Exclusions:
    """Read the file *name*: a CSV with the columns ``user``, ``conversation`` or both, or one of them a line.

    A line with both excludes that one membership. Raises `BadInput` that tells every wrong line.
    """
    try:
        text = Path(name).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: is not UTF-8", hint="Save it as UTF-8.") from error
    users, conversations, memberships = set[str](), set[str](), set[tuple[str, str]]()
    wrong: list[str] = []
    for line, user, conversation in _rows(text):
        try:
            _check(user, conversation)
        except BadCell as bad:
            wrong.append(f"line {line}: {bad.message}. {bad.hint}")
            continue
        if user and conversation:
            memberships.add((user, conversation))
        elif user:
            users.add(user)
        else:
            conversations.add(conversation)
    if wrong:
        more = [f"… and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise BadInput(
            f"{name}: {len(wrong)} wrong line{'s' * (len(wrong) > 1)}, nothing was read:\n  "
            + "\n  ".join(wrong[:_MOST_SHOWN] + more),
            hint="A line names a user (SID or identity) or a conversation (SID), in a CSV with user,conversation both.",
        )
    if not users | conversations and not memberships:
        raise BadInput(f"{name}: excludes nothing", hint="Leave --exclude out, or look whether the file was cut off.")
    return Exclusions(frozenset(users), frozenset(conversations), frozenset(memberships))


def _check(user: str, conversation: str) -> None:
    if user:
        parse_user(user)
    if conversation:
        parse_conversation(conversation)
        if not is_sid(conversation, "CH"):
            raise BadCell("E-CONVERSATION", f"{conversation!r} is not a conversation's SID", "Give CH and 32 digits.")


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Give (line, user, conversation) of every line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""))
    for cells in reader:
        if set(cells) & _COLUMNS and set(cells) <= _COLUMNS:
            for record in reader:
                if any(record):
                    named = dict(zip(cells, record, strict=False))
                    yield reader.line_num, named.get("user", ""), named.get("conversation", "")
            return
        break
    for number, line in enumerate(text.splitlines(), start=1):
        if line:
            yield number, *(("", line) if is_sid(line, "CH") else (line, ""))
