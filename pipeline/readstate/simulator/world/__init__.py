"""The state of the simulated account: what was changed since the seed."""
