"""``python -m readstate_jobs`` is ``readstate``."""

from readstate_jobs.cli.entry import entry

entry()
