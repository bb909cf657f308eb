"""``python -m jobs`` is ``readstate``."""

from jobs.cli import entry

entry()
