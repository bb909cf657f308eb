"""Look at a run, take it back, erase it."""
