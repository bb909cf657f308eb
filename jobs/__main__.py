"""``python -m jobs`` is ``readstate``."""

from jobs.entry import entry

entry()
