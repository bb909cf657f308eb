"""Commands that people and schedulers start."""
