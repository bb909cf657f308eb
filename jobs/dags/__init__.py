"""DAGs to use as they are, or to copy."""
