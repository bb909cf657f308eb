"""Tells a monitoring service that a command has begun and how it ended, by the convention of Healthchecks.

``URL/start``, then ``URL`` or ``URL/fail``. A service that hears no end within its time raises the alarm by itself.
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from queue import SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from readstate.errors import BadInput
from readstate_jobs.outcome.outcome import Outcome

MOST_SECONDS = 10.0
"""How long a command may be held up at its end, whatever the service does."""
_TIMEOUT_SECONDS = 4.0
WAITS_SECONDS = (0.0, 1.0, 2.0)
"""Before each try of the end: a service may be away for a moment."""
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~/-]*)?")


class Ping:
    """The pings of one command: a line of text each. What goes wrong with them is returned, and never raised."""

    def __init__(self, address: str) -> None:
        """Take the address that the service has given to one job, and send the start beside the command.

        Raise `BadInput`, which does not repeat the address: who knows it can ping too.
        """
        if not _ADDRESS.fullmatch(address):
            raise BadInput(
                "--ping: the address must be http(s)://HOST/PATH, without a password, a query or a fragment",
                hint="For example https://hc-ping.com/your-uuid",
            )
        self._address = address.rstrip("/")
        self._end: SimpleQueue[Outcome] = SimpleQueue()
        self._problem: str | None = f"no answer within {MOST_SECONDS:.0f} s"
        # One after the other: a start that arrives after the end would be a run that never ends.
        self._worker = Thread(target=self._send_both, daemon=True)
        self._worker.start()

    def end(self, outcome: Outcome) -> str | None:
        """Send the end. Return what went wrong, if anything, after `MOST_SECONDS` at the latest."""
        self._end.put(outcome)
        self._worker.join(MOST_SECONDS)
        if self._problem is None:
            return None
        return f"--ping: {urlsplit(self._address).hostname} did not receive the outcome: {self._problem}"

    def _send_both(self) -> None:
        self._send("/start", "", waits=(0.0,))
        outcome = self._end.get()
        self._problem = self._send("" if outcome.is_success else "/fail", outcome.text, waits=WAITS_SECONDS)

    def _send(self, suffix: str, text: str, *, waits: Sequence[float]) -> str | None:
        request = urllib.request.Request(  # noqa: S310 - the address is checked above
            self._address + suffix, data=text.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}
        )
        problem = None
        for wait_seconds in waits:
            time.sleep(wait_seconds)
            try:
                _opener().open(request, timeout=_TIMEOUT_SECONDS).close()
            except urllib.error.HTTPError as error:
                problem = f"status {error.code}"
            except (OSError, HTTPException, ValueError) as error:
                problem = str(getattr(error, "reason", error)) or type(error).__name__
            else:
                return None
        return problem


def _opener() -> urllib.request.OpenerDirector:
    """Return what sends requests, through a proxy where the environment has one, and follows no redirect.

    Where an answer could send it, such as to an address inside of the network, nothing is to be sent.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
