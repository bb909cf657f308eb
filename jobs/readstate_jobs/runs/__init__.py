"""Show, verify, undo and erase runs."""
