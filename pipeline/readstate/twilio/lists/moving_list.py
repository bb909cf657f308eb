"""One list read so that no row is missed that was in it throughout, however rows move meanwhile. Pure.

A list of one page is read at one moment. After several pages, rows may have moved from where the reader had not been to
where it had been. Where the order of the list allows that, the list is read again from its beginning:

* newest update first: until a row that is older than everything updated since the reading began. That is repeated until
  one page was enough, because one page is read at one moment, or until nothing was updated meanwhile.
* any other order, or none that is known: to the end, until a reading brings nothing new.
"""

from collections.abc import Sequence

import msgspec

from readstate.errors import UnusableAnswer
from readstate.twilio.http.paging import follow, next_page_url
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.lists.list_order import ListOrder, ListRow, list_rows
from readstate.twilio.lists.seen_names import SeenNames

MOST_READINGS = 20
MAX_PAGES = 10_000
"""Of one list that a user or a conversation bounds: Twilio allows 1 000 conversations a user."""
MAX_USER_PAGES = 2_000_000
"""Of the users of a service: 100 million at 50 a page."""


class ListPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a list; as JSON, the resume point of a list in a checkpoint."""

    first: Request
    request: Request
    """For the next page."""
    order: ListOrder = ListOrder()
    reading: int = 1
    pages: int = 0
    """Read in this reading."""
    newest: str | None = None
    """When the first row of this reading was updated."""
    since: str | None = None
    """This reading ends at a row that was updated before; None where it goes to the end."""
    found_new: bool = False
    """Whether this reading brought rows that the ones before had not."""


class MovingList:
    """The position in one list."""

    def __init__(self, start: Request | ListPosition) -> None:
        self.position: ListPosition | None = (
            start if isinstance(start, ListPosition) else ListPosition(first=start, request=start)
        )
        """None when the list is done."""
        self._tokens = SeenNames()
        self._names = SeenNames()

    def advance(self, response: Response) -> bool:
        """Go on to the page after *response*; return whether it may hold rows that no page before had.

        Raise `UnusableAnswer` where the list leads back to itself, or moves too fast to be read.
        """
        position = self.position
        assert position is not None, "the list is done"
        following = next_page_url(response)
        if following is None and position.reading == 1 and position.pages == 0:
            self.position = None  # the whole list at one moment, as most lists are: nothing to learn
            return True
        rows = list_rows(response.body)
        position = _with_page(position, rows)
        # In a list that is in a stable order no page is read again.
        is_new = position.order.is_stable or self._names.add(row.name for row in rows)
        has_new = is_new or position.reading == 1
        position = msgspec.structs.replace(position, found_new=position.found_new or has_new)
        if following is not None and not _is_far_enough(position, rows):
            self.position = msgspec.structs.replace(position, request=self._request(position, following))
        else:
            self.position = _next_reading(position)
            self._tokens = SeenNames()
        return has_new

    def _request(self, position: ListPosition, next_url: str) -> Request:
        request = follow(position.request, next_url)
        # The token alone names a place in the list; ``Page`` is for the client's use.
        if not self._tokens.add([dict(request.query)["PageToken"]]):
            raise UnusableAnswer(f"GET {request.path}: the list leads back to a page already read")
        if position.pages >= (most := MAX_USER_PAGES if request.path.endswith("/Users") else MAX_PAGES):
            raise UnusableAnswer(f"GET {request.path}: the list has not ended after {most} pages")
        return request


def _with_page(position: ListPosition, rows: Sequence[ListRow]) -> ListPosition:
    begins = position.pages == 0 and bool(rows)
    return msgspec.structs.replace(
        position,
        order=position.order.after(rows) if position.reading == 1 else position.order,
        pages=position.pages + 1,
        newest=rows[0].date_updated if begins else position.newest,
    )


def _is_far_enough(position: ListPosition, rows: Sequence[ListRow]) -> bool:
    """Whether a repeated reading has passed all rows that were updated since the one before began."""
    since = position.since
    return since is not None and any(row.date_updated is not None and row.date_updated < since for row in rows)


def _next_reading(position: ListPosition) -> ListPosition | None:
    """Return the beginning of the next reading; None where nothing can have been missed. Raise `UnusableAnswer`."""
    is_first = position.reading == 1
    # Many rows of one second fill pages: then no row is older, and the newest one tells that none has moved.
    is_quiet = position.since in {None, position.newest} and not position.found_new
    if position.pages == 1 or (not is_first and is_quiet) or (is_first and position.order.is_stable):
        return None
    if position.reading == MOST_READINGS:
        raise UnusableAnswer(
            f"GET {position.first.path}: its rows moved during each of {MOST_READINGS} readings",
        )
    return ListPosition(
        first=position.first,
        request=position.first,
        order=position.order,
        reading=position.reading + 1,
        since=position.newest if position.order.is_newest_first else None,
    )
