"""The files of an unfinished export on the local disk: checkpoint, lock, users."""
