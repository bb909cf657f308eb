"""Which rows are read back after they were written. Pure."""

_PER_MILLION = 1_000_000
_SPREADING = 2_654_435_761
"""Knuth's multiplier: takes neighbouring numbers far apart."""


def is_sampled(plan_row_id: int, share: float) -> bool:
    """Whether the row is in a sample of *share*; the same rows in every process."""
    return (plan_row_id * _SPREADING) % _PER_MILLION < share * _PER_MILLION
