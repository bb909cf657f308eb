"""A run on disk: directory, lock, journal, status, results."""
