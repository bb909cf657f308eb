"""The local disk: files, locks and databases on it, and what it refuses as one kind of error."""
