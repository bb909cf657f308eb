"""SQL over published snapshots."""
