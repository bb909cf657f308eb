"""SQL over published snapshots, and the report made of it."""
