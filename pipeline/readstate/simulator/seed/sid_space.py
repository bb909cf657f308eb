"""Arithmetic that makes a world out of a seed: mixing, permutations, and SIDs that map back to a number."""

from math import gcd

_MASK_64 = (1 << 64) - 1
_MASK_128 = (1 << 128) - 1
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_STIR = 0xDA942042E4DD58B5AC564B05BB6DA9E5
_PLACES = 1 << 48
_SID_LENGTH = 34


def mix(number: int, key: int) -> int:
    """Draw 128 bits that look random and depend on nothing but *number* and *key*."""
    bits = (number * _SPREAD + key) & _MASK_128
    bits ^= bits >> 59
    bits = (bits * _STIR) & _MASK_128
    return bits ^ (bits >> 67)


def subkey(key: int, *parts: object) -> int:
    """Derive from *key* another one, named by *parts*, that is unrelated to it."""
    for part in parts:
        for byte in repr(part).encode():
            key = mix(key ^ byte, key + 1)
    return key


class Permutation:
    """A keyed one-to-one shuffle of the numbers 0 … *count* - 1 that runs both ways without a table."""

    __slots__ = ("_back", "_factor", "_shift", "count")

    def __init__(self, count: int, key: int) -> None:
        self.count = count
        modulus = max(1, count)
        # A factor near the golden section spreads neighbours far apart even where *count* is small.
        factor = (modulus * 618_033_989 // 1_000_000_000 + mix(1, key) % max(1, modulus // 7)) % modulus or 1
        while gcd(factor, modulus) != 1:
            factor += 1
        self._factor = factor
        self._shift = mix(2, key) % modulus
        self._back = pow(factor, -1, modulus)

    def place_of(self, number: int) -> int:
        """Return where *number* went."""
        return (number * self._factor + self._shift) % self.count

    def number_at(self, place: int) -> int:
        """Return which number went to *place*."""
        return (place - self._shift) * self._back % self.count


class SidSpace:
    """The SIDs of *count* numbered things: random to look at, yet sortable and invertible without a table.

    The first twelve hex digits rise with the place in SID order; the others are noise that proves the SID genuine.
    """

    __slots__ = ("_key", "_place_of", "_prefix", "_shuffle", "_step", "count")

    def __init__(self, prefix: str, count: int, key: int) -> None:
        self.count = count
        self._prefix = prefix
        self._key = key
        self._shuffle = Permutation(count, key)
        self._place_of = self._shuffle.place_of
        self._step = _PLACES // max(1, count)

    def sid_of(self, number: int) -> str:
        """Write the SID of *number*."""
        return self._sid_at(self._place_of(number))

    def number_of(self, sid: str) -> int | None:
        """Find the number that *sid* belongs to; None when this space never issued it."""
        place = self._place(sid)
        if place is None or place >= self.count or self._sid_at(place) != sid:
            return None
        return self._shuffle.number_at(place)

    def number_at(self, place: int) -> int:
        """Return whose SID stands at *place* in SID order."""
        return self._shuffle.number_at(place)

    def first_place_after(self, sid: str) -> int:
        """Return at which place of the SID order the SIDs greater than *sid* begin."""
        place = self.first_place_from(sid)
        return place + 1 if place < self.count and self._sid_at(place) == sid else place

    def first_place_from(self, sid: str) -> int:
        """Return at which place of the SID order the SIDs not less than *sid* begin."""
        place = self._place(sid)
        if place is None:
            return 0
        if place >= self.count:
            return self.count
        return place + 1 if self._sid_at(place) < sid else place

    def _sid_at(self, place: int) -> str:
        noise = mix(place, self._key)
        return "%s%012x%020x" % (self._prefix, place * self._step + noise % self._step, noise >> 48)  # noqa: UP031 - the fastest

    def _place(self, sid: str) -> int | None:
        if len(sid) != _SID_LENGTH or not sid.startswith(self._prefix):
            return None
        try:
            return int(sid[2:14], 16) // self._step
        except ValueError:
            return None
