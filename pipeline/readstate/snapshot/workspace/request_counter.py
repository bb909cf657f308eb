"""Counts what a run asks of Twilio, for the manifest."""

from readstate.events import Event, RequestAnswered, RequestLost, Retried
from readstate.snapshot.published.manifest import RequestCounts


class RequestCounter:
    """An observer that continues the counts of earlier starts of the same run."""

    def __init__(self) -> None:
        self._requests = 0
        self._retries = 0
        self._throttled = 0

    def observe(self, event: Event) -> None:
        """Count *event* where it is about a request."""
        if isinstance(event, RequestAnswered):
            self._requests += 1
            self._throttled += event.status == 429
        elif isinstance(event, RequestLost):
            self._requests += 1
        elif isinstance(event, Retried):
            self._retries += 1

    def added_to(self, earlier: RequestCounts) -> RequestCounts:
        """The counts of this start together with those of the *earlier* ones."""
        return RequestCounts(
            requests=earlier.requests + self._requests,
            retries=earlier.retries + self._retries,
            throttled=earlier.throttled + self._throttled,
        )
