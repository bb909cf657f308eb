"""How carefully to apply, as it is typed: the options of two commands, and their defaults."""

import msgspec


class TypedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How carefully to apply, in the form in which it is typed."""

    canary: int = 25
    canary_pause: bool = False
    verify: str = "1%"
    max_errors: str = "1%"
    max_drift: str = "10%"
    on_drift: str = "skip"
    max_precondition_age: str = "5s"
    settle: str = "2,5,10,30"
    breaker: str = "5,20%"
    max_throttled: str = "30m"
    grace: str = "20s"
