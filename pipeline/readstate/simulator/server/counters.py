"""Counts of requests and of their responses."""

from collections import Counter

from msgspec import Struct, field


class Counters(Struct):
    """Counts since the server began, or since they were reset."""

    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By method, path template and status."""
    refusals: Counter[int] = field(default_factory=Counter)
    """429s by code."""
    faults: Counter[str] = field(default_factory=Counter)
    """Requests that met a fault, by its name."""
    connections: int = 0
    most_in_flight: int = 0

    @property
    def requests(self) -> int:
        """Requests that got a response, whatever its status."""
        return self.answers.total()

    def with_status(self, status: int) -> int:
        """Return the number of responses of one status."""
        return sum(count for (_, _, found), count in self.answers.items() if found == status)

    def as_plain(self) -> dict[str, object]:
        """Return the counters for a response of the control API."""
        answers = [
            {"method": method, "path": path, "status": status, "count": count}
            for (method, path, status), count in sorted(self.answers.items())
        ]
        return {
            "requests": self.requests,
            "answers": answers,
            "refusals": {str(code): count for code, count in self.refusals.items()},
            "faults": dict(self.faults),
            "connections": self.connections,
            "most_in_flight": self.most_in_flight,
        }
