"""The command `mark-read`: from conditions to a plan."""
