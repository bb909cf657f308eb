"""From conditions to a plan."""
