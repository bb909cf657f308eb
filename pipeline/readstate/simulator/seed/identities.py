"""The identities of a world: most of them plain, some of them chosen to break careless code, all of them invertible."""

import re

from readstate.simulator.seed.sid_space import mix

_PLAIN = "user-{}"
_ODD = (
    "team/{}",
    "tag#{}",
    "who?id={}",
    "100%{}",
    "half%2F{}",
    "plus+{}",
    "two words {}",
    "pipe|{}",
    "../{}",
    "a&b={}",
    "semi;colon:{}",
    "anna.{}@example.com",
    "comma,{}",
    'quote"{}',
    "=SUM(A{})",
    "<b>{}</b>",
    "back\\slash{}",
    " padded {} ",
    "tab\t{}",
    "müller-{}",
    "e\u0301-{}",
    "李雷-{}",
    "شاهد-{}",
    "🙂{}",
    "\u202eright-to-left {}",
    "[red]{}[/red]",
    "long-" + "x" * 230 + "-{}",
)
_NUMBERLESS = {3: "..", 7: ".", 11: "%2e%2e"}
_NUMBERS = re.compile(r"[0-9]+")


class Identities:
    """Maps the numbers of users to identities and back."""

    __slots__ = ("_key", "_odd_below")

    def __init__(self, odd_share: float, key: int) -> None:
        self._odd_below = int(odd_share * 65536)
        self._key = key

    def identity_of(self, user: int) -> str:
        """Return the identity of *user*."""
        bits = mix(user, self._key)
        if bits & 0xFFFF >= self._odd_below:
            if self._odd_below and user in _NUMBERLESS:
                return _NUMBERLESS[user]
            return _PLAIN.format(user)
        return _ODD[(bits >> 16) % len(_ODD)].format(user)

    def user_of(self, identity: str) -> int | None:
        """Find the number of the user whom *identity* may name; the caller checks that there are so many users."""
        candidates = [*map(int, _NUMBERS.findall(identity)), *_NUMBERLESS]
        return next((user for user in candidates if self.identity_of(user) == identity), None)
