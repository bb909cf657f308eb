"""The dependencies of reading from one service, passed in so that tests can replace them."""

from msgspec import Struct

from readstate.clock import Clock
from readstate.events import Observer
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader


class ReadContext(Struct, frozen=True, kw_only=True):
    """A reader of *service_sid*, and what decides how fast and for how long it reads."""

    reader: Reader
    service_sid: str
    clock: Clock
    stop: StopSwitch
    emit: Observer
    parallel: int
    """How many requests may be under way at once."""
