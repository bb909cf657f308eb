"""What is done with a run afterwards: verify, undo, report, erase."""
