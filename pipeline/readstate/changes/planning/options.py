"""What the author of a plan allows; a manifest holds it word for word."""

import msgspec

from readstate.model.plan import Mode


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing that cannot be undone is allowed by default."""

    mode: Mode = Mode.ADVANCE
    allow_rewind: bool = False
    allow_first_set: bool = False
    """Allows ``@latest`` to set a horizon that was never set, which cannot be undone. A number may always do so."""
    allow_beyond_latest: bool = False
    allow_closed: bool = False
    writes_per_second: float = 30.0
    """For the estimate of how long applying takes."""
