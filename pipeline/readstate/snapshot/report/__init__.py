"""Reports: what a snapshot holds and what changed, as a page, and an index of all dates."""
