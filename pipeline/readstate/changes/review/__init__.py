"""After a run: verify, undo, report, erase."""
