"""What the author of a plan allows; a manifest holds it word for word."""

import msgspec

from readstate.model.plan import Mode


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing that cannot be taken back is allowed by default."""

    mode: Mode = Mode.ADVANCE
    allow_rewind: bool = False
    allow_first_set: bool = False
    """Lets ``@latest`` set a horizon that was never set: no way back. A number in the file may do so anyway."""
    allow_beyond_latest: bool = False
    allow_closed: bool = False
    writes_per_second: float = 30.0
    """For the estimate of how long applying takes."""
