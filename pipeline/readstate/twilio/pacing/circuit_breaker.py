"""A circuit breaker: stops sending while nothing works, and sends probes to find out when it works again."""

import math

_FAILURES_IN_A_ROW = 10
_FAILURES_FOR_LONG = 3
_LONG_SECONDS = 5.0
"""A request that is alone, as at the start of a run, never fails ten times: a few failures over a while count too."""
_FAILURE_SHARE = 0.5
_MEMORY = 0.02
"""The weight of one request in the share of failures: about the last fifty count."""
_SUCCESSES_TO_CLOSE = 3
_LONGEST_INTERVAL_SECONDS = 5.0


class CircuitBreaker:
    """Opens on failures (5xx, timeouts, lost connections; never a 429); half-open, it lets one probe through."""

    def __init__(self) -> None:
        self.opened_at: float | None = None
        self._in_a_row = 0
        self._failing_since = 0.0
        self._share = 0.0
        self._probes_failed = 0
        self._probes_answered = 0
        self._probe_at = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether only probes may be sent."""
        return self.opened_at is not None

    def ready_at(self) -> float:
        """Return when the next probe may be sent; infinity while one is in flight."""
        return math.inf if self._is_probing else self._probe_at

    def succeeded(self) -> None:
        """Count a response while closed."""
        self._in_a_row = 0
        self._share -= _MEMORY * self._share

    def failed(self, now: float, chance: float) -> bool:
        """Count a failure while closed; return whether it opened the breaker."""
        if self._in_a_row == 0:
            self._failing_since = now
        self._in_a_row += 1
        self._share += _MEMORY * (1 - self._share)
        for_long = self._in_a_row >= _FAILURES_FOR_LONG and now - self._failing_since >= _LONG_SECONDS
        if self._in_a_row < _FAILURES_IN_A_ROW and self._share <= _FAILURE_SHARE and not for_long:
            return False
        self.open(now, chance)
        return True

    def open(self, now: float, chance: float) -> None:
        """Admit only probes from now on."""
        self.opened_at = now
        self._probes_failed = self._probes_answered = 0
        self._schedule_probe(now, chance)

    def probe_sent(self) -> None:
        """Hold the next probe until this one has succeeded or failed."""
        self._is_probing = True

    def probe_succeeded(self, now: float) -> bool:
        """Allow the next probe at once, or close after enough of them; return whether it closed."""
        self._is_probing = False
        self._probe_at = now
        self._probes_answered += 1
        if self._probes_answered < _SUCCESSES_TO_CLOSE:
            return False
        self.opened_at = None
        self._in_a_row = 0
        self._share = 0.0
        return True

    def probe_failed(self, now: float, chance: float) -> None:
        """Schedule the next probe, with exponential backoff."""
        self._is_probing = False
        self._probes_answered = 0
        self._probes_failed += 1
        self._schedule_probe(now, chance)

    def reschedule_probe(self, time: float) -> None:
        """Send the next probe at *time*: this one was refused (429) or cancelled, which proves nothing."""
        self._is_probing = False
        self._probe_at = time

    def _schedule_probe(self, now: float, chance: float) -> None:
        seconds = min(_LONGEST_INTERVAL_SECONDS, 2.0 ** min(self._probes_failed, 8))
        self._probe_at = now + seconds * (0.75 + 0.5 * chance)
