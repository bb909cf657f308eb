"""The faults that can be injected, as one frozen value that can be replaced while the server runs."""

from typing import Literal, NamedTuple

from msgspec import Struct


class Faults(Struct, frozen=True, kw_only=True):
    """Limits, latency and failures. A *share* is a probability between 0 and 1."""

    # The account's limits, and who else uses it.
    concurrency_cap: int | None = 100
    """Requests in service at once before 429/20429; None for no limit."""
    requests_per_second_cap: float | None = None
    """Requests a second before 429; None for no limit."""
    requests_burst: float = 30.0
    """The bucket of that cap: so many requests may come at once."""
    requests_window_seconds: float = 0.0
    """Above 0 the cap counts in fixed windows of this length instead of a bucket."""
    rate_code: int = 20429
    """The code of a 429 of the rate cap."""
    retry_after_seconds: float | None = None
    """Sent with each 429; None for none, as Twilio does."""
    background_requests_per_second: float = 0.0
    """Production traffic of the same account: random arrivals that take slots, and are refused like ours."""

    # Time.
    latency_ms: float = 0.0
    """Mean time in service."""
    latency_sigma: float = 0.0
    """Spread of the time in service: 0 is constant, 0.5 usual, 1.2 a heavy tail (lognormal)."""
    latency_quantiles_ms: tuple[float, ...] = ()
    """Times in service from the shortest to the longest, at equal steps of probability, to draw from instead."""
    latency_added_ms: float = 0.0
    """Added for each other request that is in service when one arrives."""
    latency_factor: float = 1.0
    """A brownout: every time in service times this."""
    rtt_ms: float = 0.0
    """The way there and back, outside of the slot."""
    drip_share: float = 0.0
    """Answers whose body comes in small pieces."""
    drip_seconds: float = 1.0
    """For how long such a body drips."""
    stall_share: float = 0.0
    """Requests that are stuck for `stall_seconds` before they are served, holding their slot."""
    stall_seconds: float = 60.0
    clock_skew_seconds: float = 0.0
    """How far the `Date` header is ahead."""

    # Failures.
    outage: Literal["no", "503", "hang"] = "no"
    """Every request is answered 503, or never."""
    error_share: float = 0.0
    """Requests answered with a 5xx, before they had an effect."""
    error_after_effect_share: float = 0.0
    """Requests answered with a 5xx although they had their effect."""
    error_statuses: tuple[int, ...] = (500, 502, 503, 504)
    """Among which the 5xx are drawn."""
    html_share: float = 0.5
    """Of the 5xx, those that are a gateway's HTML page and not JSON."""
    html_success_share: float = 0.0
    """Reads answered 200 with an HTML page."""
    reset_before_share: float = 0.0
    """Connections reset before the effect."""
    reset_after_share: float = 0.0
    """Connections reset after the effect: the client cannot know what happened."""
    truncate_share: float = 0.0
    """Answers that end in the middle of the body."""
    oversize_share: float = 0.0
    """Answers padded to more than 32 MB."""
    unauthorized_share: float = 0.0
    """Stray 401s for good credentials."""
    conflict_share: float = 0.0
    """Writes answered 409/50419."""
    suspended: bool = False
    """The account is suspended: 401 for everything."""
    region_disabled: bool = False
    """Conversations do not exist in this region: 403/50385 for everything."""

    # Lists that change while they are read.
    repeat_row_share: float = 0.0
    """Pages that begin with the last row of the page before."""
    shift_row_share: float = 0.0
    """Pages whose first row is missing, and comes on the last page instead."""
    page_loop_share: float = 0.0
    """Pages whose next page is themselves."""
    foreign_next_origin: str | None = None
    """The origin of every `next_page_url`, such as `http://127.0.0.1:9`; None for the right one."""
    vanished_users_share: float = 0.0
    """Users who are in the list of users, and 404 everywhere else."""
    extra_fields: bool = False
    """Rows carry a field that the official description does not know."""

    # Other people, while we work.
    live_moves_per_second: float = 0.0
    """Horizons that a live client moves forward, anywhere."""
    live_messages_per_second: float = 0.0
    """Messages that live clients write, anywhere."""
    live_user_updates_per_second: float = 0.0
    """Users that live clients rename, anywhere."""
    live_list_share: float = 0.0
    """Pages of a list after which a live client updates a row of a later page: with a message into a conversation, by
    renaming a user, by reading for a participant."""
    live_after_fetch_share: float = 0.0
    """Fetches of a user conversation after which a live client moves that horizon."""
    live_removal_share: float = 0.0
    """Writes right before which another client removes the participant."""
    live_message_share: float = 0.0
    """Lookups of the newest message after which a newer one arrives."""


class PageFaults(NamedTuple):
    """What goes wrong between this page and the one before it."""

    repeats_row: bool = False
    """The last row of the page before comes again."""
    moves_row: bool = False
    """The row that should come first is shown on the last page instead."""
    loops: bool = False
    """The next page is this page."""
    next_origin: str | None = None
    """The next page is said to be on this other origin."""


NO_PAGE_FAULTS = PageFaults()
