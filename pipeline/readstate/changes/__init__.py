"""From a CSV to a plan, and from a plan to its effect."""
