"""Which users a run reads."""
