"""When to stop sending because nothing works, and how to find out that it works again."""

import math

_FAILURES_IN_A_ROW = 10
_FAILURES_FOR_LONG = 3
_LONG_SECONDS = 5.0
"""A request that is alone, as at the start of a run, never fails ten times: a few failures over a while count too."""
_FAILURE_SHARE = 0.5
_MEMORY = 0.02
"""The weight of one request in the share of failures: about the last fifty count."""
_PROOFS_OF_LIFE = 3
_LONGEST_INTERVAL_SECONDS = 5.0


class Breaker:
    """Opens on failures (5xx, timeouts, lost connections; never a 429), then lets one probe through at a time."""

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
        """When the next probe may be sent; infinity while one is under way."""
        return math.inf if self._is_probing else self._probe_at

    def succeeded(self) -> None:
        """Note an answer while closed."""
        self._in_a_row = 0
        self._share -= _MEMORY * self._share

    def failed(self, now: float, chance: float) -> bool:
        """Note a failure while closed; True where it opened the breaker."""
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
        """Let only probes through from now on."""
        self.opened_at = now
        self._probes_failed = self._probes_answered = 0
        self._probe_later(now, chance)

    def probe_sent(self) -> None:
        """Let nothing else through until this probe's fate is known."""
        self._is_probing = True

    def probe_succeeded(self, now: float) -> bool:
        """Send the next probe at once, or close: True where this one was proof enough."""
        self._is_probing = False
        self._probe_at = now
        self._probes_answered += 1
        if self._probes_answered < _PROOFS_OF_LIFE:
            return False
        self.opened_at = None
        self._in_a_row = 0
        self._share = 0.0
        return True

    def probe_failed(self, now: float, chance: float) -> None:
        """Ask again later, and later still each time."""
        self._is_probing = False
        self._probes_answered = 0
        self._probes_failed += 1
        self._probe_later(now, chance)

    def probe_put_off(self, time: float) -> None:
        """The probe proved nothing: it was refused as one too many, or given up. Ask again at *time*."""
        self._is_probing = False
        self._probe_at = time

    def _probe_later(self, now: float, chance: float) -> None:
        seconds = min(_LONGEST_INTERVAL_SECONDS, 2.0 ** min(self._probes_failed, 8))
        self._probe_at = now + seconds * (0.75 + 0.5 * chance)
