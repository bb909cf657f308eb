"""From a file to a plan that a person can read."""
